"""`ctid replay`: recorded AMI streams through the daemon's decoder and tracker."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ctid import output
from ctid import replay as stream
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config
from ctid.domain.records import Record


class Format(StrEnum):
    JSONL = "jsonl"


def replay(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Streams; .gz too.")],
    pbx: Annotated[str, typer.Option(help="Which [[pbx]]; the first one if not given.")] = "",
    format: Annotated[Format, typer.Option(help="One JSON object a line.")] = Format.JSONL,  # noqa: A002, ARG001
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Print the records of recorded AMI streams.

    One record per offer, and per call without one. Several files are the successive
    connections of one PBX, in the order given.
    """
    loaded = load_config(config, read_secrets=False)
    names = [table.name for table in loaded.pbx]
    if pbx and pbx not in names:
        fail(f"--pbx {pbx}: no such [[pbx]] in {config}; there are: {', '.join(names)}", 2)
    name = pbx or (names[0] if names else "pbx")
    records = stream.replay(files, name, loaded.directory(name))
    for record in _until_error(records):
        typer.echo(output.to_json(record))


def _until_error(records: Iterator[Record]) -> Iterator[Record]:
    try:
        yield from records
    except stream.ReplayError as error:
        fail(str(error))
