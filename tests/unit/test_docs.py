"""The docs name what the program has: fields, words, commands. And they lead somewhere."""

import json
import re
from enum import StrEnum
from pathlib import Path

import pytest

from ctid.ami.client import End
from ctid.cli.commands import NAMES
from ctid.config import load
from ctid.domain.records import (
    Direction,
    EndedBy,
    GapCause,
    Outcome,
    Reason,
    Record,
    RingResult,
)
from ctid.output import to_dict
from ctid.replay import replay

ROOT = Path(__file__).parents[2]
CAPTURES = ROOT / "tests/captures"
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
]
REPLAY = (ROOT / "docs/replay.md").read_text()
ENGLISH, _, CHINESE = (ROOT / "docs/definitions.md").read_text().partition("\n# 定义")
README = (ROOT / "README.md").read_text()
OPERATORS = [ROOT / "docs/troubleshooting.md", ROOT / "docs/store.md"]


def records(name: str) -> list[Record]:
    config = load(CAPTURES / "lab.toml", read_secrets=False)
    return list(replay([CAPTURES / f"{name}.ami"], "lab", config.directory("lab")))


def fields_of_table(heading: str) -> list[str]:
    section = REPLAY.partition(f"# {heading}\n")[2].partition("\n#")[0]
    return re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)


def test_the_object_has_the_documented_fields_in_the_documented_order() -> None:
    (transferred,) = records("blind_refer_answered")
    shown = to_dict(transferred)
    assert list(shown) == fields_of_table("The object")
    assert list(shown["rings"][0]) == fields_of_table("An entry of `rings`")
    assert list(shown["transfers"][0]) == fields_of_table("An entry of `transfers`")


def test_the_example_of_the_object_is_what_replay_prints() -> None:
    example = json.loads(REPLAY.partition("```json\n")[2].partition("```")[0])
    (transferred,) = records("blind_refer_answered")
    assert example == to_dict(transferred)


def test_the_example_of_the_readme_is_what_replay_prints() -> None:
    example = json.loads(README.partition("```json\n")[2].partition("```")[0])
    (answered,) = records("queue_answered")
    assert example == to_dict(answered)


@pytest.mark.parametrize("words", [Outcome, Reason, RingResult, EndedBy, Direction])
def test_every_word_of_a_record_is_explained(words: type[StrEnum]) -> None:
    for word in words:
        for text in (ENGLISH, CHINESE, REPLAY):
            assert f"`{word}`" in text, word


def test_every_kind_of_transfer_is_explained() -> None:
    kinds = re.findall(r'Transfer\("(\w+)"', _sources())
    assert kinds
    for kind in kinds:
        assert f"`{kind}`" in REPLAY


def test_every_cause_of_a_gap_is_explained() -> None:
    for cause in GapCause:
        for page in OPERATORS:
            assert f"`{cause}`" in page.read_text(), (cause, page)


def test_every_end_of_a_connection_is_explained() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    for end in End:
        assert f"\n| `{end}` |" in page, end


def test_every_command_is_named() -> None:
    for name in NAMES:
        assert f"\n| `ctid {name}" in README, name


def test_every_page_of_the_docs_can_be_reached_from_the_readme() -> None:
    for page in sorted((ROOT / "docs").glob("*.md")):
        assert f"](docs/{page.name})" in README, page.name


def test_the_definitions_are_complete_in_both_languages() -> None:
    headings = [len(re.findall(r"^##+ ", text, re.MULTILINE)) for text in (ENGLISH, CHINESE)]
    assert headings[0] == headings[1]
    rows = [len(re.findall(r"^ *\| ", text, re.MULTILINE)) for text in (ENGLISH, CHINESE)]
    assert rows[0] == rows[1]


def test_every_log_line_an_operator_may_meet_is_named() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    told = set(re.findall(r'log\.(?:warning|error|exception)\(\s*(?:#.*\s*)?"(\w+)"', _sources()))
    assert told
    for name in told:
        assert f"`{name}`" in page, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", prose):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(
        # `ctid/SITE/...` are topics of MQTT
        r"`((?:ctid(?!/SITE)|config|dialplans|systemd|tests|docs)/[\w./-]+)`",
        page.read_text(),
    )
    for name in named:
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_holds_a_place_on_the_machine_it_was_written_on(page: Path) -> None:
    assert str(ROOT) not in page.read_text()
    assert not re.search(r"/(?:root|home|work|tmp)/", page.read_text())


def _sources() -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / "ctid").glob("**/*.py")))
