"""Answers of ticket systems, taken apart without trusting that they have the documented shape.

All raise DeliveryError BAD_ANSWER.
"""

from typing import Any, Never

from ctid.outbound.http import Answer
from ctid.outbound.port import DeliveryError, Reason


def members(answer: Answer) -> dict[str, Any]:
    """The members of the JSON object that is the body."""
    found = answer.json()
    if not isinstance(found, dict):
        _bad(f"no object: {answer.shown()}")
    return found


def objects(holder: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects in the list `name`; none where there is no such member, or it is null."""
    found = holder.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        _bad(f"no list of objects in `{name}`")
    return found


def texts(holder: dict[str, Any], name: str) -> list[str]:
    """The texts in the list `name`; none where there is no such list."""
    found = holder.get(name)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def inner(holder: dict[str, Any], name: str) -> dict[str, Any]:
    """The object that is the member `name`."""
    found = holder.get(name)
    if not isinstance(found, dict):
        _bad(f"no object in `{name}`")
    return found


def number(holder: dict[str, Any], name: str = "id") -> int:
    """A whole number, or one written as text, as ids are."""
    found = holder.get(name)
    if isinstance(found, str) and found.isascii() and found.isdigit():
        return int(found)
    if isinstance(found, bool) or not isinstance(found, int):
        _bad(f"no number in `{name}`")
    return found


def text(holder: dict[str, Any], name: str) -> str:
    """A text; empty where there is none."""
    found = holder.get(name)
    return found if isinstance(found, str) else ""


def _bad(why: str) -> Never:
    raise DeliveryError(Reason.BAD_ANSWER, f"answered with {why}")
