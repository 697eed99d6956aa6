"""`ctid backup`: a copy of the database while ctid runs."""

from pathlib import Path
from typing import Annotated

import typer

from ctid.cli.asking import fail_without_database
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_known
from ctid.cli.control import NoDaemonError, NotAnsweredError, request
from ctid.config import Config
from ctid.store.address import database_at
from ctid.store.backup import BackupError
from ctid.store.backup import backup as copy
from ctid.store.errors import StoreUnavailable


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite it if it is there.")] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Copy the SQLite database while ctid goes on recording."""
    loaded = load_known(Path(config))
    try:
        copied = copy(database_at(loaded.store.url), file, overwrite=force)
    except StoreUnavailable as error:
        fail_without_database(loaded, error)
    except BackupError as error:
        fail(str(error))
    _tell_the_daemon(loaded)
    typer.echo(f"{file}: good ({copied.size / 1e6:.1f} MB)")


def _tell_the_daemon(loaded: Config) -> None:
    """Before anything is printed: that may fail, and the backup is good all the same."""
    try:
        request(loaded, "POST", "/v1/backup-done")
    except NoDaemonError:
        return
    except NotAnsweredError as error:
        typer.echo(
            f"ctid: warning: the metric of the last backup stays as it is: {error}", err=True
        )
