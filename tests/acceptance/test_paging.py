"""From a telephone that nobody answers to a page, over a real Asterisk, by `ctid run`."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from asterisk.server import Asterisk
from lab.daemon import Ctid
from lab.desk import (
    AGENTS,
    DIALLED,
    DIDS,
    LIMIT_SECONDS,
    PAUSED,
    RINGING,
    UNPLUGGED,
    Sip,
    asterisk,
    daemon,
)
from lab.needs import need
from lab.pager import Arrived, Pager

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120)]

# Of a busy machine; that a page leaves within a second is measured by benchmarks/.
PROMPT_SECONDS = 2.0
FROZEN_SECONDS = 6.0


@dataclass
class Desk:
    """One Asterisk with a caller on every line, and two daemons: `mute` may ask for no phone."""

    pbx: Asterisk
    sip: Sip
    pager: Pager
    mute: Pager
    callers: dict[str, str]

    def end_calls(self, line: str) -> None:
        """The caller of this line leaves."""
        with self.pbx.ami() as lab:
            for channel in lab.channels():
                if channel.get("CallerIDNum") == self.callers[line]:
                    lab.action("Hangup", Channel=channel["Channel"])


@pytest.fixture(scope="module", params=["22", "16"])
def desk(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """Everybody calls at once, so that the limits of all lines are over at the same time."""
    need(request.param)
    folder = tmp_path_factory.mktemp(f"paging{request.param}")
    pbx = asterisk(request.param, folder / "pbx")
    with ExitStack() as stack:
        stack.callback(pbx.stop)
        pbx.start()
        pager, other = (stack.enter_context(Pager()) for _ in range(2))
        daemons = (
            daemon(folder / "ctid", pbx, pager),
            daemon(folder / "mute", pbx, other, "mute"),
        )
        for one in daemons:
            stack.callback(one.kill)
        with ThreadPoolExecutor() as pool:
            list(pool.map(Ctid.start, daemons))
        sip = Sip(pbx)
        stack.callback(sip.close)
        with pbx.ami() as lab:
            for agent in AGENTS[PAUSED]:
                lab.action("QueuePause", Interface=f"PJSIP/a{agent}", Paused="true")
        for agent in AGENTS[RINGING]:
            sip.phone(agent, then="never")
        callers = {line: sip.call(did) for line, did in DIDS.items()}
        yield Desk(pbx, sip, pager, other, callers)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def told(page: Arrived, line: str) -> tuple[str, list[str]]:
    """The first advice, and whom it is about, of a page that came in time."""
    assert page.page["recipient"] == "Zhang San"
    assert page.page["limit_at"] - page.page["since"] == pytest.approx(LIMIT_SECONDS, abs=0.01)
    assert 0 <= page.at - page.page["limit_at"] < PROMPT_SECONDS, line
    advice, agents = page.subject["advice"][0], page.subject["agents"]
    assert ", ".join(agents) in page.text
    return advice, sorted(agents)


def test_all_phones_unplugged_then_one_answers_the_next_call(desk: Desk) -> None:
    page = desk.pager.wait(UNPLUGGED, "firing")
    agents = list(AGENTS[UNPLUGGED])
    assert told(page, UNPLUGGED) == ("no_phone_registered", agents)
    assert "Do first: no phone is registered: " in page.text
    caller = desk.callers[UNPLUGGED]
    assert (page.subject["waiting_count"], caller in page.text) == (1, False)
    assert f"{caller[:3]}******{caller[-2:]}" in page.text  # the middle is hidden
    desk.end_calls(UNPLUGGED)
    with desk.sip.plugged_in("399"):
        desk.sip.call(DIDS[UNPLUGGED])
        over = desk.pager.wait(UNPLUGGED, "resolved")
    assert (over.page["state"]["ending"], over.page["state"]["by"]) == ("answered", "399")
    assert [one.page["event"] for one in desk.pager.pages(UNPLUGGED)] == [
        "warning",
        "firing",
        "resolved",
    ]


def test_phones_unplugged_that_are_dialled_without_a_queue(desk: Desk) -> None:
    page = desk.pager.wait(DIALLED, "firing")
    assert told(page, DIALLED) == ("no_phone_registered", list(AGENTS[DIALLED]))
    assert "Do first: no phone is registered: " in page.text
    assert page.subject["missed_count"] == 1
    with desk.sip.plugged_in("397"):
        desk.sip.call(DIDS[DIALLED])
        over = desk.pager.wait(DIALLED, "resolved")
    assert (over.page["state"]["ending"], over.page["state"]["by"]) == ("answered", "397")


def test_all_paused(desk: Desk) -> None:
    page = desk.pager.wait(PAUSED, "firing")
    assert told(page, PAUSED) == ("all_paused", list(AGENTS[PAUSED]))
    assert "Do first: all agents are paused: " in page.text


def test_phones_ring_and_nobody_picks_up(desk: Desk) -> None:
    page = desk.pager.wait(RINGING, "firing")
    assert told(page, RINGING) == ("rang_not_picked_up", list(AGENTS[RINGING]))
    assert "Do first: phones rang, nobody picked up: " in page.text


def test_a_user_without_the_right_to_ask_is_paged_all_the_same(desk: Desk) -> None:
    page = desk.mute.wait(DIALLED, "firing")
    assert told(page, DIALLED) == ("unknown", [])
    assert "call the agents. The PBX gives no reason." in page.text
    # QueueStatus needs no right, and what rang was seen
    assert told(desk.mute.wait(PAUSED, "firing"), PAUSED)[0] == "all_paused"
    assert told(desk.mute.wait(RINGING, "firing"), RINGING)[0] == "rang_not_picked_up"


def test_the_pbx_freezes_and_is_killed_while_a_caller_waits(tmp_path: Path) -> None:
    need("22")
    pbx = asterisk("22", tmp_path / "pbx")
    with ExitStack() as stack:
        stack.callback(pbx.stop)
        pbx.start()
        pager = stack.enter_context(Pager())
        ctid = daemon(tmp_path / "ctid", pbx, pager, warning=FROZEN_SECONDS, limit=20.0)
        stack.enter_context(ctid)
        sip = Sip(pbx)
        stack.callback(sip.close)
        sip.call(DIDS[UNPLUGGED])
        until(lambda: any(row["line"] == UNPLUGGED for row in ctid.records()))
        pbx.freeze()  # two seconds before somebody is told it is asked, in vain
        warning = pager.wait(UNPLUGGED, "warning")
        assert 0 <= warning.at - warning.page["since"] - FROZEN_SECONDS < PROMPT_SECONDS
        assert warning.subject["advice"] == ["unknown"]
        pbx.kill()
        blind = pager.wait(UNPLUGGED, "firing", "blind")
        assert blind.subject["waiting_count"] == 1
        (unseen,) = blind.subject["pbxs"]
        assert (unseen["pbx"], unseen["until"]) == ("lab", None)
        pbx.start()
        ctid.wait_attached(2)
        assert pager.wait(UNPLUGGED, "resolved", "blind").page["state"]["ending"] == "recovered"
        page = pager.wait(UNPLUGGED, "firing")
        assert ctid.stop() == 0, ctid.log_tail()
    (gap,) = page.subject["blind"]
    assert gap["began_at"] == unseen["began_at"]
    assert gap["until"] is not None
    assert "ctid did not see PBX lab" in page.text
    assert "nobody answered" not in page.text.lower()
    assert "nobody has answered" not in page.text.lower()
    assert page.subject["lost_count"] == 1
