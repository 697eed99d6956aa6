"""Commands at a broker: what is understood, and one line for all that is not."""

import json
import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.alerts import Kind
from ctid.outbound.mqtt.commands import LONGEST, Action, Refused, decoded, order, token_of
from ctid.outbound.mqtt.states import LineState, Standing, documents
from tests.paged import acknowledged, alert, firing, resolved, warned

PAGE = (Path(__file__).parents[3] / "docs/mqtt.md").read_text()
COMMANDS = PAGE.partition("### Commands")[2].partition("\n## ")[0]
ACK = {"action": "ack", "alert": 7, "by": "Li Lei"}


def documented(text: str) -> list[dict[str, Any]]:
    """All JSON of this part of the page, in order."""
    found: list[dict[str, Any]] = []
    for block in re.findall(r"```json\n(.*?)```", text, re.DOTALL):
        decoder, rest = json.JSONDecoder(), block.strip()
        while rest:
            value, end = decoder.raw_decode(rest)
            found.append(value)
            rest = rest[end:].strip()
    return found


def refusal(body: Any) -> str:
    with pytest.raises(Refused) as caught:
        order(decoded(orjson.dumps(body)))
    return str(caught.value)


def test_the_page_shows_a_command_of_each_kind() -> None:
    shown = [body for body in documented(COMMANDS) if "action" in body]
    assert [order(body).action for body in shown] == list(Action)
    assert token_of(shown[0]) == "42"


def test_the_page_has_every_key() -> None:
    told = set(
        re.findall(r"`(\w+)`", "".join(re.findall(r"^\| (`.+?) \|", COMMANDS, re.MULTILINE)))
    )
    known = {"action", "by", "id", "alert", "why", "minutes", "lines", "kinds", "title", "line"}
    assert told == known
    assert all(set(body) <= known for body in documented(COMMANDS) if "action" in body)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ([], "no JSON object"),
        ({}, "`action` must be one of `ack`, `resolve`, `silence`, `incident`"),
        ({"action": ["ack"]}, "`action` must be one of `ack`, `resolve`, `silence`, `incident`"),
        (ACK | {"alert": "7"}, "`alert` must be the number of an alert, such as 7"),
        (ACK | {"alert": True}, "`alert` must be the number of an alert, such as 7"),
        (ACK | {"alert": 0}, "`alert` must be the number of an alert, such as 7"),
        ({"action": "ack", "by": "x"}, "`alert` is missing: `ack` needs it"),
        ({"action": "ack", "alert": 7}, "`by` is missing: `ack` needs it"),
        (ACK | {"by": " "}, "`by` must be one line of text with 1 to 100 characters"),
        (ACK | {"by": "a\nb"}, "`by` must be one line of text with 1 to 100 characters"),
        (ACK | {"why": "x" * 501}, "`why` must be one line of text with 1 to 500 characters"),
        (ACK | {"alrt\n": 7}, "`alrt\ufffd` is unknown; `ack` takes `alert`, `why`, `by`"),
        (ACK | {"action": "resolve"}, "`why` is missing: `resolve` needs it"),
        (
            {"action": "silence", "minutes": 1.5, "why": "x", "by": "y"},
            "`minutes` must be a whole number from 1 to 44640",
        ),
        (
            {"action": "silence", "minutes": 5, "why": "x", "by": "y", "lines": "network"},
            "`lines` must be a list of texts",
        ),
        (
            {"action": "silence", "minutes": 5, "why": "x", "by": "y", "kinds": ["blnd"]},
            f"there is no kind `blnd`: the kinds are {', '.join(f'`{kind}`' for kind in Kind)}",
        ),
    ],
)
def test_what_is_refused(body: Any, line: str) -> None:
    assert refusal(body) == line


def test_what_is_no_json_or_too_long() -> None:
    for payload, words in ((b"ack 7", "no JSON: write {"), (b" " * (LONGEST + 1), "8193 bytes")):
        with pytest.raises(Refused, match=re.escape(words)):
            decoded(payload)


def test_what_the_broker_kept_is_refused() -> None:
    assert order(ACK).body == ACK
    with pytest.raises(Refused, match="published with `retain`"):
        order(ACK, kept=True)


@pytest.mark.parametrize("token", [7, "", "x" * 101, "a\nb", None])
def test_an_id_that_is_none_is_not_repeated(token: object) -> None:
    assert token_of({"id": token}) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
words = st.sampled_from(
    ["action", "alert", "by", "why", "minutes", "lines", "kinds", "title", "id"]
)


@given(st.dictionaries(words | st.text(), values | st.sampled_from([*Action]), max_size=6))
def test_whatever_comes_is_an_order_or_one_line(body: dict[str, Any]) -> None:
    said = ""
    try:
        said = order(body).by
    except Refused as error:
        said = str(error)
    assert said.isprintable()
    assert 0 < len(said) < 400


# states

LINE = LineState("network", "Network", "network", True, 1.7e9, 1.7e9 + 900, 2, True, (7,))


def test_the_page_shows_states_as_they_are() -> None:
    line, shown = documented(PAGE.partition("### How lines")[2].partition("###")[0])
    assert line == LINE._asdict() | {"alerts": [7]}
    found = documents("lab", Standing([LINE], [alert(state=acknowledged)]))
    assert list(found) == ["ctid/lab/state/line/network", "ctid/lab/state/alert/7"]
    assert list(orjson.loads(found["ctid/lab/state/line/network"])) == list(line)
    assert list(orjson.loads(found["ctid/lab/state/alert/7"])) == list(shown)


def test_every_state_has_its_word_and_what_is_over_is_not_there() -> None:
    standing = Standing([], [alert(1, warned), alert(2, firing), alert(3, resolved)])
    found = [orjson.loads(payload) for payload in documents("lab", standing).values()]
    assert [each["state"] for each in found] == ["warning", "firing"]
    assert {"warned_at"} <= set(found[0])
    assert {"fired_at", "step", "next_at"} <= set(found[1])
