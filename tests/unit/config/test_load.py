import os
import pickle
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ctid.config import ConfigError, Metrics, Secret, load
from ctid.config.address import is_loopback
from ctid.config.secret import SecretError, read_secret
from ctid.domain.records import Reason

HERE = Path(__file__).parent
BAD = sorted(HERE.glob("bad/*.toml"))


@pytest.fixture(autouse=True)
def _secrets_are_private() -> None:
    """Git keeps no modes, and the warnings depend on them."""
    for name in ("good/ami.secret", "bad/ami.secret"):
        (HERE / name).chmod(0o600)


def written(folder: Path, text: str) -> Path:
    path = folder / "ctid.toml"
    path.write_text(text)
    return path


def problems(path: Path, *, read_secrets: bool = True) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ={}, read_secrets=read_secrets)
    assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
    return [
        str(problem).replace(f"{path.parent.absolute()}", "FOLDER").removeprefix("FOLDER/")
        for problem in caught.value.problems
    ]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_has_all_its_mistakes_named_at_once(path: Path) -> None:
    assert problems(path) == path.with_suffix(".txt").read_text().splitlines()


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_no_message_shows_a_secret(path: Path) -> None:
    assert "never" not in re.sub("every|whenever", "", "\n".join(problems(path)))


@pytest.mark.parametrize(
    ("metrics", "api", "clash"),
    [
        (None, "127.0.0.1:9810", True),  # where [metrics] listens by default
        (None, "127.0.0.1:9811", False),
        (None, "[::1]:9810", False),
        ("127.0.0.1:9811", "0.0.0.0:9811", True),
        ("", "127.0.0.1:9810", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
    ],
)
def test_two_servers_need_two_addresses(
    tmp_path: Path, metrics: str | None, api: str, *, clash: bool
) -> None:
    table = "" if metrics is None else f'[metrics]\nlisten = "{metrics}"\n'
    path = written(tmp_path, f'{table}[api]\nlisten = "{api}"\n')
    if clash:
        (found,) = problems(path, read_secrets=False)
        assert f"api.listen: `{api}` is taken by [metrics]" in found
    else:
        load(path, read_secrets=False)


@pytest.mark.parametrize(
    ("offset", "city"),
    [
        ("UTC+8", "Asia/Shanghai"),
        ("GMT+8", "Asia/Shanghai"),
        ("+08:00", "Asia/Shanghai"),
        ("utc +0800", "Asia/Shanghai"),
        ("UTC＋8", "Asia/Shanghai"),
        ("+5:30", "Asia/Kolkata"),
        ("UTC-5", "America/New_York"),
        ("+01", "Europe/Berlin"),
        ("GMT+0000", "UTC"),
        ("UTC+13", "Etc/GMT-13"),
    ],
)
def test_an_offset_leads_to_a_zone_that_has_it(tmp_path: Path, offset: str, city: str) -> None:
    (found,) = problems(written(tmp_path, f'timezone = "{offset}"\n'), read_secrets=False)
    assert found == (
        f"ctid.toml:1: timezone: `{offset}` is an offset, no time zone: write the name of yours, "
        f"such as `{city}`"
    )
    load(written(tmp_path, f'timezone = "{city}"\n'), read_secrets=False)


@pytest.mark.parametrize("offset", ["UTC+25", "+8:20", "UTC+", "+123456"])
def test_what_is_no_offset_of_any_zone(tmp_path: Path, offset: str) -> None:
    (found,) = problems(written(tmp_path, f'timezone = "{offset}"\n'), read_secrets=False)
    assert "is no time zone" in found


@pytest.mark.parametrize("name", ["Asia/Beijing", "asia/peking", "Beijing"])
def test_cities_that_are_no_zone_lead_to_theirs(tmp_path: Path, name: str) -> None:
    found = problems(written(tmp_path, f'timezone = "{name}"\n'))
    said = f"timezone: `{name}` is no time zone: did you mean `Asia/Shanghai`?"
    assert any(problem.endswith(said) for problem in found)


def test_the_common_case_is_short() -> None:
    config = load(HERE / "good/smallest.toml")
    (pbx,) = config.pbx
    assert (pbx.name, pbx.host, pbx.port, pbx.username) == ("pbx", "127.0.0.1", 5038, "ctid")
    assert config.store.url == "sqlite:////var/lib/ctid/ctid.sqlite3"
    assert config.warnings == ()


def test_everything(tmp_path: Path) -> None:
    (tmp_path / "ami").write_text("other\n")
    (tmp_path / "ami").chmod(0o600)
    config = load(HERE / "good/full.toml", environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})
    main, branch = config.pbx
    assert main.secret is not None
    assert branch.secret is not None
    assert (main.secret.reveal(), branch.secret.reveal()) == ("s3cret", "other")
    assert (main.port, branch.port) == (5039, 15038)
    assert main.ca_file == str(HERE / "good/ami.secret")
    assert config.store.url == "postgresql://ctid@localhost/ctid"
    assert config.alert.webhook == "http://127.0.0.1:9093/api/v2/alerts"
    network, server = config.lines()
    assert network.title == "网络专业热线"
    assert network.queues == {"hotline"}
    assert network.zone == "Asia/Shanghai"
    assert network.duty is not None
    assert len(network.duty.shifts) == 2
    assert network.target_rate == 0.8
    assert (server.title, server.specialty, server.duty) == ("server", "server", None)


def test_the_directory_of_a_pbx() -> None:
    config = load(HERE / "good/full.toml", read_secrets=False)
    main, branch, other = (config.directory(name) for name in ("main", "branch", "other"))
    assert main.is_trunk("PJSIP/trunk-0000002c")
    assert main.is_inbound_context("entry")
    assert not main.is_inbound_context("from-trunk")
    assert main.is_closed_context("after-hours")
    for directory in (branch, other):
        assert not directory.is_trunk("PJSIP/trunk-0000002c")
        assert directory.is_inbound_context("from-trunk")
    for directory in (main, branch, other):
        line = directory.line_of_did("8001")
        assert line is not None
        assert line.name == "server"
        assert directory.agent_name("PJSIP/101") == "Zhang San"
        assert directory.exclusion("13800001111") is Reason.TEST


def test_a_replay_needs_neither_secrets_nor_a_pbx(tmp_path: Path) -> None:
    path = written(tmp_path, '[[pbx]]\ntrunks = ["PJSIP/trunk"]\n')
    assert load(path, read_secrets=False).pbx[0].secret is None
    assert load(written(tmp_path, ""), read_secrets=False).pbx == ()
    path = written(tmp_path, '[[pbx]]\nsecret_file = "missing"\n')
    assert load(path, read_secrets=False).pbx[0].secret is None


def test_without_secrets_other_mistakes_are_still_found(tmp_path: Path) -> None:
    path = written(tmp_path, '[[pbx]]\nsecret_file = "a"\nsecret_credential = "a"\n')
    assert problems(path, read_secrets=False) == [
        (
            "ctid.toml:3: pbx[0].secret_credential: the secret has two sources: "
            "keep `secret_file` or `secret_credential`"
        )
    ]


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    assert problems(tmp_path / "ctid.toml") == [
        "ctid.toml: there is no such file: give --config FILE, or copy config/ctid.toml there"
    ]


def test_relative_paths_start_from_the_folder_of_the_file(tmp_path: Path) -> None:
    for url, expected in {
        "calls.sqlite3": f"{tmp_path}/calls.sqlite3",
        "sqlite:///calls.sqlite3": f"sqlite:///{tmp_path}/calls.sqlite3",
        "sqlite:////var/lib/x": "sqlite:////var/lib/x",
        "/var/lib/x": "/var/lib/x",
        "postgresql://ctid@db/ctid": "postgresql://ctid@db/ctid",
    }.items():
        path = written(tmp_path, f'[store]\nurl = "{url}"\n')
        assert load(path, read_secrets=False).store.url == expected


def test_channels(tmp_path: Path) -> None:
    for name in ("robot", "sign"):
        (tmp_path / name).write_text(f"{name}-secret\n")
        (tmp_path / name).chmod(0o600)
    config = load(
        written(
            tmp_path,
            """
            [[pbx]]
            secret_file = "robot"
            [[channels.mqtt]]
            tls = true
            [[channels.dingtalk]]
            token_file = "robot"
            secret_credential = "sign"
            [[channels.webhook]]
            name = "wall"
            url = "http://198.51.100.7/pages"
            """,
        ),
        environ={"CREDENTIALS_DIRECTORY": str(tmp_path)},
    )
    assert [table.name for table in config.channels.all()] == ["dingtalk", "wall", "mqtt"]
    (robot,), (wall,), (broker,) = (
        config.channels.dingtalk,
        config.channels.webhook,
        config.channels.mqtt,
    )
    assert robot.token is not None
    assert robot.secret is not None
    assert (robot.token.reveal(), robot.secret.reveal()) == ("robot-secret", "sign-secret")
    assert robot.token_file == str(tmp_path / "robot")
    assert (robot.per_minute, wall.concurrency, broker.timeout_seconds) == (20, 32, 5.0)
    assert broker.port == 8883
    assert config.warnings == (
        (
            f"{tmp_path}/ctid.toml:11: channels.webhook[0].url: callers and token cross the "
            "network readable: use an `https://` address"
        ),
    )


def test_only_a_warning_that_is_written_has_to_come_before_the_limit(tmp_path: Path) -> None:
    for limit in (10, 0.2):
        path = written(tmp_path, f"[alert]\nlimit_minutes = {limit}\n")
        alert = load(path, read_secrets=False).alert
        assert (alert.warning_minutes, alert.limit_minutes) == (10.0, limit)
    path = written(tmp_path, "[alert]\nwarning_minutes = 10\nlimit_minutes = 10\n")
    (found,) = problems(path, read_secrets=False)
    assert found == (
        "ctid.toml:2: alert.warning_minutes: the warning (10 min) must come before the limit "
        "(10 min)"
    )


def test_a_heartbeat(tmp_path: Path) -> None:
    (tmp_path / "beat").write_text("https://hc.example.org/s3cret\n")
    (tmp_path / "beat").chmod(0o600)
    pbx = '[[pbx]]\nsecret_file = "beat"\n'
    addresses = 'url_file = "beat"\nfailure_url = "https://hc.example.org/plain"\n'
    table = load(written(tmp_path, f"{pbx}[heartbeat]\n{addresses}")).heartbeat
    assert table.target is not None
    assert table.failure_target is not None
    assert table.target.reveal() == "https://hc.example.org/s3cret"
    assert table.failure_target.reveal() == "https://hc.example.org/plain"
    assert "s3cret" not in repr(table)


def test_a_heartbeat_to_what_is_no_address(tmp_path: Path) -> None:
    (tmp_path / "beat").write_text("s3cret")
    (tmp_path / "beat").chmod(0o600)
    path = written(tmp_path, '[[pbx]]\nsecret_file = "beat"\n[heartbeat]\nurl_file = "beat"\n')
    assert problems(path) == [
        (
            "ctid.toml:4: heartbeat.url_file: what it holds must be an address that begins with "
            "`http://` or `https://`"
        )
    ]


def test_channels_that_are_one_list(tmp_path: Path) -> None:
    path = written(tmp_path, '[[channels]]\nname = "dingtalk"\n')
    assert problems(path, read_secrets=False) == [
        "ctid.toml:1: channels: must be a table: write [[channels.dingtalk]]"
    ]


def test_a_secret_that_everybody_may_read_is_a_warning(tmp_path: Path) -> None:
    secret = tmp_path / "ami.secret"
    secret.write_text("s3cret")
    secret.chmod(0o644)
    config = load(written(tmp_path, '[[pbx]]\nsecret_file = "ami.secret"\n'))
    assert [line.removeprefix(f"{tmp_path}/") for line in config.warnings] == [
        f"ctid.toml:2: pbx[0].secret_file: everybody may read {secret}: chmod o-rwx {secret}"
    ]


def test_a_secret_in_quotes_is_a_warning(tmp_path: Path) -> None:
    secret = tmp_path / "ami.secret"
    secret.write_text('"s3cret"\n')
    secret.chmod(0o640)
    config = load(written(tmp_path, '[[pbx]]\nsecret_file = "ami.secret"\n'))
    (warning,) = config.warnings
    assert warning.endswith(f"the quotes in {secret} count as part of the secret: take them out")
    assert "s3cret" not in warning


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('a = "x', "1: a text is not closed: add the missing quote at its end"),
        ("a = 'x", " a text is not closed: add the missing quote at its end"),
        ("[line]\n[line]", "2: [line] is there already: write [[line]], for each of them"),
        ("[line]\n[[line]]", "2: [[line]] cannot follow [line]: write [[line]] in row 1, too"),
        ("[store]\n[pbx]\n[store]", "3: [store] is there already in row 1: put its keys together"),
        ("[a]\nk=1\n[b]\nk=1\nk=2", "5: `k` has a value already in row 4: take one of them out"),
        ("dids = ['1' '2']", "1: a comma between two values, or the ] of the list, is missing"),
        ("tls = True", "1: is no value: a text stands in straight quotes, true and false are"),
        ("a.b = 1\na = 2", "2: this key has a value already: take one of them out"),
    ],
)
def test_what_is_no_toml_has_its_row_and_a_remedy(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(written(tmp_path, text))
    assert found.startswith(f"ctid.toml:{problem}")


def test_plain_login_over_the_network_is_a_warning(tmp_path: Path) -> None:
    for host, warned in (("pbx.example", True), ("127.0.0.1", False)):
        path = written(tmp_path, f'[[pbx]]\nhost = "{host}"\nplain_login = true\n')
        assert bool(load(path, read_secrets=False).warnings) is warned


def test_an_unreadable_secret(tmp_path: Path) -> None:
    secret = tmp_path / "ami.secret"
    secret.write_text("s3cret")
    secret.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read everything
        os.seteuid(65534)
    try:
        with pytest.raises(SecretError, match="Permission denied; make a file"):
            read_secret(secret)
    finally:
        os.seteuid(user)


def test_a_secret_is_never_shown() -> None:
    config = load(HERE / "good/smallest.toml")
    secret = config.pbx[0].secret
    assert secret is not None
    assert secret.reveal() == "s3cret"
    shown = [
        repr(config),
        str(config),
        repr(secret),
        f"{secret} {secret:>20} {secret!r}",
        str(config.model_dump()),
        config.pbx[0].model_dump_json(),
        repr(vars(config.pbx[0])),
    ]
    assert all("s3cret" not in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(Secret("s3cret"))


def test_a_configuration_does_not_change() -> None:
    config = load(HERE / "good/full.toml", read_secrets=False)
    with pytest.raises(ValidationError, match="frozen"):
        config.timezone = "UTC"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        config.pbx[0].name = "other"  # type: ignore[misc]


def test_windows_editors_may_have_saved_the_file(tmp_path: Path) -> None:
    path = tmp_path / "ctid.toml"
    path.write_bytes(b'\xef\xbb\xbftimezone = "UTC"\r\n[[pbx]]\r\nname = "main"\r\n')
    assert load(path, read_secrets=False).pbx[0].name == "main"


VALUE = st.recursive(
    st.one_of(
        st.booleans(), st.integers(), st.floats(), st.text("_8[X-]. /日", max_size=6), st.none()
    ),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
KEYS = ["name", "queues", "dids", "duty", "agents", "contexts", "trunks", "tls", "ca_file", "x"]


def as_toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return "'" + value + "'"
        case list():
            return "[" + ", ".join(as_toml(item) for item in value) + "]"
        case None:
            return "{ a = 1 }"
        case _:
            return str(value)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["[[pbx]]", "[[line]]", "[agents]", "[callers]", "[line]", ""]),
            st.dictionaries(st.sampled_from(KEYS), VALUE, max_size=3),
        ),
        max_size=4,
    )
)
def test_whatever_stands_in_a_file_loads_or_is_a_list_of_problems(
    tmp_path_factory: pytest.TempPathFactory, parts: list[tuple[str, dict[str, object]]]
) -> None:
    text = "\n".join(
        "\n".join([header, *(f"{key} = {as_toml(value)}" for key, value in table.items())])
        for header, table in parts
    )
    path = tmp_path_factory.getbasetemp() / f"any-{sys.version_info.minor}.toml"
    path.write_text(text)
    try:
        load(path, environ={})
    except ConfigError as error:
        found = error.problems
    else:
        found = ()
    assert all(str(problem).startswith(str(path)) for problem in found)
    assert all("\n" not in str(problem) for problem in found)


METRICS = """
[metrics]
listen = "0.0.0.0:9810"
token_file = "token"
[[pbx]]
secret_file = "secret"
[[line]]
name = "a"
dids = ["1"]
"""


def test_a_token_opens_metrics_to_others_and_is_shown_to_nobody(tmp_path: Path) -> None:
    for name in ("token", "secret"):
        (tmp_path / name).write_text(f"the-{name}\n")
        (tmp_path / name).chmod(0o600)
    config = load(written(tmp_path, METRICS))
    assert config.metrics.address == ("0.0.0.0", 9810)
    assert config.metrics.token is not None
    assert config.metrics.token.reveal() == "the-token"
    assert "the-token" not in f"{config!r} {config.metrics.model_dump()}"
    (warning,) = config.warnings
    assert warning.endswith("the token crosses the network readable: add `tls_cert` and `tls_key`")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:9810", ("127.0.0.1", 9810)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:1", ("localhost", 1)),
        ("", None),
    ],
)
def test_addresses_to_listen_on(text: str, address: tuple[str, int] | None) -> None:
    assert Metrics(listen=text).address == address


@pytest.mark.parametrize("text", ["9810", ":9810", "::1:9810", "h:65536", "h:x", "h", "a b:1"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValidationError, match="must be an address and a port"):
        Metrics(listen=text)


def test_what_only_this_machine_reaches() -> None:
    assert [is_loopback(host) for host in ("127.3.2.1", "::1", "localhost")] == [True] * 3
    assert [is_loopback(h) for h in ("0.0.0.0", "::", "10.0.0.1", "pbx", "")] == [False] * 5
