"""Whether a parsed file has the shape of the models: unknown keys and wrong values, all at once."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ctid.config.alerting import Alert, EscalationStep
from ctid.config.backends import (
    FileBackend,
    MqttBackend,
    RedmineBackend,
    RtBackend,
    WebhookBackend,
    ZammadBackend,
)
from ctid.config.base import Table
from ctid.config.channels import CHANNELS, Channel, Channels
from ctid.config.heartbeat import Heartbeat
from ctid.config.models import (
    CalendarTable,
    Callers,
    Config,
    Contacts,
    Control,
    Figures,
    LineTable,
    Log,
    Missed,
    Numbers,
    Pbx,
    Retention,
    Roster,
    Store,
    Tickets,
)
from ctid.config.problems import Path, did_you_mean, listed
from ctid.config.serving import Api, ApiToken, Metrics

TABLES: dict[str, type[BaseModel]] = {
    "store": Store,
    "callers": Callers,
    "alert": Alert,
    "metrics": Metrics,
    "api": Api,
    "control": Control,
    "figures": Figures,
    "log": Log,
    "retention": Retention,
    "numbers": Numbers,
    "missed": Missed,
    "tickets": Tickets,
    "contacts": Contacts,
    "heartbeat": Heartbeat,
    "calendar": CalendarTable,
    "roster": Roster,
}
BACKENDS: dict[str, type[Table]] = {
    "rt": RtBackend,
    "redmine": RedmineBackend,
    "zammad": ZammadBackend,
    "webhook": WebhookBackend,
    "mqtt": MqttBackend,
    "file": FileBackend,
}
LISTS: dict[str, type[BaseModel]] = {
    "pbx": Pbx,
    "line": LineTable,
    "escalation": EscalationStep,
    "api_token": ApiToken,
    **BACKENDS,
}
SECRETS = frozenset({"secret", "password", "pass", "ami_secret"})

Mistake = tuple[Path, str]

_TYPES = {
    "string_type": "must be a text in quotes",
    "int_type": "must be a whole number without quotes",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number without quotes",
    "bool_type": "must be true or false, without quotes",
    "tuple_type": 'must be a list, such as ["a", "b"]',
    "dict_type": "must be a table",
    "string_too_short": "is empty: write something or leave the key out",
}


def keys_of(model: type[BaseModel]) -> tuple[str, ...]:
    """The keys that may stand in a table of the file."""
    return tuple(name for name, field in model.model_fields.items() if not field.exclude)


def without_unknown(raw: dict[str, Any]) -> tuple[dict[str, Any], list[Mistake]]:
    """What is left of the file without the keys that do not exist, and the mistakes they are."""
    mistakes = list(_unknown((), raw, Config))
    known = _known(raw, Config)
    for name, model in TABLES.items():
        if isinstance(known.get(name), dict):
            mistakes += _unknown((name,), known[name], model)
            known[name] = _known(known[name], model)
    mistakes += _clean_lists((), known, LISTS)
    if isinstance(channels := known.get("channels"), dict):
        mistakes += _unknown(("channels",), channels, Channels)
        known["channels"] = _known(channels, Channels)
        mistakes += _clean_lists(("channels",), known["channels"], CHANNELS)
    return known, mistakes


def _clean_lists(
    above: Path, known: dict[str, Any], models: Mapping[str, type[BaseModel]]
) -> Iterator[Mistake]:
    """Take what is unknown out of the lists of tables in `known`; the mistakes it is."""
    for name, model in models.items():
        value, path = known.get(name), (*above, name)
        if isinstance(value, dict):
            yield path, f"may be there several times: write [[{'.'.join(map(str, path))}]]"
            yield from _unknown(path, value, model)
            del known[name]
        elif isinstance(value, list):
            for index, table in enumerate(value):
                if isinstance(table, dict):
                    yield from _unknown((*path, index), table, model)
            known[name] = [_known(t, model) if isinstance(t, dict) else t for t in value]


def _known(table: dict[str, Any], model: type[BaseModel]) -> dict[str, Any]:
    keys = keys_of(model)
    return {key: value for key, value in table.items() if key in keys}


def _unknown(path: Path, table: dict[str, Any], model: type[BaseModel]) -> Iterator[Mistake]:
    keys = keys_of(model)
    for key in table:
        if key not in keys:
            yield (*path, key), _about_unknown(key, model)


def _about_unknown(key: str, model: type[BaseModel]) -> str:
    if model is Pbx and key in SECRETS:
        return (
            "a secret does not belong into this file: put it into a file of its own and name that "
            "with `secret_file`"
        )
    if hint := did_you_mean(key, keys_of(model)):
        return f"unknown key; {hint}"
    if model is Config and key in CHANNELS:
        return f"unknown key; write [[channels.{key}]]"
    if issubclass(model, Channel):
        return f"unknown key; the keys here are {listed(keys_of(model))}"
    for name, other in {**TABLES, **LISTS}.items():
        if other is not model and key in keys_of(other):
            header = f"[[{name}]]" if name in LISTS else f"[{name}]"
            return f"unknown key; it belongs into {header}"
    if model is not Config and key in keys_of(Config):
        return "unknown key; it belongs to the top of the file, before the first [table]"
    return f"unknown key; the keys here are {listed(keys_of(model))}"


def validate(known: dict[str, Any]) -> tuple[Config | None, list[Mistake]]:
    """The configuration, or what is wrong with its values."""
    try:
        return Config.model_validate(_lists_as_tuples(known)), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        # that a default could not be made follows from another mistake, which is named itself
        return None, [mistake(d) for d in details if d["type"] != "default_factory_not_called"]


def _lists_as_tuples(value: Any) -> Any:
    """The models are frozen, so a list becomes a tuple; strict validation does not do that."""
    if isinstance(value, list):
        return tuple(_lists_as_tuples(item) for item in value)
    if isinstance(value, dict):
        return {key: _lists_as_tuples(item) for key, item in value.items()}
    return value


def mistake(detail: ErrorDetails) -> Mistake:
    """What pydantic says, as an operator needs it."""
    path: Path = tuple(detail["loc"])
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "value_error":
        return path, str(context["error"])
    if kind == "missing":
        return path, "is missing: every table of this kind needs it"
    if kind == "string_pattern_mismatch" and path == ("calendar", "country"):
        return (
            path,
            f"must be two capital letters (ISO 3166), such as `CN`, not {detail['input']!r}",
        )
    if kind == "string_pattern_mismatch":
        return path, f"may hold only letters, digits and . _ - (it is {detail['input']!r})"
    if kind in ("model_type", "model_attributes_type"):
        return path, f"must be a table: write {_header(path)}"
    if message := _TYPES.get(kind):
        return path, message
    # the limits of numbers: "Input should be less than or equal to 1"
    return path, detail["msg"].replace("Input should be", "must be") + f", not {detail['input']!r}"


def _header(path: Path) -> str:
    if path[0] == "channels":
        return f"[[channels.{path[1] if len(path) > 1 else 'dingtalk'}]]"
    return f"[[{path[0]}]]" if path[0] in LISTS else f"[{path[0]}]"
