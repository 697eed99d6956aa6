"""What comes on the command topic, read strictly: one clear line for whatever is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from ctid.domain.alerts import Kind

LONGEST: Final = 8192
"""Bytes of a command."""
_LONGEST_TEXT: Final = 500
_LONGEST_NAME: Final = 100
_MOST_MINUTES: Final = 31 * 24 * 60
_MOST_IN_LIST: Final = 1000


class Action(StrEnum):
    """What may be asked for."""

    ACK = "ack"
    RESOLVE = "resolve"
    SILENCE = "silence"
    INCIDENT = "incident"


class Refused(Exception):  # noqa: N818 - no error of ctid
    """What was asked for is not done; the message is one line for who asked."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command that makes sense. `by` is who says to have sent it; `body` is the whole of it."""

    action: Action
    by: str
    body: Mapping[str, Any]


_NEEDED: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.ACK: ("alert",),
    Action.RESOLVE: ("alert", "why"),
    Action.SILENCE: ("minutes", "why"),
    Action.INCIDENT: ("title",),
}
_OPTIONAL: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.ACK: ("why",),
    Action.RESOLVE: (),
    Action.SILENCE: ("lines", "kinds"),
    Action.INCIDENT: ("line", "why"),
}


def decoded(payload: bytes) -> dict[str, Any]:
    """The JSON object that it is. Raises Refused."""
    if len(payload) > LONGEST:
        raise Refused(f"{len(payload)} bytes are more than {LONGEST}")
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise Refused('no JSON: write {"action": "ack", "alert": 7, "by": "Li Lei"}') from None
    if not isinstance(found, dict):
        raise Refused("no JSON object")
    return found


def order(body: Mapping[str, Any], *, kept: bool = False) -> Order:
    """What is asked for. Raises Refused.

    `kept`: the broker had kept it, from who knows when, and would send it with each connection.
    """
    if kept:
        raise Refused(
            "published with `retain`: publish it without, and an empty message with it, so that "
            "the broker forgets it"
        )
    try:
        action = Action(body.get("action", ""))
    except ValueError:
        raise Refused(f"`action` must be one of {_listed(Action)}") from None
    keys = (*_NEEDED[action], *_OPTIONAL[action])
    for key in body:
        if key not in ("action", "by", "id", *keys):
            raise Refused(f"`{_shown(key)}` is unknown; `{action}` takes {_listed((*keys, 'by'))}")
    for key in ("by", *_NEEDED[action]):
        if body.get(key) is None:
            raise Refused(f"`{key}` is missing: `{action}` needs it")
    for key in ("by", *keys):
        if body.get(key) is not None:
            _check(key, body[key])
    return Order(action, body["by"], body)


def token_of(body: Mapping[str, Any]) -> str | None:
    """`id`, by which who asked knows the answer; None: there is none that could be repeated."""
    token = body.get("id")
    return token if isinstance(token, str) and _is_line(token, _LONGEST_NAME) else None


def _check(key: str, value: Any) -> None:
    if key == "alert":
        if type(value) is not int or value < 1:
            raise Refused("`alert` must be the number of an alert, such as 7")
    elif key == "minutes":
        if type(value) is not int or not 1 <= value <= _MOST_MINUTES:
            raise Refused(f"`minutes` must be a whole number from 1 to {_MOST_MINUTES}")
    elif key in ("lines", "kinds"):
        _check_list(key, value)
    else:
        longest = _LONGEST_NAME if key in ("by", "line") else _LONGEST_TEXT
        if not isinstance(value, str) or not _is_line(value, longest):
            raise Refused(f"`{key}` must be one line of text with 1 to {longest} characters")


def _check_list(key: str, value: Any) -> None:
    is_list = isinstance(value, list) and len(value) <= _MOST_IN_LIST
    if not is_list or not all(isinstance(e, str) and _is_line(e, _LONGEST_NAME) for e in value):
        raise Refused(f"`{key}` must be a list of texts")
    if key == "kinds" and (wrong := sorted(set(value) - set(Kind))):
        raise Refused(f"there is no kind `{wrong[0]}`: the kinds are {_listed(Kind)}")


def _is_line(text: str, longest: int) -> bool:
    return bool(text.strip()) and len(text) <= longest and text.isprintable()


def _shown(key: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in key[:_LONGEST_NAME])


def _listed(words: Any) -> str:
    return ", ".join(f"`{word}`" for word in words)
