"""Where templates run: they see the draft and a few filters, and no file, method or endless loop.

Templates are written by who runs ctid. The limits are there against mistakes, and so that what a
caller sends can never become code.
"""

import dataclasses
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from ctid.config.problems import Problem, did_you_mean
from ctid.domain.drafts import (
    AttemptPart,
    Caller,
    Contact,
    LineName,
    ReturnPart,
    ToFill,
    TransferPart,
    VisitPart,
)

LONGEST: Final = 65_536
"""Characters that a template may make."""

STANDARD_FILTERS: Final = (
    "default",
    "first",
    "join",
    "last",
    "length",
    "lower",
    "replace",
    "round",
    "trim",
    "upper",
)
"""Those of Jinja that templates may use."""

_PARTS: Final[Mapping[type, str]] = MappingProxyType(
    {
        LineName: "line",
        Caller: "caller",
        Contact: "caller.contact",
        VisitPart: "visit",
        TransferPart: "transfers[]",
        AttemptPart: "attempts[]",
        ReturnPart: "call_back",
        ToFill: "to_fill",
    }
)
"""How templates call the parts of a draft."""

_FIELDS: Final[Mapping[type, frozenset[str]]] = MappingProxyType(
    {part: frozenset(field.name for field in dataclasses.fields(part)) for part in _PARTS}
)
_NONE: Final[frozenset[str]] = frozenset()
_VALUES: Final[Mapping[type, str]] = MappingProxyType(
    {str: "a text", tuple: "a list", list: "a list"}
)

_FORBIDDEN: Final = (
    nodes.Include,
    nodes.Import,
    nodes.FromImport,
    nodes.Extends,
    nodes.Block,
    nodes.Macro,
    nodes.CallBlock,
)


class TemplateError(Exception):
    """A template cannot be used, or failed on a draft; `problem` says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _Missing(StrictUndefined):
    """Says in the words of the template what is not there."""

    @property
    def _undefined_message(self) -> str:
        name, obj = self._undefined_name, self._undefined_obj
        if self._undefined_hint:
            return self._undefined_hint
        if obj is missing:
            return f"'{name}' is undefined"
        if obj is None:
            return (
                f"'{name}' is asked of something that is not there in every call: "
                "ask `{% if ... %}` for it first"
            )
        place = _PARTS.get(type(obj))
        if place is None:
            return f"'{name}' is undefined: a {type(obj).__name__} has no fields"
        return _undefined(f"{place}.", str(name), sorted(_FIELDS[type(obj)]))


class Sandbox(ImmutableSandboxedEnvironment):
    """Compiles templates. `filters` are ctid's own."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self, filters: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(
            undefined=_Missing,
            autoescape=False,  # plain text; who shows it as HTML escapes it
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=lambda value: "" if value is None else value,
        )
        self.globals.clear()
        self.filters = {name: self.filters[name] for name in STANDARD_FILTERS}
        self.filters |= {name: _of_something(call) for name, call in filters.items()}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Fields of the draft, and what a loop knows; no methods."""
        if isinstance(obj, LoopContext):
            return not attr.startswith("_") and not callable(value)
        return attr in _FIELDS.get(type(obj), _NONE)

    def unsafe_undefined(self, obj: Any, attribute: str) -> Undefined:
        """Everything else."""
        kind = _PARTS.get(type(obj)) or _VALUES.get(type(obj), "this")
        return self.undefined(
            f"'{attribute}' of {kind} may not be used: there are only fields and filters",
            exc=SecurityError,
        )

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Numbers may be multiplied, texts and lists not: the product has no limit."""
        if operator == "**" or not all(isinstance(side, int | float) for side in (left, right)):
            raise SecurityError(f"`{operator}` may not be used here")
        return super().call_binop(context, operator, left, right)


class Sheet:
    """One template, compiled. `file` is its name for messages, `names` what it may ask for."""

    def __init__(self, sandbox: Sandbox, source: str, file: str, names: Iterable[str]) -> None:
        """Compile it. Raises TemplateError."""
        self.file = file
        try:
            tree = sandbox.parse(source, filename=file)
            fault = _forbidden(tree) or _unknown(tree, names)
            if fault is not None:
                raise TemplateError(Problem(file, "", fault[1], fault[0]))
            code = sandbox.compile(source, filename=file)
        except TemplateSyntaxError as error:
            message = error.message or "cannot be read"
            raise TemplateError(Problem(file, "", message.rstrip("."), error.lineno)) from None
        except RecursionError:
            raise TemplateError(Problem(file, "", "is nested too deep")) from None
        self._template = Template.from_code(sandbox, code, {})

    def render(self, values: Mapping[str, Any]) -> str:
        """Its text, at most LONGEST characters. Raises TemplateError."""
        made, length = [], 0
        try:
            for piece in self.pieces(values):
                made.append(piece)
                length += len(piece)
                if length > LONGEST:
                    break
        except Exception as error:  # noqa: BLE001 - a template may fail in any way
            raise TemplateError(self._problem(error)) from None
        if length > LONGEST:
            raise TemplateError(
                Problem(self.file, "", f"makes more than {LONGEST} characters: make it shorter")
            )
        return "".join(made)

    def pieces(self, values: Mapping[str, Any]) -> Iterator[str]:
        """Its text as it is made, without limit. Raises whatever the template raises."""
        return self._template.generate(values)

    def _problem(self, error: Exception) -> Problem:
        rows = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if frame.filename == self.file
        ]
        message = str(error).partition("\n")[0] or type(error).__name__
        return Problem(self.file, "", message, rows[-1] if rows else None)


def read(path: Path) -> str:
    """The source in a file. Raises TemplateError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        why = f"cannot be read: {error.strerror or type(error).__name__}"
        raise TemplateError(Problem(str(path), "", why)) from None
    except UnicodeDecodeError as error:
        row = error.object.count(b"\n", 0, error.start) + 1
        raise TemplateError(
            Problem(str(path), "", "is not in UTF-8: save it as such", row)
        ) from None


def _of_something(call: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*values: Any, **named: Any) -> Any:
        for value in (*values, *named.values()):
            if isinstance(value, Undefined):
                str(value)  # raises, and says what is not there
        return call(*values, **named)

    return checked


def _undefined(before: str, name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known)
    told = f"; {hint.replace('`', f'`{before}', 1)}" if hint else ""
    return f"'{before}{name}' is undefined{told}"


def _forbidden(tree: nodes.Template) -> tuple[int, str] | None:
    for node in tree.find_all(_FORBIDDEN):
        what = type(node).__name__.lower()
        return node.lineno, f"`{what}` may not be used: a template stands by itself, without macros"
    return None


def _unknown(tree: nodes.Template, names: Iterable[str]) -> tuple[int, str] | None:
    """The first name that is neither given nor set, also where the samples never get to."""
    known = set(names)
    for unknown in _loads(tree, find_undeclared_variables(tree) - known):
        return unknown.lineno, _undefined("", unknown.name, known)
    return None


def _loads(tree: nodes.Template, names: set[str]) -> Iterator[nodes.Name]:
    return (node for node in tree.find_all(nodes.Name) if node.name in names)
