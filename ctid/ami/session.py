"""From a PBX's address to a session that is logged in, and what to say where that fails."""

import asyncio
import ssl
from dataclasses import dataclass

from ctid.ami import actions
from ctid.ami.client import Client, ConnectionEndedError, End
from ctid.config import Pbx, Secret


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt or a connection ended; `why` is the line for the operator."""

    end: End
    why: str


_MEANINGS = {
    End.CONNECTION_LOST: "the PBX closed the connection",
    End.PING_TIMEOUT: "the PBX no longer answers",
    End.NO_ANSWER: "the PBX did not answer what ctid asked after the login",
    End.PBX_RESTARTED: "the PBX shut down",
    End.NO_GREETING: "no greeting of an Asterisk manager: is this its port, and TLS as it has it?",
    End.LOGIN_TIMEOUT: "the PBX did not answer the login",
    End.OVERRUN: "events came faster than they could be taken: disconnected, to begin again",
}


async def connect(client: Client, pbx: Pbx) -> Failure | None:
    """Connect and wait for the greeting. None: done."""
    try:
        tls = _tls(pbx)
    except (OSError, ssl.SSLError) as error:
        return Failure(End.TLS_FAILED, f"cannot use ca_file {pbx.ca_file}: {_plain(error)}")
    try:
        async with asyncio.timeout(pbx.connect_timeout_seconds):
            await client.open(pbx.host, pbx.port, tls, pbx.server_name or pbx.host)
    except TimeoutError:
        return Failure(End.UNREACHABLE, f"{pbx.host}:{pbx.port} does not answer")
    except ssl.SSLError as error:
        return Failure(End.TLS_FAILED, f"{pbx.host}:{pbx.port}: TLS failed: {_plain(error)}")
    except OSError as error:
        return Failure(End.UNREACHABLE, f"{pbx.host}:{pbx.port}: {_plain(error)}")
    try:
        async with asyncio.timeout(pbx.connect_timeout_seconds):
            await client.greeting
    except (TimeoutError, ConnectionEndedError):
        return Failure(End.NO_GREETING, _MEANINGS[End.NO_GREETING])
    return None


async def log_in(client: Client, pbx: Pbx, secret: Secret) -> Failure | None:
    """Log in. None: done. Raises ConnectionEndedError."""
    try:
        async with asyncio.timeout(pbx.connect_timeout_seconds):
            if pbx.plain_login:
                login = actions.login_plain(pbx.username, secret.reveal())
            else:
                answer = await client.request(actions.CHALLENGE)
                challenge = answer.challenge
                if not challenge:
                    return Failure(
                        End.LOGIN_REFUSED,
                        "the PBX offers no MD5 challenge: check `authtimeout` and "
                        "`allowmultiplelogin` there, or set plain_login (better with tls)",
                    )
                login = actions.login_md5(pbx.username, secret.reveal(), challenge)
            answer = await client.request(login)
    except TimeoutError:
        return Failure(End.LOGIN_TIMEOUT, _MEANINGS[End.LOGIN_TIMEOUT])
    if not answer.success:
        return Failure(
            End.LOGIN_REFUSED,
            f"the PBX refused the login of {pbx.username}: check the secret, and `permit` and "
            "`deny` of this user in manager.conf",
        )
    return None


async def answered(client: Client, action: actions.Action, seconds: float) -> bool:
    """Whether an answer came in time."""
    future = client.request(action)
    try:
        async with asyncio.timeout(seconds):
            await future
    except TimeoutError:
        client.forget(future)
        return False
    except ConnectionEndedError:
        return False
    return True


def ended(client: Client) -> Failure:
    """Why the connection ended, in words."""
    end = client.ended or End.CONNECTION_LOST
    return Failure(end, _MEANINGS.get(end, end.value))


def _tls(pbx: Pbx) -> ssl.SSLContext | None:
    """Raises OSError, ssl.SSLError. Made anew each time, so that a renewed file is used."""
    return ssl.create_default_context(cafile=pbx.ca_file) if pbx.tls else None


def _plain(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate is not accepted: {error.verify_message}; "
            "ca_file must hold who signed it, server_name the name it was made for"
        )
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "this port does not speak TLS; see tlsenable and tlsbindaddr in manager.conf"
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there; see enabled, port and bindaddr in manager.conf"
    return error.strerror or str(error) or type(error).__name__
