"""What no single value shows: names given twice, lines that overlap, keys that need each other.

These read the parsed file, not the models, so that they are found beside every other mistake.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from ctid.config import heartbeat
from ctid.config.base import NOT_IN_ORDER, are_in_order
from ctid.config.channels import CHANNELS, secret_in_address
from ctid.config.problems import Path, did_you_mean, key_path
from ctid.config.shape import BACKENDS, Mistake
from ctid.domain.patterns import Pattern, PatternError, parse

PLACES = ("queues", "projects", "groups")
"""Tables by line in the tables of backends."""

Tables = list[tuple[int, dict[str, Any]]]


def tables(known: dict[str, Any], name: str) -> Tables:
    """The tables of a list of tables, with their places; what is no table is left out."""
    value = known.get(name, [])
    if not isinstance(value, list):
        return []
    return [(index, table) for index, table in enumerate(value) if isinstance(table, dict)]


def _texts(table: dict[str, Any], key: str) -> Iterator[tuple[int, str]]:
    value = table.get(key, [])
    if isinstance(value, list):
        yield from ((index, text) for index, text in enumerate(value) if isinstance(text, str))


def check(known: dict[str, Any], misspelt: Collection[Path]) -> Iterator[Mistake]:
    """The mistakes; `misspelt` are the tables in which some key was not understood."""
    lines, pbxs = tables(known, "line"), tables(known, "pbx")
    yield from named_twice("line", lines, default=None)
    yield from named_twice("pbx", pbxs, default="pbx")
    for name, found in (("line", lines), ("pbx", pbxs)):
        for index, table in found:
            yield from _said_twice((name, index), table)
    callers = known.get("callers")
    if isinstance(callers, dict):
        yield from _said_twice(("callers",), callers)
    yield from _shared(lines, "queues", "queue")
    yield from _shared(lines, "contexts", "context")
    yield from _overlaps(lines)
    yield from _never_recognised(lines, misspelt)
    yield from _agents(known, lines)
    yield from _limits(known, lines)
    calendar = known.get("calendar")
    if isinstance(calendar, dict) and "subdivision" in calendar and "country" not in calendar:
        yield ("calendar", "subdivision"), "means nothing without `country`: add it"
    for index, table in pbxs:
        yield from _needs_tls(("pbx", index), table, ("ca_file", "server_name"))
        yield from two_secrets(("pbx", index), table, "secret")
    yield from _backends(known, lines)
    yield from _channels(known)
    yield from _alert(known)
    if isinstance(beat := known.get("heartbeat"), dict):
        yield from ((("heartbeat", key), message) for key, message in heartbeat.mistakes(beat))


def _backends(known: dict[str, Any], lines: Tables) -> Iterator[Mistake]:
    """`ctid outbox` knows a backend by its name alone, whatever its type."""
    first: dict[str, Path] = {}
    names = [name for _, table in lines if isinstance(name := table.get("name"), str)]
    for kind, model in BACKENDS.items():
        for index, table in tables(known, kind):
            path: Path = (kind, index)
            yield from _said_twice(path, table)
            for what in model.secrets:
                yield from two_secrets(path, table, what)
            if kind == "mqtt":
                yield from _needs_tls(path, table, ("client_cert", "client_key", "ca_file"))
                yield from needs_other(path, table, (("client_key", "client_cert"),))
            name = table.get("name", kind)
            if isinstance(name, str) and first.setdefault(name, path) != path:
                yield (
                    (*path, "name"),
                    f"`{name}` is the name of {key_path(first[name])} already: give each its own",
                )
            for place, line in _texts(table, "lines"):
                yield from _line_there((*path, "lines", place), line, names)
            for key in PLACES:
                places = table.get(key)
                for line in places if isinstance(places, dict) else ():
                    yield from _line_there((*path, key, line), line, names)


def channel_tables(known: dict[str, Any]) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """The tables of all channels: type, place and content."""
    channels = known.get("channels")
    if not isinstance(channels, dict):
        return
    for kind in CHANNELS:
        for index, table in tables(channels, kind):
            yield kind, index, table


def _channels(known: dict[str, Any]) -> Iterator[Mistake]:
    """The roster knows a channel by its name alone, whatever its type."""
    first: dict[str, Path] = {}
    for kind, index, table in channel_tables(known):
        path: Path = ("channels", kind, index)
        for what in CHANNELS[kind].secrets:
            yield from two_secrets(path, table, what)
        name = table.get("name", kind)
        if isinstance(name, str) and first.setdefault(name, path) != path:
            yield (
                (*path, "name"),
                f"`{name}` is the name of {key_path(first[name])} already: give each its own",
            )
        if found := secret_in_address(kind, table):
            message = f"holds the {found}, which does not belong into this file: put it alone into"
            yield (
                (*path, "url"),
                f"{message} a file of its own, name that with `{found}_file`, and take it out here",
            )
        if kind == "mqtt":
            yield from _needs_tls(path, table, ("client_cert", "client_key", "ca_file"))
            yield from needs_other(path, table, (("client_key", "client_cert"),))
        if kind == "alertmanager":
            yield from _basic_access(path, table)


def _alert(known: dict[str, Any]) -> Iterator[Mistake]:
    alert = known.get("alert")
    if not isinstance(alert, dict):
        return
    names = [
        name
        for kind, _, table in channel_tables(known)
        if isinstance(name := table.get("name", kind), str)
    ]
    for place, name in _texts(alert, "channels"):
        if name not in names:
            hint = did_you_mean(name, names) or "add a channel of this name, or correct it"
            yield ("alert", "channels", place), f"there is no channel `{name}`: {hint}"
    # the common warning is left out where the limit comes first, as on a line
    warning, limit = _number(alert, "warning_minutes", None), _number(alert, "limit_minutes", 15.0)
    if not are_in_order(warning, limit):
        yield (
            ("alert", "warning_minutes"),
            f"the warning ({warning:g} min) must come before the limit ({limit:g} min)",
        )


def _basic_access(path: Path, table: dict[str, Any]) -> Iterator[Mistake]:
    password = next((key for key in table if key.startswith("password_")), None)
    token = next((key for key in table if key.startswith("token_")), None)
    if password and "user" not in table:
        yield (*path, password), "means nothing without `user`: add it"
    if "user" in table and not password:
        yield (*path, "user"), "means nothing without `password_file`: add it"
    if token and "user" in table:
        yield (*path, token), f"is one way in too many: keep `user` or `{token}`"


def _line_there(path: Path, line: str, names: Collection[str]) -> Iterator[Mistake]:
    if line not in names:
        hint = did_you_mean(line, names) or "add it, or correct the name"
        yield path, f"there is no line `{line}`: {hint}"


def named_twice(kind: str, found: Tables, default: str | None) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for index, table in found:
        name = table.get("name", default)
        if not isinstance(name, str):
            continue
        if name in first:
            yield (
                (kind, index, "name"),
                f"`{name}` is the name of {kind}[{first[name]}] already: give each its own",
            )
        first.setdefault(name, index)


def _said_twice(path: Path, table: dict[str, Any]) -> Iterator[Mistake]:
    for key in table:
        first: dict[str, int] = {}
        for index, text in _texts(table, key):
            if text in first:
                yield (*path, key, index), f"`{text}` stands in this list already: take it out"
            first.setdefault(text, index)


def _title(index: int, table: dict[str, Any]) -> str:
    return f"line `{table.get('name', '?')}` (line[{index}])"


def _shared(lines: Tables, key: str, what: str) -> Iterator[Mistake]:
    first: dict[str, tuple[int, dict[str, Any]]] = {}
    for index, table in lines:
        for place, text in _texts(table, key):
            owner = first.setdefault(text, (index, table))
            if owner[0] != index:
                yield (
                    ("line", index, key, place),
                    f"{what} `{text}` belongs to {_title(*owner)} already: name it in one line",
                )


def _overlaps(lines: Tables) -> Iterator[Mistake]:
    seen: list[tuple[Pattern, int, dict[str, Any]]] = []
    for index, table in lines:
        for place, text in _texts(table, "dids"):
            try:
                pattern = parse(text)
            except PatternError:
                continue  # named elsewhere
            for other, owner, owner_table in seen:
                if owner != index and pattern.ambiguous_with(other):
                    yield (
                        ("line", index, "dids", place),
                        f"`{text}` {_clash(text, other.text, _title(owner, owner_table))}",
                    )
                    break
            seen.append((pattern, index, table))


def _clash(text: str, other: str, owner: str) -> str:
    if text == other:
        return f"belongs to {owner} already: name it in one line"
    return (
        f"and `{other}` of {owner} match the same numbers, and neither is more specific: "
        "make one narrower"
    )


def _never_recognised(lines: Tables, misspelt: Collection[Path]) -> Iterator[Mistake]:
    for index, table in lines:
        if ("line", index) not in misspelt and not any(
            table.get(key) for key in ("queues", "dids", "contexts")
        ):
            yield (
                ("line", index),
                "no call can be recognised as this line's: give it `queues`, `dids` or `contexts`",
            )


def _limits(known: dict[str, Any], lines: Tables) -> Iterator[Mistake]:
    """A warning that is given comes before the limit; one that is inherited may never come."""
    alert = known.get("alert")
    common = _number(alert, "limit_minutes", 15.0) if isinstance(alert, dict) else 15.0
    for index, table in lines:
        limit = _number(table, "limit_minutes", common)
        if limit is None:
            continue
        entries = duty if isinstance(duty := table.get("duty"), list) else []
        warnings = {("line", index, "warning_minutes"): table} | {
            ("line", index, "duty", place): entry
            for place, entry in enumerate(entries)
            # with a limit of its own it is looked at by itself
            if isinstance(entry, dict) and "limit_minutes" not in entry
        }
        for path, of in warnings.items():
            if not are_in_order(_number(of, "warning_minutes", None), limit):
                yield path, f"{NOT_IN_ORDER}, which is {limit:g} here"


def _number(table: dict[str, Any], key: str, default: float | None) -> float | None:
    """None where it is no number, which is told elsewhere."""
    value = table.get(key, default)
    return value if isinstance(value, int | float) else None


def _agents(known: dict[str, Any], lines: Tables) -> Iterator[Mistake]:
    agents = known.get("agents", {})
    if not isinstance(agents, dict):
        return
    first: dict[str, str] = {}
    for interface in agents:
        if not interface.strip() or any(char.isspace() for char in interface):
            yield (
                ("agents", interface),
                'is no interface or number: write "PJSIP/101" = "Zhang San"',
            )
        owner = first.setdefault(interface.lower(), interface)
        if owner != interface:
            yield ("agents", interface), f"is the same as `{owner}`: name an agent once"
    names = {name for name in agents.values() if isinstance(name, str)}
    for index, table in lines:
        for place, text in _texts(table, "agents"):
            # an interface or an extension need not have a name
            if "/" in text or text.isdigit() or text in names or text in agents:
                continue
            hint = did_you_mean(text, names) or 'add "PJSIP/101" = "NAME" there'
            yield (
                ("line", index, "agents", place),
                f"`{text}` is no interface and no name in [agents]: {hint}",
            )


def _needs_tls(path: Path, table: dict[str, Any], keys: Iterable[str]) -> Iterator[Mistake]:
    """One mistake, however many keys it makes useless."""
    useless = [key for key in keys if key in table]
    if useless and table.get("tls", False) is False:
        yield (*path, useless[0]), "means nothing without TLS: add `tls = true`"


def needs_other(
    path: Path, table: dict[str, Any], pairs: Iterable[tuple[str, str]]
) -> Iterator[Mistake]:
    for key, other in pairs:
        if key in table and other not in table:
            yield (*path, key), f"means nothing without `{other}`: add it"


def two_secrets(path: Path, table: dict[str, Any], what: str) -> Iterator[Mistake]:
    if f"{what}_file" in table and f"{what}_credential" in table:
        yield (
            (*path, f"{what}_credential"),
            f"the {what} has two sources: keep `{what}_file` or `{what}_credential`",
        )
