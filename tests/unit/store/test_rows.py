from hypothesis import given
from hypothesis import strategies as st

from ctid.domain.records import OpenCall, Record, Ring, Transfer
from ctid.store import rows, schema
from tests.integration.store import samples

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
MAYBE = st.none() | TEXT
TIME = st.floats(0, 4e9)


def through_the_table(record: Record) -> Record:
    columns = schema.record.columns.keys()
    return rows.record_from(dict(zip(columns, rows.record_row(record), strict=True)))


@given(
    MAYBE,
    MAYBE,
    st.lists(TEXT, max_size=3),
    st.lists(st.builds(Ring, TEXT, TEXT, TIME, st.none() | TIME, st.none() | TIME, st.none())),
    st.lists(st.builds(Transfer, TEXT, MAYBE, MAYBE, TIME)),
)
def test_any_text_comes_back(
    name: str | None,
    agent: str | None,
    rung: list[str],
    rings: list[Ring],
    transfers: list[Transfer],
) -> None:
    record = samples.answered(1)._replace(
        caller_name=name,
        agent=agent,
        agents_rung=tuple(rung),
        rings=tuple(rings),
        transfers=tuple(transfers),
    )
    assert through_the_table(record) == record


@given(st.text())
def test_any_text_can_be_stored(text: str) -> None:
    row = rows.open_call_row(OpenCall("main", text, text))
    for value in row:
        assert isinstance(value, str)
        assert "\0" not in value
        value.encode()


def test_a_row_has_the_columns_of_its_table() -> None:
    record = samples.answered(1)
    assert len(rows.record_row(record)) == len(schema.record.columns)
    assert [len(row) for row in rows.ring_rows(record)] == [len(schema.ring.columns)] * 2
    assert len(rows.history_rows(samples.facts(1))[0]) == len(schema.history.columns)
    assert [field.name for field in schema.record.columns] == list(Record._fields)
