"""What the log shows of callers."""

import io
import json

import pytest
import structlog

from ctid import logs

CALL = {"call": "1795886576.42084", "caller": "13812345678"}


@pytest.mark.parametrize(("mask", "caller"), [(True, "138******78"), (False, "13812345678")])
def test_lines_are_json_with_the_numbers_as_configured(mask: bool, caller: str) -> None:
    stream = io.StringIO()
    logs.set_up(human=False, mask_numbers=mask, to=stream)
    log = structlog.get_logger("ctid")
    log.info("call", **CALL)
    try:
        int("from 13812345678")
    except ValueError:
        log.exception("event_set_aside", event_text="Channel('13812345678')")
    first, second = (json.loads(line) for line in stream.getvalue().splitlines())
    assert (first["call"], first["caller"]) == (CALL["call"], caller)
    assert caller in second["event_text"]
    assert caller in second["exception"]
    assert ("13812345678" in stream.getvalue()) is not mask
    structlog.reset_defaults()
