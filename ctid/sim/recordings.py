"""The recorded streams that the package carries: a real Asterisk, driven by real SIP phones."""

import gzip
from importlib.resources import files

from ctid.sim.template import Template

_FOLDER = files("ctid.sim") / "recorded"
_SUFFIX = ".ami.gz"


def names() -> list[str]:
    """The streams there are."""
    found = (entry.name for entry in _FOLDER.iterdir() if entry.name.endswith(_SUFFIX))
    return sorted(name.removesuffix(_SUFFIX) for name in found)


def recorded(name: str) -> bytes:
    """One stream as it came from the PBX, with its greeting."""
    return gzip.decompress((_FOLDER / f"{name}{_SUFFIX}").read_bytes())


def template(name: str) -> Template:
    return Template(recorded(name))
