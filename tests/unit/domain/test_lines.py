import pytest

from ctid.domain.lines import Callers, Directory, Line, Outside, endpoint
from ctid.domain.patterns import parse
from ctid.domain.records import Reason


def line(name: str, *dids: str, queues: tuple[str, ...] = (), contexts: str = "") -> Line:
    return Line(
        name=name,
        title=name,
        specialty=name,
        queues=frozenset(queues),
        dids=tuple(parse(did) for did in dids),
        contexts=frozenset(contexts.split()),
        agents=frozenset(),
        duty=None,
        zone="UTC",
        target_rate=0.75,
    )


def name_of(found: Line | None) -> str | None:
    return None if found is None else found.name


def test_a_line_is_recognised_by_queue_number_and_context() -> None:
    directory = Directory(
        [
            line("network", "_80XX", "_9.", queues=("hotline", "hotline2")),
            line("server", "8001", "_80[5-6]X", contexts="server-in"),
        ]
    )
    assert name_of(directory.line_of_queue("hotline2")) == "network"
    assert directory.line_of_queue("nobody") is None
    assert name_of(directory.line_of_context("server-in")) == "server"
    assert directory.line_of_context("network-in") is None
    numbers = ("8000", "8001", "8059", "8071", "91", "9", "")
    found = [name_of(directory.line_of_did(number)) for number in numbers]
    assert found == ["network", "server", "server", "network", "network", None, None]
    assert name_of(directory.line("server")) == "server"
    assert directory.line("other") is None


def test_the_most_specific_number_wins_whatever_the_order() -> None:
    lines = [line("all", "_."), line("some", "_80XX"), line("one", "8001")]
    for order in (lines, lines[::-1]):
        directory = Directory(order)
        assert name_of(directory.line_of_did("8001")) == "one"
        assert name_of(directory.line_of_did("8002")) == "some"
        assert name_of(directory.line_of_did("7")) == "all"


def test_what_callers_dial_does_not_fill_the_memory() -> None:
    directory = Directory([line("all", "_8X.")], callers=Callers(test=(parse("_1380000XXXX"),)))
    for number in range(10_000):
        directory.line_of_did(str(number))
        directory.exclusion(str(number))
    assert directory.line_of_did.cache_info().currsize <= 4096
    assert directory.exclusion.cache_info().currsize <= 4096


def test_agents_have_exactly_the_configured_names() -> None:
    directory = Directory(agents={"PJSIP/101": "Zhang San", "13911112222": "Li Si"})
    assert directory.agent_name("PJSIP/101") == "Zhang San"
    assert directory.agent_name("13911112222") == "Li Si"
    assert directory.agent_name("101") is None


def test_the_outside() -> None:
    directory = Directory(
        outside=Outside(
            trunks=frozenset({"PJSIP/trunk"}),
            inbound_contexts=frozenset({"entry"}),
            closed_contexts=frozenset({"closed"}),
        )
    )
    assert directory.is_trunk("PJSIP/trunk-0000002c")
    assert not directory.is_trunk("PJSIP/trunk-b-0000002c")
    assert not directory.is_trunk("PJSIP/101-0000002c")
    assert directory.is_inbound_context("entry")
    assert not directory.is_inbound_context("from-trunk")
    assert directory.is_closed_context("closed")
    assert not directory.is_closed_context("entry")


def test_without_configured_contexts_the_usual_ones_are_inbound() -> None:
    directory = Directory()
    assert directory.is_inbound_context("from-trunk-pjsip-1")
    assert directory.is_inbound_context("from-pstn")
    assert not directory.is_inbound_context("from-internal")


def test_callers_that_do_not_count() -> None:
    directory = Directory(
        callers=Callers(test=(parse("_1380000XXXX"),), blocked=(parse("666"),), fax=(parse("777"),))
    )
    assert directory.exclusion("13800001234") is Reason.TEST
    assert directory.exclusion("666") is Reason.BLOCKED
    assert directory.exclusion("777") is Reason.FAX
    assert directory.exclusion("13900001234") is None


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("PJSIP/trunk-0000002c", "PJSIP/trunk"),
        ("PJSIP/my-trunk-0000002c", "PJSIP/my-trunk"),
        ("Local/101@internal-0000002c;2", "Local/101@internal"),
        ("PJSIP/trunk", "PJSIP/trunk"),
        ("PJSIP/my-trunk", "PJSIP/my-trunk"),
        ("DAHDI/1-1", "DAHDI/1-1"),
        ("", ""),
        (";1", ""),
    ],
)
def test_endpoint(channel: str, expected: str) -> None:
    assert endpoint(channel) == expected
