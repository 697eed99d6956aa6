"""The operator's folder of templates: which file is for which line and language."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, Literal, get_args

from ctid.config.problems import Problem, did_you_mean
from ctid.outbound.wording import Language

Kind = Literal["subject", "body"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

_ENDING: Final = ".j2"


def find(folder: Path, line: str, language: Language, kind: Kind) -> Path | None:
    """The template for a line, the most special first; None where the operator has none."""
    names = (f"{line}.{kind}{_ENDING}", f"{kind}{_ENDING}")
    places = (place / name for name in names for place in (folder / language, folder))
    return next((path for path in places if path.is_file()), None)


def misnamed(folder: Path, lines: Collection[str]) -> list[Problem]:
    """The files that no line would ever use, and a folder that cannot be read."""
    try:
        return list(_misnamed(folder, lines))
    except OSError as error:
        why = f"the folder cannot be read: {error.strerror or type(error).__name__}"
        return [Problem(str(folder), "", f"{why}; correct `templates`")]


def _misnamed(folder: Path, lines: Collection[str]) -> Iterator[Problem]:
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name in LANGUAGES:
            yield from _misnamed(path, lines)
        elif path.is_dir() and any(path.glob(f"*{_ENDING}")):
            yield Problem(str(path), "", "is no language: only `en` and `zh` are looked into")
        elif path.suffix == _ENDING:
            yield from _name(path, lines)


def _name(path: Path, lines: Collection[str]) -> Iterator[Problem]:
    line, _, kind = path.name.removesuffix(_ENDING).rpartition(".")
    if kind not in KINDS:
        right = "`subject.j2`, `body.j2`, or these with a line's name before, `LINE.body.j2`"
        yield Problem(str(path), "", f"is never used by this name: templates are {right}")
    elif line and line not in lines:
        hint = did_you_mean(line, lines) or "rename it, or take it away"
        yield Problem(str(path), "", f"there is no line `{line}`: {hint}")
