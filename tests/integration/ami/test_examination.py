"""What `ctid doctor` finds out from a PBX."""

import pytest

from ctid.ami.client import End
from ctid.ami.examination import Examination, examine
from ctid.domain.presence import PhoneState
from tests.integration.ami.fake_server import SECRET, FakeAmi, Session
from tests.integration.ami.watched import pbx
from tests.truth import CAPTURES

SETTINGS = b"Success\r\n@ID@\r\nAMIversion: 11.0.0\r\nAsteriskVersion: 22.10.1\r\n"
COMMANDS = (
    b"Success\r\n@ID@\r\nCoreStatus: Show PBX core status.  (Priv: system,reporting,all)\r\n"
    b"Ping: Keepalive command.  (Priv: <none>)\r\n"
)
DENIED = b"Error\r\n@ID@\r\nMessage: Permission denied\r\n"
QUEUES = b"Event: QueueParams\r\nQueue: hotline\r\nMax: 0\r\n@ID@\r\n\r\n"


@pytest.fixture
def server() -> FakeAmi:
    server = FakeAmi()
    server.answers["CoreSettings"] = SETTINGS
    server.answers["ListCommands"] = COMMANDS
    server.answers["Ping"] = b"Success\r\n@ID@\r\nPing: Pong\r\nTimestamp: 1003.500000\r\n"
    server.lists["QueueStatus"] = QUEUES
    return server


async def examined(
    server: FakeAmi,
    seconds: float = 0.0,
    secret: str = SECRET,
    phones: tuple[str, ...] = (),
    **settings: object,
) -> Examination:
    async with server:
        table = pbx(server, secret=secret, **settings)
        assert table.secret is not None
        found = await examine(table, table.secret, seconds, lambda: 1000.0, phones)
        if found.failure is None:
            assert server.sessions[0].names[-1] == "Logoff"
        return found


async def test_a_pbx_that_is_well(server: FakeAmi) -> None:
    found = await examined(server)
    assert found.failure is None
    assert (found.version, found.clock_ahead) == ("22.10.1", 3.5)
    assert (found.refused, found.powers) == ((), ())
    assert found.heard.queues == {"hotline"}
    assert not found.heard.booted
    assert "UserEvent" not in server.sessions[0].names


async def test_events_tell_their_classes_and_whether_they_have_times(server: FakeAmi) -> None:
    stream = (CAPTURES / "overflow_answered.ami").read_bytes().partition(b"\r\n")[2]

    def play(session: Session, action: dict[str, str]) -> None:
        if action["Action"] == "ListCommands":
            session.send(stream.replace(b"Response: Goodbye", b"Event: Cut"))

    server.before = play
    heard = (await examined(server)).heard
    assert {"call", "agent", "dialplan", "system"} <= heard.classes
    assert heard.booted
    assert heard.stamped > 50
    assert heard.unstamped == 0
    assert heard.needless > 10


async def test_events_without_times(server: FakeAmi) -> None:
    def play(session: Session, action: dict[str, str]) -> None:
        if action["Action"] == "ListCommands":
            session.send(b"Event: Hangup\r\nPrivilege: call,all\r\nChannel: SIP/1\r\n\r\n")

    server.before = play
    heard = (await examined(server)).heard
    assert (heard.stamped, heard.unstamped, heard.classes) == (0, 1, {"call"})


async def test_a_login_with_too_few_and_too_many_rights(server: FakeAmi) -> None:
    server.answers["CoreShowChannels"] = DENIED
    server.answers["ListCommands"] = (
        COMMANDS + b"Originate: Originate a call.  (Priv: originate,all)\r\n"
        b"UserEvent: Send an arbitrary event.  (Priv: user,all)\r\n"
    )
    found = await examined(server)
    assert found.refused == ("CoreShowChannels",)
    assert found.powers == ("Originate",)
    assert "UserEvent" in server.sessions[0].names


async def test_phones_are_asked_for_as_before_a_page(server: FakeAmi) -> None:
    server.answers["Getvar"] = b"Success\r\n@ID@\r\nValue: UNAVAILABLE\r\n"
    found = await examined(server, phones=("PJSIP/1", "PJSIP/$(x)"))
    assert found.phones == {"PJSIP/1": PhoneState.UNREGISTERED}
    asked = [a["Variable"] for a in server.sessions[0].actions if a["Action"] == "Getvar"]
    assert asked == ["DEVICE_STATE(PJSIP/1)"]
    server.answers["Getvar"] = b"Success\r\n@ID@\r\nValue: INVALID\r\n"
    assert (await examined(server, phones=("PJSIP/1",))).phones == {}
    server.answers["Getvar"] = DENIED
    assert (await examined(server, phones=("PJSIP/1",))).phones is None


async def test_a_pbx_that_tells_little(server: FakeAmi) -> None:
    server.answers.update(CoreSettings=DENIED, ListCommands=DENIED, Ping=b"Success\r\n@ID@\r\n")
    found = await examined(server)
    assert found.failure is None
    assert (found.version, found.clock_ahead, found.powers) == ("", None, None)


async def test_why_it_did_not_come_to_it(server: FakeAmi) -> None:
    refused = await examined(server, secret="wrong")
    assert refused.failure is not None
    assert refused.failure.end is End.LOGIN_REFUSED
    silent = FakeAmi()
    silent.answers["CoreSettings"] = None
    waited = await examined(silent, connect_timeout_seconds=0.2)
    assert waited.failure is not None
    assert waited.failure.end is End.NO_ANSWER
    nobody = await examined(FakeAmi(), port=1)
    assert nobody.failure is not None
    assert nobody.failure.end is End.UNREACHABLE


async def test_a_connection_that_ends_while_listening(server: FakeAmi) -> None:
    def cut(session: Session, action: dict[str, str]) -> None:
        if action["Action"] == "ListCommands":
            session.end()

    server.before = cut
    found = await examined(server, 60.0)
    assert found.failure is not None
    assert found.failure.end is End.CONNECTION_LOST
