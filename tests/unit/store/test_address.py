from pathlib import Path

import pytest

from ctid.store.address import database_at


def test_a_sqlite_url() -> None:
    database = database_at("sqlite:////var/lib/ctid/ctid.sqlite3")
    assert database.path == Path("/var/lib/ctid/ctid.sqlite3")
    assert str(database) == "/var/lib/ctid/ctid.sqlite3"


def test_a_plain_path() -> None:
    assert database_at("/srv/a b?c#d.sqlite3").path == Path("/srv/a b?c#d.sqlite3")
    assert database_at("calls.sqlite3").path == Path.cwd() / "calls.sqlite3"


def test_a_postgresql_url_hides_its_password() -> None:
    database = database_at("postgresql://ctid:hush@db.example/ctid")
    assert database.path is None
    assert str(database) == "postgresql+asyncpg://ctid:***@db.example/ctid"
    assert "hush" not in repr(database)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "SQLite needs a file"),
        ("sqlite://", "SQLite needs a file"),
        (":memory:", "SQLite needs a file"),
        ("sqlite:///:memory:", "SQLite needs a file"),
        ("sqlite://srv/ctid.db", "a slash is missing: write sqlite:////srv/ctid.db"),
        ("mysql://ctid:hush@db.example/ctid", "mysql: databases are sqlite or postgresql"),
        ("://hush", "not a database URL"),
        ("postgresql://ctid:hush@db.example:port/ctid", "not a database URL"),
    ],
)
def test_what_is_no_database(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        database_at(url)
    assert "hush" not in str(caught.value)
