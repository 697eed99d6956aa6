"""Figures as flat rows: numbers for programs, and the same as words for people.

Keys are stable within a major version. Null means that there is nothing to divide by ("no calls").
"""

from typing import Any, Final

from ctid.domain.kpi import AgentCounts, Counts
from ctid.domain.records import Outcome
from ctid.domain.tally import Scope
from ctid.store.figures import AgentFigure, Figure

Row = dict[str, Any]

_TITLES: Final = {
    "day": "day",
    "hour": "hour",
    "of": "of",
    "agent": "agent",
    "rung": "rung",
    "rings": "rings",
    "answered": "answered",
    "missed": "missed",
    "overflowed": "overflowed",
    "not_offered": "not offered",
    "lost": "lost",
    "excluded": "excluded",
    "answer_rate": "raw rate",
    "adjusted_rate": "adjusted rate",
    "service_level": "service level",
    "asa_seconds": "ASA",
    "aht_seconds": "AHT",
    "abandon_rate": "abandoned",
    "longest_wait_seconds": "longest wait",
    "short_answers": "short answers",
    "rona": "RONA",
    "talk_seconds": "talk",
    "coverage": "coverage",
}
WORDS: Final = frozenset({"day", "of", "agent", "outcome", "reasons"})
"""Columns that hold words; the others hold numbers."""

SPARE: Final = frozenset({"lost", "excluded", "short answers", "abandoned", "AHT", "ASA"})
"""Columns that a narrow terminal may go without."""

_RATES: Final = ("answer_rate", "adjusted_rate", "service_level", "abandon_rate")


def figure_row(figure: Figure) -> Row:
    """Give one figure of a line, a specialty or the desk; rates from 0 to 1, times in seconds."""
    row: Row = {"scope": figure.scope.value, "name": figure.name or None}
    if figure.day is not None:
        row["day"] = figure.day.isoformat()
    if figure.hour is not None:
        row["hour"] = figure.hour
    return {**row, **_counts(figure.counts), "coverage": _share_seen(figure.coverage)}


def _counts(counts: Counts) -> Row:
    return {
        "rung": counts.rung,
        **{outcome.value: counts.of(outcome) for outcome in Outcome},
        "answer_rate": _rounded(counts.answer_rate, 6),
        "adjusted_rung": counts.adjusted_rung,
        "adjusted_answered": counts.adjusted_answered,
        "adjusted_rate": _rounded(counts.adjusted_rate, 6),
        "service_level": _rounded(counts.service_level, 6),
        "asa_seconds": _rounded(counts.asa, 3),
        "aht_seconds": _rounded(counts.aht, 3),
        "abandon_rate": _rounded(counts.abandon_rate, 6),
        "longest_wait_seconds": _rounded(counts.longest_wait, 3),
        "short_answers": counts.short_answers,
        "short_abandons": counts.short_abandons,
        "reasons": {
            outcome.value: counts.reasons(outcome)
            for outcome in (
                Outcome.MISSED,
                Outcome.OVERFLOWED,
                Outcome.NOT_OFFERED,
                Outcome.EXCLUDED,
            )
            if counts.of(outcome)
        },
    }


def agent_row(figure: AgentFigure) -> Row:
    """Give one agent's figures."""
    counts: AgentCounts = figure.counts
    return {
        "agent": figure.agent,
        "rings": counts.rings,
        "answered": counts.answered,
        "rona": counts.no_answer,
        "talk_seconds": _rounded(counts.talk_seconds, 3),
        "coverage": _share_seen(figure.coverage),
    }


def readable(rows: list[Row]) -> list[dict[str, str]]:
    """Give the rows of a table: titles and words. Coverage is a column once it is below 100 %."""
    whole = all(row["coverage"] in (None, 1.0) for row in rows)
    return [_readable(row, whole=whole) for row in rows]


def _readable(row: Row, *, whole: bool) -> dict[str, str]:
    shown: dict[str, Any] = dict(row)
    if "scope" in row:
        shown["of"] = _of(row)
    titles = {k: t for k, t in _TITLES.items() if k in shown and not (k == "coverage" and whole)}
    return {title: _word(key, shown) for key, title in titles.items()}


def readable_reasons(rows: list[Row]) -> list[dict[str, str]]:
    """Give the rows of a second table: why calls were not answered."""
    return [
        {
            "of": _of(row),
            "outcome": _TITLES[outcome],
            "reasons": ", ".join(f"{number} {reason}" for reason, number in reasons.items()),
        }
        for row in rows
        for outcome, reasons in row.get("reasons", {}).items()
    ]


def _of(row: Row) -> str:
    if row["scope"] == Scope.SPECIALTY:
        return f"specialty {row['name']}"
    return row["name"] or "all lines"


def _word(key: str, row: Row) -> str:
    value = row[key]
    if key in _RATES and row["rung"] == 0:
        return "no calls"
    if value is None:
        return "-"
    if key in _RATES or key == "coverage":
        return _percent(value)
    if key.endswith("_seconds"):
        return duration(value)
    if key == "hour":
        return f"{value:02}:00"
    return str(value)


def _percent(share: float) -> str:
    # 99.96 % is not 100 %, and so says it
    return f"{int(share * 1000) / 10:.1f} %"


def duration(seconds: float) -> str:
    """Give seconds as `7.9 s`, `3:05 min` or `1:02:33 h`."""
    tenths = round(seconds, 1)
    if tenths < 60:  # noqa: PLR2004 - a minute
        return f"{tenths:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h" if hours else f"{minutes}:{rest:02} min"


def _share_seen(value: float | None) -> float | None:
    """A gap of a second must not round to a whole: then nobody would look."""
    return value if value is None or value == 1.0 else min(round(value, 6), 0.999999)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
