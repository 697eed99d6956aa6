"""What findings say, and how grave they are."""

from dataclasses import replace

import pytest

from ctid.ami.client import End
from ctid.ami.examination import Examination, Heard
from ctid.ami.session import Failure
from ctid.cli import diagnosis
from ctid.cli.diagnosis import Finding, Mark
from ctid.config.models import Config, LineTable, Pbx
from ctid.domain.presence import PhoneState

WELL = Examination(
    version="22.10.1",
    clock_ahead=0.01,
    powers=(),
    channels=0,
    heard=Heard(
        kinds={"FullyBooted": 1, "Newchannel": 4},
        classes={"call", "agent", "user", "system", "dialplan"},
        stamped=4,
        queues={"hotline"},
    ),
)
PBX = Pbx(name="main")
CONFIG = Config(pbx=(PBX,), line=(LineTable(name="network", queues=("hotline",)),))


def of(found: Examination, pbx: Pbx = PBX) -> dict[str, Finding]:
    return {finding.check: finding for finding in diagnosis.of_pbx(pbx, found, 5.0)}


def test_a_pbx_that_is_well() -> None:
    findings = of(WELL)
    assert {finding.mark for finding in findings.values()} == {Mark.OK}
    assert [finding.mark for finding in diagnosis.of_queues(CONFIG, {"main": WELL})] == [Mark.OK]


def test_without_an_attachment_there_is_nothing_else_to_say() -> None:
    failed = Examination(failure=Failure(End.LOGIN_REFUSED, "the PBX refused the login"))
    (finding,) = of(failed).values()
    assert (finding.mark, finding.found) == (Mark.FAIL, "the PBX refused the login")
    assert list(diagnosis.of_queues(CONFIG, {"main": failed})) == []


def heard(**changes: object) -> Examination:
    return replace(WELL, heard=replace(WELL.heard, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "check", "mark", "words"),
    [
        (replace(WELL, version="13.2"), "version", Mark.WARN, "13.2"),
        (replace(WELL, version="certified/20.7"), "version", Mark.OK, "20.7"),
        (replace(WELL, version="GIT-master"), "version", Mark.SKIP, "does not say"),
        (replace(WELL, refused=("Status",)), "rights", Mark.FAIL, "refuses Status"),
        (replace(WELL, powers=("Originate",)), "rights", Mark.WARN, "Originate"),
        (replace(WELL, powers=None), "rights", Mark.SKIP, "does not say"),
        (heard(classes={"agent", "dialplan"}), "read", Mark.FAIL, "no event of class call"),
        (heard(classes={"call"}), "read", Mark.SKIP, "agent, user, dialplan"),
        (heard(stamped=0, unstamped=2), "timestampevents", Mark.WARN, "no time of the PBX"),
        (heard(stamped=0), "timestampevents", Mark.SKIP, "no event came"),
        (heard(kinds={"FullyBooted": 1, "RTCPSent": 9}), "filter", Mark.WARN, "9 of 10"),
        (heard(kinds={"FullyBooted": 1}), "filter", Mark.SKIP, "no call"),
        (replace(WELL, clock_ahead=-2.5), "clock", Mark.WARN, "2.500 s behind"),
        (replace(WELL, clock_ahead=1.9), "clock", Mark.OK, "1.900 s ahead of"),
        (replace(WELL, clock_ahead=None), "clock", Mark.SKIP, "does not tell"),
    ],
)
def test_what_is_not_well_is_said_with_its_remedy(
    found: Examination, check: str, mark: Mark, words: str
) -> None:
    finding = of(found)[check]
    assert (finding.mark, words in finding.found) == (mark, True)
    assert finding.mend or mark in (Mark.OK, Mark.SKIP)


def test_what_comes_after_every_login_did_not_come() -> None:
    findings = list(diagnosis.of_pbx(PBX, heard(kinds={"Newchannel": 4}), 5.0))
    assert any("FullyBooted did not come" in finding.found for finding in findings)


def test_an_open_network() -> None:
    assert of(WELL, Pbx(name="main", host="192.0.2.1"))["tls"].mark is Mark.WARN
    assert "tls" not in of(WELL, Pbx(name="main", host="192.0.2.1", tls=True))


def test_queues_without_a_line_and_lines_without_their_queue() -> None:
    (stray, missing) = diagnosis.of_queues(CONFIG, {"main": heard(queues={"sales", "night"})})
    assert (stray.mark, stray.found.startswith("queues night, sales belong")) == (Mark.WARN, True)
    assert (missing.mark, "queue hotline (of line network)" in missing.found) == (Mark.FAIL, True)
    both = {"main": WELL, "other": heard(queues=set())}
    assert {finding.mark for finding in diagnosis.of_queues(CONFIG, both)} == {Mark.OK}
    refused = replace(WELL, refused=("QueueStatus",))
    (finding,) = diagnosis.of_queues(CONFIG, {"main": refused})
    assert (finding.mark, "app_queue" in finding.mend) == (Mark.FAIL, True)


def test_who_could_answer() -> None:
    dialled = LineTable(name="mail", contexts=("mail",), agents=("Zhang San",))
    config = Config(pbx=(PBX,), line=(*CONFIG.line, dialled), agents={"PJSIP/101": "Zhang San"})
    told = replace(WELL, phones={"PJSIP/101": PhoneState.UNREGISTERED})
    (finding,) = diagnosis.of_presence(config, {"main": told})
    assert finding.mark is Mark.OK
    assert "queues (1), states of phones that are dialled without one (1)" in finding.found

    (_, strange) = diagnosis.of_presence(config, {"main": WELL})
    assert (strange.mark, "a phone of line mail" in strange.found) == (Mark.WARN, True)
    assert "`agents`" in strange.mend
    (_, _, *more) = diagnosis.of_presence(config, {"main": told, "other": WELL})
    assert more == []  # one of them knows it

    (refused,) = diagnosis.of_presence(config, {"main": replace(WELL, phones=None)})
    assert (refused.mark, "page about line mail" in refused.found) == (Mark.WARN, True)
    assert "write = reporting" in refused.mend
    failed = Examination(failure=Failure(End.LOGIN_REFUSED, "the PBX refused the login"))
    assert list(diagnosis.of_presence(config, {"main": failed})) == []


def test_calls_of_no_line_and_mobile_phones() -> None:
    assert diagnosis.of_strangers("main", []).mark is Mark.OK
    strangers = diagnosis.of_strangers("main", [("8009", 12), ("", 1)])
    assert (strangers.mark, "8009 (12), unknown (1)" in strangers.found) == (Mark.WARN, True)
    assert diagnosis.of_mobiles("main", []).mark is Mark.OK
    mobiles = diagnosis.of_mobiles("main", [("mobile", 3)])
    assert (mobiles.mark, "mobile (3)" in mobiles.found) == (Mark.SKIP, True)
