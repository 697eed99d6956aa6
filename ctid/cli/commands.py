"""Which commands there are. The module of one is read in once it is asked for.

To read in all of them takes twice as long as any one: a person would wait for that.
"""

import importlib
from typing import Any, Final

import typer

from ctid.cli import usage

NAMES: Final = (
    "run",
    "status",
    "calls",
    "report",
    "missed",
    "alerts",
    "outbox",
    "roster",
    "explain",
    "capture",
    "replay",
    "backup",
    "forget",
    "rebuild-summary",
    "doctor",
    "demo",
    "check-config",
    "check-backend",
    "check-channel",
)
"""In the order of the help. `check-config` is the function `check_config` of the module of that
name; a module with an `app` has commands of its own."""


class Commands(usage.Group):
    """Those of `ctid`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the help."""
        del ctx  # the same everywhere
        return list(NAMES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, None if there is none."""
        # of all of them for a name that is not known: the nearest are then suggested
        for name in [cmd_name] if cmd_name in NAMES else NAMES:
            if name not in self.commands:
                self.commands[name] = _read_in(name)
        return super().get_command(ctx, cmd_name)


def _read_in(name: str) -> Any:
    function = name.replace("-", "_")
    module = importlib.import_module(f"ctid.cli.{function}")
    found = getattr(module, "app", None)
    if found is None:
        found = usage.commands()
        found.command(name)(getattr(module, function))
    return typer.main.get_command(found)
