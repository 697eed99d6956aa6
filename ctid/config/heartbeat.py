"""The table [heartbeat]: who raises an alarm when nothing is heard of ctid."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Final

from pydantic import AfterValidator

from ctid.config.base import RESULT, Seconds, Table, Text, web_address
from ctid.config.secret import Secret

Address = Annotated[Text, AfterValidator(web_address)]


class Heartbeat(Table):
    """Addresses that are asked for, each in one of three ways. They are secrets as a whole.

    After loading `secrets` are there in any of them.
    """

    secrets: ClassVar[tuple[str, ...]] = ("url", "failure_url")
    files: ClassVar[tuple[str, ...]] = ("ca_file",)

    url: Address | None = None
    url_file: Text | None = None
    url_credential: Text | None = None
    failure_url: Address | None = None
    failure_url_file: Text | None = None
    failure_url_credential: Text | None = None
    interval_seconds: Seconds = 60.0
    timeout_seconds: Seconds = 10.0
    ca_file: Text | None = None
    target: Secret | None = RESULT
    failure_target: Secret | None = RESULT


TARGETS: Final = {"url": "target", "failure_url": "failure_target"}
"""Where the address is after loading."""


def mistakes(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What no single key shows: the key, and what is wrong."""
    found = {}
    for what in Heartbeat.secrets:
        keys = [key for key in (what, f"{what}_file", f"{what}_credential") if key in table]
        found[what] = keys
        for key in keys[1:]:
            yield key, f"there are two addresses: keep `{keys[0]}` or `{key}`"
    for key in found["failure_url"]:
        if not found["url"]:
            yield key, "means nothing without `url`: add it"
    if table and not found["url"] and not found["failure_url"]:
        yield next(iter(table)), "means nothing without `url`: add it"
