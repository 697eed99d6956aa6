"""`ctid run`: the daemon."""

import asyncio
import sys

from ctid import logs
from ctid.cli.common import DEFAULT_CONFIG, ConfigFile, fail, load_config, see_templates
from ctid.config import Config, load
from ctid.store.errors import StoreUnavailable


def run(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Attach to every PBX and record its calls until SIGTERM."""
    # imported here: the other commands need neither the network nor a database
    from ctid import tickets  # noqa: PLC0415
    from ctid.app import serve  # noqa: PLC0415
    from ctid.web.listener import ServeError  # noqa: PLC0415

    loaded = load_config(config, read_secrets=True)
    see_templates(loaded)

    def load_again() -> Config:
        new = load(config)
        tickets.see_templates(new)
        return new

    human = sys.stderr is not None and sys.stderr.isatty()
    logs.set_up(human=human, mask_numbers=loaded.log.numbers == "masked")
    try:
        if not asyncio.run(serve(loaded, load=load_again)):
            fail("not everything could be written before the end; the log names the calls")
    except (ServeError, StoreUnavailable) as error:
        fail(str(error))
