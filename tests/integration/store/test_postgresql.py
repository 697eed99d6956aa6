"""The failures of a server: a clear line each, and recovery without being asked."""

import socket

import asyncpg
import pytest

from ctid.store.errors import StoreReason, StoreUnavailable
from ctid.store.migrate import upgrade
from ctid.store.queries import Reader, RecordFilter
from ctid.store.recorder import Store
from tests.integration.store import postgresql, samples


@pytest.fixture
def url(postgresql_url: str) -> str:
    return postgresql_url


async def test_commits_are_on_disk(url: str) -> None:
    async with await Store.open(url) as store:
        assert store._connection is not None
        result = await store._connection.exec_driver_sql("SHOW synchronous_commit")
        assert result.scalar_one() == "on"
        await store._connection.rollback()


async def test_a_connection_that_is_ended_is_made_anew(
    url: str, postgresql_server: postgresql.Server
) -> None:
    async with await Store.open(url) as store:
        await store.commit(samples.ended(1))
        await postgresql_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            f"WHERE datname = '{url.rpartition('/')[2]}'"
        )
        with pytest.raises(StoreUnavailable, match="see that the server runs") as caught:
            await store.commit(samples.ended(2))
        assert caught.value.reason is StoreReason.UNREACHABLE
        await store.commit(samples.ended(2))
    async with await Reader.open(url) as reader:
        assert len(await reader.records(RecordFilter())) == 2


async def test_the_server_goes_and_comes(url: str, postgresql_server: postgresql.Server) -> None:
    async with await Store.open(url) as store:
        await store.commit(samples.ended(1))
        postgresql_server.stop()
        try:
            for _ in range(2):
                with pytest.raises(StoreUnavailable, match="see that the server runs") as caught:
                    await store.commit(samples.ended(2))
                assert caught.value.reason is StoreReason.UNREACHABLE
        finally:
            postgresql_server.start()
        await store.commit(samples.ended(2))
    async with await Reader.open(url) as reader:
        assert len(await reader.records(RecordFilter())) == 2


async def test_locked_by_another_client(url: str) -> None:
    async with await Store.open(url, busy_timeout_seconds=0.2) as store:
        other = await asyncpg.connect(url)
        async with other.transaction():
            await other.execute("LOCK TABLE record IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable, match="end that program's transaction") as caught:
                await store.commit(samples.ended(1))
        await other.close()
        assert caught.value.reason is StoreReason.LOCKED
        await store.commit(samples.ended(1))


async def test_nobody_listens() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"postgresql://ctid:hush@127.0.0.1:{bound.getsockname()[1]}/ctid"
        with pytest.raises(StoreUnavailable, match="see that the server runs") as caught:
            await Store.open(url)
    assert caught.value.reason is StoreReason.UNREACHABLE
    assert "hush" not in str(caught.value)


async def test_a_server_that_says_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://ctid@127.0.0.1:{silent.getsockname()[1]}/ctid"
        with pytest.raises(StoreUnavailable, match="no answer in time") as caught:
            await Store.open(url, busy_timeout_seconds=0.1)
    assert caught.value.reason is StoreReason.UNREACHABLE


async def test_the_database_is_missing(postgresql_server: postgresql.Server) -> None:
    with pytest.raises(StoreUnavailable, match="create it") as caught:
        await upgrade(postgresql_server.url("nowhere"))
    assert caught.value.reason is StoreReason.MISSING


async def test_a_right_is_missing(url: str, postgresql_server: postgresql.Server) -> None:
    name = url.rpartition("/")[2]
    await postgresql_server.execute(f"CREATE ROLE r_{name} LOGIN")
    await postgresql_server.execute(
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO r_{name}", database=name
    )
    with pytest.raises(StoreUnavailable, match="give ctid's user the right") as caught:
        await Store.open(url.replace("ctid@", f"r_{name}@"))
    assert caught.value.reason is StoreReason.DENIED
