"""When alerts fire, and who is paged then: the tables [alert] and [[escalation]]."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from ctid.config.base import Name, Table, Text, web_address
from ctid.domain.duty import DAYS, DutyError, parse_shift
from ctid.domain.escalation import DEFAULT_STEPS, Step
from ctid.domain.roster import EVERYONE, Role

Minutes = Annotated[float, Field(gt=0, le=10_080)]

_WORDS: Final = (*(role.value for role in Role), EVERYONE)


def _role(value: str) -> str:
    if value not in _WORDS:
        raise ValueError(f"`{value}` is no role: the roles are {', '.join(_WORDS)}")
    return value


def _weekly(value: str) -> str:
    """Empty, or a weekday and a time; checked as the begin of a shift."""
    day, _, time = value.strip().lower().partition(" ")
    if not value:
        return value
    try:
        shift = parse_shift(f"{day} {time.strip()}-24:00")
    except DutyError:
        shift = None
    if shift is None or len(shift.days) != 1 or day not in DAYS:
        raise ValueError("must be a weekday and a time, such as `mon 10:00`, or empty")
    return value.strip().lower()


def _somebody(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("is empty: name a role, or leave the step out")
    return value


class EscalationStep(Table):
    """Who is paged so long after an alert fired."""

    after_minutes: float = Field(ge=0, le=10_080)
    to: Annotated[tuple[Annotated[Text, AfterValidator(_role)], ...], AfterValidator(_somebody)]


class Alert(Table):
    """What is watched, and who hears of it.

    `webhook` is told that the records cannot be written. `channels` hear of every alert.
    """

    webhook: Annotated[Text, AfterValidator(web_address)] | None = None
    warning_minutes: Minutes = 10.0
    limit_minutes: Minutes = 15.0
    longest_wait_minutes: Minutes = 15.0
    blind_minutes: Minutes = 2.0
    answer_rate_calls: int = Field(default=20, ge=0, le=1_000_000)
    delivery_stuck_minutes: Minutes = 30.0
    roster_ahead_hours: float = Field(default=24.0, ge=0, le=336)
    repeat_minutes: Minutes = 15.0
    channels: tuple[Name, ...] = ()
    language: Literal["en", "zh"] = "zh"
    public_url: Annotated[Text, AfterValidator(web_address)] | None = None
    weekly_test: Annotated[str, AfterValidator(_weekly)] = ""


def steps(tables: tuple[EscalationStep, ...]) -> tuple[Step, ...]:
    """As the domain knows them, in order of time; without any, its own."""
    if not tables:
        return DEFAULT_STEPS
    in_order = sorted(tables, key=lambda step: step.after_minutes)
    return tuple(Step(step.after_minutes * 60.0, step.to) for step in in_order)
