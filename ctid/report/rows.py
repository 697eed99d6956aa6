"""Figures as flat rows: numbers for programs, and the same as words for people.

Keys are stable within a major version. Null means that there is nothing to divide by ("no calls").
"""

from typing import Any, Final

from ctid.domain.kpi import SHORT_ANSWER_SECONDS, AgentCounts, Counts
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

SPARE: Final = (
    "service level",
    "overflowed",
    "not offered",
    "lost",
    "ASA",
    "longest wait",
    "excluded",
    "AHT",
    "abandoned",
    "short answers",
)
"""Columns that a narrow terminal may go without, the last one first."""

_MUCH: Final = 0.05  # between raw and adjusted rate
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
        shown["of"] = of(row)
    # rows of days and hours are all of one line, or of all
    hidden = {"coverage": whole, "of": "day" in row or "hour" in row}
    titles = {k: t for k, t in _TITLES.items() if k in shown and not hidden.get(k, False)}
    return {title: _word(key, shown) for key, title in titles.items()}


def readable_reasons(rows: list[Row]) -> list[dict[str, str]]:
    """Give the rows of a second table: why calls were not answered."""
    return [
        {
            "of": of(row),
            "outcome": _TITLES[outcome],
            "reasons": ", ".join(f"{number} {reason}" for reason, number in reasons.items()),
        }
        for row in rows
        for outcome, reasons in row.get("reasons", {}).items()
    ]


def of(row: Row) -> str:
    """Give the name of what a row is of."""
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
        return percent(value)
    if key.endswith("_seconds"):
        return duration(value)
    if key == "hour":
        return f"{value:02}:00"
    return str(value)


def percent(share: float) -> str:
    """Give a share as `66.6 %`, cut and not rounded: 99.96 % is not 100 %, 74.96 % no 75.0 %."""
    # to the sixth decimal first: 0.29 is a little less than 29 % in binary
    return f"{round(share * 1_000_000) // 1000 / 10:.1f} %"


def notes(rows: list[Row], short_abandon_seconds: float) -> list[str]:
    """Give what a reader of these figures may wonder at, a line each."""
    told = []
    on_lines = sum(row["rung"] for row in rows if row.get("scope") == Scope.LINE)
    of_all = sum(row["rung"] for row in rows if row.get("scope") == Scope.DESK)
    if of_all and on_lines > of_all:
        told.append("a call that rang on several lines counts on each, and once in all lines")
    if any(_differs(row) for row in rows):
        told.append(
            "adjusted rate: without calls outside duty hours and callers who gave up within "
            f"{short_abandon_seconds:g} s; answers of less than {SHORT_ANSWER_SECONDS:g} s "
            "do not count"
        )
    return told


def _differs(row: Row) -> bool:
    raw, adjusted = row.get("answer_rate"), row.get("adjusted_rate")
    return raw is not None and adjusted is not None and abs(raw - adjusted) >= _MUCH


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
