"""What is wrong with a configuration, in the form in which an operator reads it."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Path = tuple[str | int, ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake. `key` is a path such as `line[1].dids[0]`, empty for the file as a whole.

    `row` is the line of the file, counted from 1, None where it is not known.
    """

    file: str
    key: str
    message: str
    row: int | None = None

    def __str__(self) -> str:
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class ConfigError(Exception):
    """The configuration cannot be used; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def key_path(path: Path) -> str:
    """The path as one would say it: `line[1].dids[0]`, `agents."PJSIP/101"`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if _BARE_KEY.fullmatch(part) else f'"{part}"'
            text += f".{name}" if text else name
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean `queues`?`, or empty where nothing is alike."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean `{by_lower[found[0]]}`?" if found else ""


def listed(words: Sequence[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)
