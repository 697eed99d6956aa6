"""What may well be a mistake in a configuration that can be used: for `ctid check-config`."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from ctid.config.models import Config

Doubt = tuple[str, str]
"""A key, and what may be wrong there."""

COUNTRY: Final = '`country = "CN"`'

_SECRET_NAMES: Final = re.compile(
    r"(?:^|[-_])(?:access|api)?[-_]?(?:token|key|secret|password|passwd|pass|sig|signature|auth|code)$",
    re.IGNORECASE,
)
_RANDOM: Final = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_-]{20,}")
"""A part of a path that nobody would have written by hand."""

_ANYBODY: Final = (
    "at a broker that lets people in without a name anybody may silence every alert: let it ask "
    "for one, and give ctid its own by `username` and `password_file`"
)
_SHOWN: Final = (
    "seems to hold a secret, which whoever may read this file can see: if that system takes it as "
    "a bearer token, name its file with `token_file` and take it out here; else keep this file "
    "from others (chmod 640)"
)


def doubts(config: Config) -> Iterator[Doubt]:
    """What an operator may not have meant so."""
    channels = config.channels
    if config.alert.weekly_test and not channels.all():
        yield "alert.weekly_test", "there is nothing to try: add a [[channels...]]"
    for index, command in enumerate(channels.command):
        if wrong := _not_runnable(Path(command.argv[0])):
            yield f"channels.command[{index}].argv[0]", wrong
    for index, broker in enumerate(channels.mqtt):
        if broker.commands and broker.username is None and broker.client_cert is None:
            yield f"channels.mqtt[{index}].commands", _ANYBODY
    urls = {f"webhook[{index}].url": table.url for index, table in enumerate(config.webhook)}
    urls |= {f"channels.webhook[{n}].url": table.url for n, table in enumerate(channels.webhook)}
    for key, url in urls.items():
        if _holds_a_secret(url):
            yield key, _SHOWN
    yield from _holidays(config)


def _holidays(config: Config) -> Iterator[Doubt]:
    """Holidays of another country, and duty on holidays that no calendar has."""
    desk = config.calendar.days
    for index, line in enumerate(config.line):
        elsewhere = line.timezone not in (None, config.timezone)
        if elsewhere and desk is not None and "calendar" not in line.model_fields_set:
            what = f"the line has the holidays of {desk.name}: write `calendar = true` if it shall"
            what += ', or its own country, such as `calendar = "DE"`'
            yield f"line[{index}].timezone", what
        if config.days_of(line) is not None:
            continue
        mend = f"add `country` to [calendar], such as {COUNTRY}"
        if desk is not None:
            mend = "take `calendar = false` out of this [[line]]"
        shifts = line.duty or ()
        never = all(shift.names_holidays and not shift.days for shift in shifts)
        so = ", so the line is never on duty" if never else ""
        for place, shift in enumerate(shifts):
            if shift.names_holidays:
                what = f"without a calendar no day is `holiday`{so}: {mend}"
                yield f"line[{index}].duty[{place}]", what


def _not_runnable(program: Path) -> str | None:
    try:
        if not program.is_file():
            return f"there is no program {program}: correct the path, or install it"
    except OSError as error:
        return f"cannot look at {program}: {error.strerror}"
    if not os.access(program, os.X_OK):
        return f"{program} cannot be run: chmod 755 it"
    return None


def _holds_a_secret(url: str) -> bool:
    parts = urlsplit(url)
    names = (name for name, value in parse_qsl(parts.query) if value)
    if any(_SECRET_NAMES.search(name) for name in names):
        return True
    return any(_RANDOM.fullmatch(part) for part in parts.path.split("/"))
