"""What is left of a configuration with mistakes, and that it never leads to another database."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ctid.config import ConfigError, Problem, Store, load, load_leniently

HERE = Path(__file__).parent
BAD = sorted(HERE.glob("bad/*.toml"))
GOOD = """timezone = "Asia/Shanghai"
site = "lab"

[store]
url = "there.sqlite3"

[[line]]
name = "network"
title = "网络专业热线"
dids = ["8000"]

[control]
socket = "there.sock"

[[line]]
name = "server"
dids = [
  "8002",
]

[[channels.command]]
argv = ["/bin/true"]
"""
_WHERE = {n for n, row in enumerate(GOOD.splitlines()) if "there" in row}
_HARMLESS_ROWS = [n for n in range(len(GOOD.splitlines())) if n not in _WHERE]


def written(folder: Path, text: str) -> Path:
    path = folder / "ctid.toml"
    path.write_text(text)
    return path


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new, 1)


@pytest.mark.parametrize(
    "text",
    [
        changed('title = "', "title = "),  # a quote is missing
        changed('"8002",', '"8002'),
        changed("[[line]]", "[[line]"),
        changed('site = "lab"', "site = lab"),
        changed('name = "network"', 'nmae = "network"'),
        changed('name = "network"', "name = 7"),
        changed('dids = ["8000"]', "dids = [8000]"),
        changed("[[channels.command]]", "[channels.command]"),
        changed('"/bin/true"', '""'),
        changed('"Asia/Shanghai"', '"UTC+8"'),
        GOOD + "[alert]\nlimit_minutes = -1\n[alert]\n",
        GOOD + '[calendar]\noverrides = "no such file"\n',
        GOOD + "[[escalation]]\n",
    ],
)
def test_database_and_daemon_are_found_whatever_else_is_wrong(tmp_path: Path, text: str) -> None:
    config, mistakes = load_leniently(written(tmp_path, text))
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "ctid.toml", read_secrets=False)
    assert mistakes == caught.value.problems
    assert config.store.url == str(tmp_path / "there.sqlite3")
    assert config.control.socket == str(tmp_path / "there.sock")
    assert "server" in {line.name for line in config.line} or "8002" in str(mistakes)


def test_who_names_no_database_has_the_usual_one(tmp_path: Path) -> None:
    path = written(tmp_path, '[[channels.mqtt]]\naddress = "broker"\n[rt]\nqueue = "x"\n')
    config, mistakes = load_leniently(path)
    assert (config.store, len(mistakes) > 1) == (Store(), True)


def test_what_is_not_wrong_stays(tmp_path: Path) -> None:
    config, _ = load_leniently(written(tmp_path, changed('["8000"]', "[8]")))
    assert (config.timezone, config.site) == ("Asia/Shanghai", "lab")
    assert [(line.name, [did.text for did in line.dids]) for line in config.line] == [
        ("network", []),
        ("server", ["8002"]),
    ]
    config, mistakes = load_leniently(written(tmp_path, GOOD))
    assert (config, mistakes) == (load(tmp_path / "ctid.toml", read_secrets=False), ())


@pytest.mark.parametrize(
    "text",
    [
        changed("url = ", "ulr = "),
        changed('url = "there.sqlite3"', "url = 7"),
        changed('url = "there.sqlite3"', "url = there"),
        changed("[store]", "[stor]"),
        changed("[store]", "[store"),
        changed("[store]", "[[store]]"),
        changed('socket = "', "socket = "),
        changed("[control]", "[contrl]"),
    ],
)
def test_no_other_database_and_no_other_daemon(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_leniently(written(tmp_path, text))
    with pytest.raises(ConfigError) as strict:
        load(tmp_path / "ctid.toml", read_secrets=False)
    assert str(caught.value) == str(strict.value)


@pytest.mark.parametrize(
    "text", [changed('"Asia/Shanghai"', "Asia/Shanghai"), changed('"Asia/Shanghai"', '"UTC+8"')]
)
def test_a_command_may_need_more(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    assert load_leniently(path)[0].timezone == "UTC"
    with pytest.raises(ConfigError):
        load_leniently(path, ("timezone",))
    assert load_leniently(path, ("site",))[0].site == "lab"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_bad_file_is_read_or_refused_with_all_its_mistakes(path: Path) -> None:
    try:
        load(path, read_secrets=False)
        named: tuple[Problem, ...] = ()
    except ConfigError as error:
        named = error.problems
    try:
        _, mistakes = load_leniently(path)
    except ConfigError as error:
        mistakes = error.problems
    assert mistakes == named


@given(
    st.sampled_from(_HARMLESS_ROWS),
    st.integers(0, 30),
    st.integers(0, 3),
    st.sampled_from("\"'[]=#x\n"),
)
@example(3, 0, 7, "x")
def test_a_slip_anywhere_else_leads_nowhere_else(
    tmp_path_factory: pytest.TempPathFactory, row: int, at: int, gone: int, typed: str
) -> None:
    folder = tmp_path_factory.mktemp("c")
    rows = GOOD.splitlines()
    rows[row] = rows[row][:at] + typed + rows[row][at + gone :]
    try:
        config, _ = load_leniently(written(folder, "\n".join(rows)))
    except ConfigError:
        return
    assert config.store.url == str(folder / "there.sqlite3")
    assert config.control.socket == str(folder / "there.sock")
