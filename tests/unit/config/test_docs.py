import re
import tomllib
from pathlib import Path

import pytest

from ctid.config import Config, load
from ctid.config.channels import CHANNELS
from ctid.config.shape import LISTS, TABLES, keys_of

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/configuration.md").read_text()
SECTIONS = {
    title.split(":")[0].strip("`[] "): body
    for title, _, body in (part.partition("\n") for part in PAGE.split("\n## ")[1:])
}
MODELS = {
    **TABLES,
    **LISTS,
    **{f"channels.{name}": model for name, model in CHANNELS.items()},
}


def documented(section: str) -> dict[str, str]:
    """The defaults by key, from the first table of the section."""
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", SECTIONS[section], re.MULTILINE)
    return {key: default.strip() for key, default in rows}


@pytest.mark.parametrize("name", MODELS)
def test_the_page_has_every_key_and_no_other(name: str) -> None:
    assert list(documented(name)) != []
    assert set(documented(name)) == set(keys_of(MODELS[name]))


def test_the_page_has_every_table() -> None:
    tables = {*MODELS, "agents"}
    assert set(keys_of(Config)) - tables - {"channels"} == set(documented("Top of the file"))
    assert tables <= set(SECTIONS)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "line"])
def test_the_page_says_the_true_defaults(name: str) -> None:
    model = MODELS[name]
    needed = {key for key, field in model.model_fields.items() if field.is_required()}
    values: dict[str, object] = {
        "argv": ("/bin/true",),
        "name": "x",
        "after_minutes": 5.0,
        "to": ("first_line",),
    }
    made = model.model_validate({key: values.get(key, "http://x") for key in needed})
    for key, said in documented(name).items():
        if key in needed:
            assert said == "needed"
            continue
        first = said.split("`")[1] if "`" in said else None
        value = getattr(made, key)
        if value in (None, (), {}):
            assert first is None or first in ("[]", "host", "from-trunk")
        else:
            assert first is not None
            told = tomllib.loads(f"x = {first}")["x"]
            assert (tuple(told) if isinstance(told, list) else told) == value


def test_the_file_that_operators_copy_loads() -> None:
    config = load(ROOT / "config/ctid.toml", read_secrets=False)
    assert [line.name for line in config.lines()] == ["network", "server"]
    assert config.warnings == ()


def test_so_it_does_with_all_that_is_commented_out(tmp_path: Path) -> None:
    text = (ROOT / "config/ctid.toml").read_text()
    path = tmp_path / "ctid.toml"
    path.write_text(re.sub(r"^# (\w+ = |\[\[[\w.]+\]\] +#)", r"\1", text, flags=re.MULTILINE))
    (tmp_path / "calendar.toml").write_bytes((ROOT / "config/calendar.toml").read_bytes())
    config = load(path, read_secrets=False)
    assert config.calendar.days is not None
    assert config.calendar.days.name == "CN"
    assert config.pbx[0].closed_contexts == ("after-hours",)
    assert config.line[0].contexts == ("hotline-network",)
    assert config.callers.test != ()
    assert (config.site, config.numbers.area_code) == ("desk", "021")
    assert (config.line[1].tickets, config.line[1].language) == (("answered", "missed"), "en")
    assert [table.name for table in config.backends()] == ["rt", "file"]
    assert [step.to for step in config.escalation] == [("first_line",), ("duty_lead",)]
    assert (config.alert.weekly_test is not None, config.alert.channels) == (True, ("dingtalk",))
    assert config.heartbeat.url_file == "/etc/ctid/heartbeat.url"
    channels = ["dingtalk", "command", "apprise"]
    assert [table.name for table in config.channels.all()] == channels
