"""docs/store.md names every table, column and reason."""

from pathlib import Path

from ctid.store import schema
from ctid.store.errors import StoreReason

TEXT = (Path(__file__).parents[3] / "docs" / "store.md").read_text()


def test_every_column_is_explained() -> None:
    for table in schema.metadata.sorted_tables:
        section = TEXT.partition(f"### `{table.name}`")[2].partition("\n##")[0]
        explained = {
            name.strip("` ")
            for line in section.splitlines()
            if line.startswith("| `")
            for name in line.split("|")[1].split(",")
        }
        assert explained == set(table.columns.keys()), table.name


def test_every_reason_is_explained() -> None:
    section = TEXT.partition("## When the database fails")[2]
    explained = [line.split("`")[1] for line in section.splitlines() if line.startswith("| `")]
    assert explained == list(StoreReason)
