"""What of a stream may be kept, and with its numbers masked."""

import re

import pytest

from ctid.ami.masking import Mask
from ctid.ami.recording import Recording

GREETING = b"Asterisk Call Manager/11.0.0\r\n"
LOGIN = (
    b"Response: Success\r\nActionID: 1\r\nChallenge: 141059265\r\n\r\n"
    b"Response: Success\r\nActionID: 2\r\nMessage: Authentication accepted\r\n\r\n"
)
EVENTS = b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\nEvent: Hangup\r\nCause: 16\r\n\r\n"
ANSWER = b"Response: Success\r\nActionID: 3\r\nEventList: start\r\n\r\n"


def recorded(*pieces: bytes, logged_in_after: int) -> bytes:
    recording = Recording()
    out = b""
    for number, piece in enumerate(pieces):
        recording.logged_in = number >= logged_in_after
        out += recording.feed(piece)
    return out + recording.end()


def test_the_answers_to_the_login_are_left_out_however_they_were_cut() -> None:
    assert recorded(GREETING + LOGIN + EVENTS, ANSWER, logged_in_after=1) == (
        GREETING + EVENTS + ANSWER
    )
    whole = GREETING + LOGIN + EVENTS
    for cut in range(len(whole)):
        pieces = (whole[:cut], whole[cut:], ANSWER)
        assert recorded(*pieces, logged_in_after=2) == GREETING + EVENTS + ANSWER


def test_a_challenge_is_never_kept() -> None:
    late = b"Response: Success\r\nActionID: 9\r\nChallenge: 5\r\n\r\n"
    assert recorded(GREETING, late + EVENTS, logged_in_after=0) == GREETING + EVENTS


def test_what_is_not_whole_is_kept_as_it_is() -> None:
    torn = b"Event: Newstate\r\nCallerIDNum: 13"
    assert recorded(GREETING + EVENTS + torn, logged_in_after=0) == GREETING + EVENTS + torn


def test_a_block_without_end_is_not_held_for_ever() -> None:
    recording = Recording()
    recording.logged_in = True
    kept = sum(len(recording.feed(b"x" * 100_000)) for _ in range(50))
    assert kept > 3_000_000


MASK = Mask(lambda number: number == "02161234567", key=b"k" * 32)


def masked(text: str) -> str:
    return MASK(text.encode()).decode()


@pytest.mark.parametrize("number", ["13800000001", "8613800000001", "1234567", "010123456789"])
def test_the_middle_of_a_number_is_changed_and_always_alike(number: str) -> None:
    text = masked(f"CallerIDNum: {number}")
    assert text != f"CallerIDNum: {number}"
    assert re.fullmatch(rf"CallerIDNum: {number[:3]}[0-9]{{{len(number) - 5}}}{number[-2:]}", text)
    other = masked(f"DialString: {number}@trunk")
    assert other == text.replace("CallerIDNum", "DialString") + "@trunk"


@pytest.mark.parametrize(
    "line",
    [
        "Uniqueid: 1795468600.31",
        "Linkedid: pbx1-1795468600.31",
        "Timestamp: 1795468600.055823",
        "Channel: PJSIP/trunk-00000012",
        "Channel: Local/102@from-queue-00000013;2",
        "BridgeUniqueid: 12345678-1234-1234-1234-123456789012",
        "LastCall: 1795468600",
        "Exten: 8001",
        "DNID: 02161234567",
        "Value: 2026/11/23/1795463917.210.wav",
    ],
)
def test_ids_times_short_numbers_and_the_lines_own_stay(line: str) -> None:
    assert masked(line) == line


def test_numbers_are_found_wherever_they_stand() -> None:
    for line in (
        "CallerIDName: 王 13800000001",
        "Channel: Local/13800000001@trunk-00000013;1",
        "CallerIDNum: 010-12345678",
        "Value: q-8001-13800000001-1795463917.210.wav",
        "CallerIDNum: +8613800000001",
    ):
        text = masked(line)
        assert len(text) == len(line)
        assert "13800000001" not in text
        assert "12345678" not in text


def test_two_recordings_do_not_mask_alike() -> None:
    several = {Mask(lambda _: False)(b"13800000001") for _ in range(5)}
    assert len(several) > 1
