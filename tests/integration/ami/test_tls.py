import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from ctid.ami.client import End
from ctid.domain import events as ev
from tests.integration.ami.fake_server import FakeAmi
from tests.integration.ami.watched import pbx, watched

OPENSSL = shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="needs openssl to make certificates")


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for a host name, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    assert OPENSSL is not None
    command = [OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", f"/CN={name}"]
    command += ["-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def ours(folder: Path) -> tuple[Path, Path]:
    return certificate(folder, "pbx.example")


@pytest.fixture
def served(ours: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*ours)
    return context


async def test_a_known_authority_and_the_right_name(
    served: ssl.SSLContext, ours: tuple[Path, Path]
) -> None:
    async with FakeAmi(served) as server:
        config = pbx(server, tls=True, ca_file=str(ours[0]), server_name="pbx.example")
        async with watched(config) as seen:
            await seen.until(ev.Attached)


async def failing(server: FakeAmi, ca_file: Path, server_name: str | None = None) -> str:
    config = pbx(server, tls=True, ca_file=str(ca_file), server_name=server_name)
    async with watched(config, fraction=lambda: 1.0) as seen:
        await seen.until(ev.Detached)
        failure = seen.connection.failure
    assert failure is not None
    assert failure.end is End.TLS_FAILED
    assert not any(session.actions for session in server.sessions)
    return failure.why


async def test_an_unknown_authority(served: ssl.SSLContext, folder: Path) -> None:
    other, _ = certificate(folder, "other.example")
    async with FakeAmi(served) as server:
        why = await failing(server, other, "pbx.example")
    assert "certificate is not accepted" in why


async def test_a_wrong_name(served: ssl.SSLContext, ours: tuple[Path, Path]) -> None:
    async with FakeAmi(served) as server:
        why = await failing(server, ours[0])
    assert "127.0.0.1" in why


async def test_an_authority_file_that_is_not_there(served: ssl.SSLContext, folder: Path) -> None:
    async with FakeAmi(served) as server:
        why = await failing(server, folder / "missing.pem")
    assert "missing.pem" in why


async def test_a_peer_without_tls(ours: tuple[Path, Path]) -> None:
    async with FakeAmi() as server:
        why = await failing(server, ours[0])
    assert "TLS failed" in why
