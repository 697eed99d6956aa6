"""docs/tickets.md says what the code does."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ctid.domain.drafts import (
    AttemptPart,
    Caller,
    Contact,
    Draft,
    LineName,
    Priority,
    ReturnPart,
    Stage,
    ToFill,
    TransferPart,
    VisitPart,
)
from ctid.domain.numbers import Numbering
from ctid.outbound.contact_csv import COLUMNS
from ctid.outbound.contacts import ContactDirectory
from ctid.outbound.draft_schema import FIELDS
from ctid.outbound.rendering import LONGEST_SUBJECT, VARIABLES, Templates
from ctid.outbound.samples import samples
from ctid.outbound.sandbox import LONGEST, STANDARD_FILTERS
from ctid.outbound.wording import Language, filters

PAGE = (Path(__file__).parents[3] / "docs/tickets.md").read_text()
SHANGHAI = ZoneInfo("Asia/Shanghai")
FOLDED = samples(LineName("network", "网络专业热线", "network"))["missed and folded"]
PREFIXES: dict[type, str] = {
    Draft: "",
    LineName: "line.",
    Caller: "caller.",
    Contact: "caller.contact.",
    VisitPart: "visits[].",
    TransferPart: "transfers[].",
    AttemptPart: "attempts[].",
    ReturnPart: "call_back.",
    ToFill: "to_fill.",
}


def section(heading: str) -> str:
    return PAGE.partition(f"\n{heading}\n")[2].partition("\n##")[0]


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    cells = [re.split(r"(?<!\\)\|", line.strip()[1:-1]) for line in lines]
    return [[cell.strip().replace("\\|", "|") for cell in row] for row in cells]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def templates(folder: Path | None, language: Language = "en") -> Templates:
    lines = {"network": language}
    return Templates(folder, zone=SHANGHAI, language=language, languages=lines)


@pytest.mark.parametrize(("n", "language"), [(0, "en"), (1, "zh")])
def test_the_examples_are_what_ctid_writes(n: int, language: Language) -> None:
    document = templates(None, language).render(FOLDED, 3, b"", new=False)
    assert blocks("text")[n] == f"{document.subject}\n\n{document.body}"


@pytest.mark.parametrize(("n", "language"), [(2, "en"), (3, "zh")])
def test_only_what_is_new_has_what_is_to_be_filled(n: int, language: Language) -> None:
    own = templates(None, language)
    first, second = (own.render(FOLDED, 2, b"", new=new).body for new in (True, False))
    form = f"{blocks('text')[n]}\n"
    assert form in first
    assert first.replace(form, "") == second


def test_every_stage_and_priority_is_told() -> None:
    told = {cell for row in rows(section("## When a ticket is made, and changed")) for cell in row}
    table = section("## When a ticket is made, and changed")
    for stage in Stage:
        assert f"| `{stage}` |" in table
    assert {cell.split("`")[1] for cell in told if re.match(r"`\w+` [一-鿿]", cell)} == set(
        Priority
    )


def test_every_variable_is_explained_as_in_the_schema() -> None:
    explained = {row[0].strip("`"): row[1] for row in rows(section("### Variables"))}
    expected = {
        f"{PREFIXES[part]}{name}": text
        for part, fields in FIELDS.items()
        for name, text in fields.items()
    }
    beside = explained.keys() - expected.keys()
    assert {name: explained.get(name) for name in expected} == expected
    assert beside == {"visit", "revision", "new", "zone"}
    assert {name for name in explained if "." not in name} == set(VARIABLES)


def test_every_filter_is_explained_by_a_true_example(tmp_path: Path) -> None:
    table = rows(section("### Filters"))
    assert [row[0].strip("`") for row in table] == list(filters("en", SHANGHAI))
    for _, _, example in table:
        expression, result = re.findall(r"`([^`]+)`", example)
        (tmp_path / "body.j2").write_text(f"{{{{ {expression} }}}}")
        assert templates(tmp_path).check() == []
        assert templates(tmp_path).render(FOLDED, 1, b"", new=True).body == f"{result}\n"
    of_jinja = section("### Filters").partition("Of Jinja's own:")[2]
    assert re.findall(r"`(\w+)`", of_jinja) == list(STANDARD_FILTERS)


def test_the_limits_are_the_true_ones() -> None:
    assert f"at most {LONGEST_SUBJECT} characters" in PAGE
    assert f"more than {LONGEST} characters" in PAGE


def test_the_example_of_a_template_works(tmp_path: Path) -> None:
    (source,) = blocks("jinja")
    (tmp_path / "body.j2").write_text(source)
    made = templates(tmp_path)
    assert made.check() == []
    assert made.render(FOLDED, 1, b"", new=True).body == (
        "Example Ltd.: call back by 10:00\n网络专业热线, +86 138 0013 8000\n"
    )


def test_the_example_of_a_mistake_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "body.j2").write_text("\n" * 11 + "{{ caller.nmae }}")
    (problem,) = templates(tmp_path).check()
    assert str(problem).replace(str(tmp_path), "/etc/ctid/templates") + "\n" in blocks("text")


def test_the_columns_of_a_contact_file_are_told() -> None:
    table = rows(section("## Who is calling: the contact file"))
    told = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[-1]) for row in table if len(row) == 3}
    expected = {names[0]: list(names[1:]) for names in COLUMNS.values()}
    assert told == expected


@pytest.mark.parametrize("kind", ["csv", "vcard"])
def test_the_examples_of_contact_files_can_be_read(tmp_path: Path, kind: str) -> None:
    (text,) = blocks(kind)
    path = tmp_path / "contacts"
    path.write_text(text)
    directory = ContactDirectory(path, Numbering(), ["network"])
    report = directory.load()
    assert report is not None
    assert report.problems == []
    contact = Contact("Example Ltd.", "Shanghai", vip=True, line="network")
    assert directory.lookup("+8613800138000") == contact
