"""Values taken out of the JSON that somebody sent. All raise ControlError (400), one line."""

from datetime import datetime
from typing import Any

from ctid.domain.days import LATEST
from ctid.web.answers import ControlError


def text(body: Any, key: str) -> str:
    """A text that has to be there, without blanks around it."""
    value = _value(body, key)
    if not isinstance(value, str) or not value.strip():
        raise ControlError(f'the body must be an object with a text "{key}"', 400)
    return value.strip()


def optional(body: Any, key: str) -> str | None:
    """The same; None: it is not there."""
    return None if _value(body, key) is None else text(body, key)


def texts(body: Any, key: str) -> list[str]:
    """A list of texts; it is empty where there is none."""
    values = body.get(key, []) if isinstance(body, dict) else None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ControlError(f'"{key}" must be a list of texts', 400)
    return values


def number(body: Any, key: str) -> int:
    """A number that counts something, which has to be there."""
    value = _value(body, key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise ControlError(f'the body must be an object with a number "{key}"', 400)
    return value


def minutes(body: Any, key: str) -> float | None:
    """How long, in seconds; None: it is not there."""
    value = _value(body, key)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < LATEST:
        raise ControlError(f'"{key}" must be a number above 0', 400)
    return value * 60.0


def moment(body: Any, key: str) -> float | None:
    """Unix seconds, of a number or of ISO 8601 with an offset; None: it is not there."""
    value = _value(body, key)
    if value is None:
        return None
    if isinstance(value, str):
        try:
            when = datetime.fromisoformat(value)
            value = when.timestamp() if when.tzinfo is not None else None
        except (ValueError, OverflowError):
            value = None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < LATEST:
        why = "must be a time with its offset, such as 2026-11-27T22:00:00+08:00"
        raise ControlError(f'"{key}" {why}', 400)
    return float(value)


def only(body: Any, *keys: str) -> None:
    """Refuse a key that says nothing here: `line` for `lines` would silence every line.

    `by` may always stand there.
    """
    for key in body if isinstance(body, dict) else ():
        if key not in (*keys, "by"):
            allowed = ", ".join(sorted(keys))
            raise ControlError(f'"{key[:40]}" is unknown here; the body takes {allowed}', 400)


def _value(body: Any, key: str) -> Any:
    return body.get(key) if isinstance(body, dict) else None
