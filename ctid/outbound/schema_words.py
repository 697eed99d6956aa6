"""Words for people in the JSON Schemas of what ctid sends."""

import dataclasses
from typing import Any


def explain(found: dict[str, Any], part: type, told: dict[str, str]) -> None:
    """All fields are always there, even those for which the model has a default."""
    names = [field.name for field in dataclasses.fields(part)]
    found["required"] = names
    for name in names:
        field = found["properties"][name]
        for noise in ("title", "default"):
            field.pop(noise, None)
        field["description"] = told[name]
