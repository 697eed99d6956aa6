"""The tables of a roster, whether they stand in TOML or are made of the rows of a CSV file."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, Field, PlainValidator, ValidationError

from ctid.config import written
from ctid.config.base import Table, Text
from ctid.config.problems import did_you_mean, listed
from ctid.config.shape import Mistake, mistake
from ctid.domain.duty import Shift, parse_shift
from ctid.domain.roster import Role

ROLES: Final = {
    **{role.value: role for role in Role},
    "一线": Role.FIRST_LINE,
    "二线": Role.SECOND_LINE,
    "值班负责人": Role.DUTY_LEAD,
    "项目经理": Role.PROJECT_MANAGER,
}
"""The roles by all their names."""

MOBILE: Final = re.compile(r"\+?[0-9][0-9-]{4,19}")
"""A mobile number without blanks, by which robots mention somebody."""

Moment = date | datetime


class ChannelEntry(NamedTuple):
    """A way to somebody: `to` None is the default of the channel."""

    channel: str
    to: str | None


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be a text in quotes, such as {what}")
    return value.strip()


def _role(value: Any) -> Role:
    text = _text(value, '"first_line"')
    if text not in ROLES:
        words = [role.value for role in Role]
        hint = did_you_mean(text, words) or f"write one of {listed(words)}"
        raise ValueError(f"`{text}` is no role: {hint}")
    return ROLES[text]


def _hours(value: Any) -> Shift:
    return parse_shift(_text(value, '"mon-fri 08:00-16:00"'))


def _channel(value: Any) -> ChannelEntry:
    if not isinstance(value, dict):
        return ChannelEntry(
            _text(value, 'the name of a channel, or { channel = "...", to = "..." }'), None
        )
    for key in value:
        if key not in ChannelEntry._fields:
            hint = did_you_mean(key, ChannelEntry._fields) or "the keys here are `channel`, `to`"
            raise ValueError(f"has an unknown key `{key}`; {hint}")
    to = value.get("to")
    name = _text(value.get("channel"), '{ channel = "mail", to = "..." }')
    return ChannelEntry(name, None if to is None else _text(to, 'to = "mailto://..."'))


def is_mobile(text: str) -> bool:
    """Whether it is a number, blanks or not; a robot refuses to mention anything else."""
    return MOBILE.fullmatch("".join(text.split())) is not None


def _mobile(value: str) -> str:
    if not is_mobile(value):
        raise ValueError("is no mobile number: write it like `13800138000`")
    return value


def _day(value: Any) -> date:
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("must be a day, such as 2026-12-31")


def _moment(value: Any) -> Moment:
    if isinstance(value, str):
        value = _from_text(value)
    if isinstance(value, date):
        return value
    raise ValueError("must be a day or a local time, such as 2026-12-31 or 2026-12-31T08:00")


def _from_text(text: str) -> Any:
    try:
        return written.moment(text)
    except ValueError:
        return None


def _somebody(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("is an empty list: name somebody, or take the shift out")
    return value


Day = Annotated[date, PlainValidator(_day)]
When = Annotated[date, PlainValidator(_moment)]
Id = Annotated[Text, AfterValidator(lambda value: _text(value, '"zhang"'))]


class PersonTable(Table):
    """Somebody, and how they are reached: the first channel is tried first."""

    id: Id
    name: Text | None = None
    channels: tuple[Annotated[ChannelEntry, PlainValidator(_channel)], ...] = ()
    mobile: Annotated[Text, AfterValidator(_mobile)] | None = None
    language: Literal["en", "zh"] | None = None


class ShiftTable(Table):
    """Who has a role when. No `lines`: on all; no `hours`: always."""

    role: Annotated[Role, PlainValidator(_role)]
    people: Annotated[tuple[Id, ...], AfterValidator(_somebody)]
    lines: tuple[Text, ...] = ()
    hours: tuple[Annotated[Shift, PlainValidator(_hours)], ...] | None = None
    first: Day | None = Field(default=None, alias="from")
    last: Day | None = Field(default=None, alias="until")


class SubstitutionTable(Table):
    """Who stands in for whom. A day as `until` is included; what is not said is not limited."""

    absent: Id
    by: Id | None = None
    lines: tuple[Text, ...] = ()
    role: Annotated[Role, PlainValidator(_role)] | None = None
    hours: tuple[Annotated[Shift, PlainValidator(_hours)], ...] | None = None
    begin: When = Field(alias="from")
    end: When = Field(alias="until")


TABLES: Final[dict[str, type[BaseModel]]] = {
    "person": PersonTable,
    "shift": ShiftTable,
    "substitution": SubstitutionTable,
}


class Tables(NamedTuple):
    """What a roster file holds, each table with its place in the file."""

    people: list[tuple[int, PersonTable]]
    shifts: list[tuple[int, ShiftTable]]
    substitutions: list[tuple[int, SubstitutionTable]]


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys that may stand in a table."""
    return tuple(field.alias or name for name, field in model.model_fields.items())


def validate(raw: Mapping[str, Any], mistakes: list[Mistake]) -> Tables:
    """The tables that are as they should be; of the others `mistakes` gets what is wrong."""
    mistakes += _unknown_tables(raw)
    found = Tables([], [], [])
    into: list[list[Any]] = [*found]
    for (kind, model), made in zip(TABLES.items(), into, strict=True):
        value = raw.get(kind, [])
        if not isinstance(value, list):
            mistakes.append(((kind,), f"may be there several times: write [[{kind}]]"))
            continue
        for place, table in enumerate(value):
            if not isinstance(table, dict):
                mistakes.append(((kind, place), f"must be a table: write [[{kind}]]"))
                continue
            mistakes += _unknown((kind, place), table, model)
            known = {key: as_tuples(table[key]) for key in keys_of(model) if key in table}
            try:
                made.append((place, model.model_validate(known)))
            except ValidationError as error:
                for detail in error.errors(include_url=False):
                    path, message = mistake(detail)
                    mistakes.append(((kind, place, *path), message))
    return found


def as_tuples(value: Any) -> Any:
    """Lists as the frozen models have them."""
    return tuple(value) if isinstance(value, list) else value


def _unknown_tables(raw: Mapping[str, Any]) -> Iterator[Mistake]:
    for key in raw:
        if key not in TABLES:
            hint = did_you_mean(key, TABLES) or f"the tables here are {listed(tuple(TABLES))}"
            yield (key,), f"unknown; {hint}"


def _unknown(
    path: tuple[str | int, ...], table: Mapping[str, Any], model: type[BaseModel]
) -> Iterator[Mistake]:
    keys = keys_of(model)
    for key in table:
        if key not in keys:
            hint = did_you_mean(key, keys) or f"the keys here are {listed(keys)}"
            yield (*path, key), f"unknown key; {hint}"


Rows = Callable[[tuple[str | int, ...]], int | None]
"""In which row of the file something stands."""
