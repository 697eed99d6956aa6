"""How wrong use is said: one line, as everything else that a command says."""

import sys
from collections.abc import Sequence
from typing import Any, Final

import typer
from typer.core import TyperGroup

# What the parser of the command line raises; its module has another name in some versions.
_ParserError: Final[Any] = typer.BadParameter.__mro__[2]


class Group(TyperGroup):
    """The commands; the parser's errors are one line, with exit status 2."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; ends the process unless `standalone_mode` is off."""
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
        except _ParserError as error:
            if not standalone_mode:
                raise
            typer.echo(f"ctid: {line(error)}", err=True)
            sys.exit(error.exit_code)
        except typer.Abort:
            if not standalone_mode:
                raise
            sys.exit(1)
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else 0)
        return code


def commands(purpose: str | None = None) -> typer.Typer:
    """One command, or several that belong together, such as `ctid alerts list`, with a purpose."""
    return typer.Typer(
        help=purpose,
        cls=Group,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


def line(error: Any) -> str:
    """`--outcome: 'miss' is not one of answered, missed`, or what else was wrong in the use."""
    context = error.ctx
    where = "" if context is None else f"; see {context.command_path} --help"
    parameter = getattr(error, "param", None)
    if parameter is None or type(error) is not typer.BadParameter:
        text = " ".join(error.format_message().split()).removesuffix(".")
        return text[:1].lower() + text[1:] + ("" if text.endswith("?") else where)
    name = max(parameter.opts, key=len) if parameter.opts[0][:1] == "-" else parameter.metavar
    text = " ".join(error.message.split()).removesuffix(".").removeprefix("Value error, ")
    given, found, choices = text.partition(" is not one of ")
    text = given + found + choices.replace("'", "")
    return f"{name}: {text.replace('Input should be', 'must be', 1)}"
