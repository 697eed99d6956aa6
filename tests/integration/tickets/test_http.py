"""What becomes of a request, by what the other side does: the ground that backends stand on."""

import asyncio
import base64
import gzip
import shutil
import socket
import ssl
import subprocess
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ctid.outbound.http import Answer, Http
from ctid.outbound.port import DeliveryError, Reason
from tests.integration.tickets.raw_server import (
    RawServer,
    Say,
    answer,
    nothing,
    reset,
    saying,
)
from tests.refusals import failing

TOKEN = "s3cr3t-t0ken"
LONG_SECONDS = 20.0
SHORT_SECONDS = 0.2


@asynccontextmanager
async def http(
    url: str, *, seconds: float = LONG_SECONDS, ca_file: str | None = None, connections: int = 16
) -> AsyncIterator[Http]:
    headers = {"Authorization": f"Token token={TOKEN}"}
    client = Http(url, headers, timeout_seconds=seconds, ca_file=ca_file, connections=connections)
    try:
        yield client
    finally:
        await client.close()


async def failure(
    url: str,
    *,
    method: str = "POST",
    seconds: float = LONG_SECONDS,
    ca_file: str | None = None,
) -> DeliveryError:
    """The error of one request; whatever it is, it is one line and holds no credential."""
    async with http(url, seconds=seconds, ca_file=ca_file) as client:
        with pytest.raises(DeliveryError) as caught:
            await client.request(method, "/tickets", json={"a": 1})
    error = caught.value
    assert TOKEN not in str(error) + repr(error)
    assert error.__context__ is None or error.__suppress_context__
    assert TOKEN not in "".join(traceback.format_exception(error))
    assert TOKEN not in repr(error.__context__)
    assert "\n" not in str(error)
    return error


async def failure_at(say: Say, *, seconds: float = LONG_SECONDS) -> DeliveryError:
    async with RawServer(say) as server:
        error = await failure(server.url, seconds=seconds)
        assert len(server.requests) == 1
    assert f"127.0.0.1:{server.port}" in str(error)
    return error


async def got(data: bytes) -> Answer:
    async with RawServer(saying(data)) as server, http(server.url) as client:
        return await client.request("GET", "/x")


# nothing was sent


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


async def test_nobody_listens() -> None:
    port = closed_port()
    error = await failure(f"http://127.0.0.1:{port}")
    assert error.reason is Reason.UNREACHABLE
    assert str(error) == f"127.0.0.1:{port}: connection refused"


async def test_a_name_that_nobody_knows() -> None:
    error = await failure("http://tickets.invalid")
    assert error.reason is Reason.UNREACHABLE
    assert str(error).startswith("tickets.invalid: the name cannot be resolved; ")


async def test_a_host_that_takes_the_connection_and_never_speaks_tls() -> None:
    """The time runs out in the handshake: nothing of the request was sent."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        error = await failure(f"https://127.0.0.1:{sock.getsockname()[1]}", seconds=SHORT_SECONDS)
    assert error.reason is Reason.UNREACHABLE
    assert "no TLS connection within the time allowed; " in str(error)
    assert str(error).endswith("does `url` have to begin with http://?")


async def test_a_connection_that_was_never_free_in_time_is_no_unclear_answer() -> None:
    """All connections are taken by requests that hang: the next one has not been sent."""
    async with (
        RawServer(nothing) as server,
        http(server.url, seconds=SHORT_SECONDS, connections=1) as client,
        asyncio.TaskGroup() as tasks,
    ):
        asked = [tasks.create_task(_reason(client)) for _ in range(20)]
        reasons = [await task for task in asked]
        assert set(reasons) == {Reason.TIMEOUT, Reason.UNREACHABLE}
        assert len(server.requests) <= reasons.count(Reason.TIMEOUT)


async def _reason(client: Http) -> Reason:
    with pytest.raises(DeliveryError) as caught:
        await client.request("POST", "/x", body=b"{}")
    return caught.value.reason


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:99999", "http:///x"])
async def test_an_address_that_is_none(url: str) -> None:
    error = await failure(url)
    assert error.reason is Reason.MISCONFIGURED
    assert str(error).endswith("the configured `url` is no web address")


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl to make certificates")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=tickets"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True)
    return cert, key


@pytest.fixture
def tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_a_certificate_that_nobody_trusts(tls: ssl.SSLContext) -> None:
    async with RawServer(saying(answer()), tls) as server:
        error = await failure(server.url)
        assert server.requests == []
    assert error.reason is Reason.UNREACHABLE
    assert "its certificate is not trusted: self" in str(error)
    assert "set `ca_file`" in str(error)


async def test_the_same_with_the_ca_file(
    tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    async with (
        RawServer(saying(answer(body=b"{}")), tls) as server,
        http(server.url, ca_file=str(certificate[0])) as client,
    ):
        assert (await client.request("POST", "/x", json={})).json() == {}


async def test_a_host_that_speaks_no_tls() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        error = await failure(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert error.reason is Reason.UNREACHABLE
    assert ": no TLS is spoken there, or not the same version; " in str(error)
    assert str(error).endswith("does `url` have to begin with http://?")


async def test_plain_http_to_a_port_that_wants_tls(tls: ssl.SSLContext) -> None:
    async with RawServer(saying(answer()), tls) as server:
        error = await failure(server.url.replace("https:", "http:"))
        assert server.requests == []
    assert error.reason in (Reason.CUT_OFF, Reason.BAD_ANSWER)
    assert str(error).endswith("; does `url` have to begin with https://?")


async def test_a_host_that_has_answered_before_is_not_asked_whether_it_wants_tls() -> None:
    said = iter([answer(), b""])

    async def say(writer: asyncio.StreamWriter) -> None:
        await saying(next(said))(writer)

    async with RawServer(say) as server, http(server.url) as client:
        await client.request("POST", "/x")
        with pytest.raises(DeliveryError) as caught:
            await client.request("POST", "/x")
    assert str(caught.value).endswith(": the connection broke before the answer was whole")


async def test_a_certificate_for_another_name(
    tls: ssl.SSLContext, certificate: tuple[Path, Path]
) -> None:
    async with RawServer(saying(answer()), tls) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        error = await failure(url, ca_file=str(certificate[0]))
        assert server.requests == []
    assert error.reason is Reason.UNREACHABLE
    assert "its certificate is for another name: " in str(error)
    assert str(error).endswith("'localhost'; `url` must use the name in the certificate")


async def test_a_ca_file_that_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("none")
    error = await failure("https://127.0.0.1:1", ca_file=str(tmp_path / "ca.pem"))
    assert error.reason is Reason.MISCONFIGURED
    assert f"`ca_file` {tmp_path / 'ca.pem'} holds no certificate" in str(error)


# it was sent, and nobody knows what became of it


async def test_no_answer_in_time() -> None:
    error = await failure_at(nothing, seconds=SHORT_SECONDS)
    assert error.reason is Reason.TIMEOUT
    assert str(error).endswith(f": no answer within {SHORT_SECONDS} s")


async def test_an_answer_that_begins_in_time_and_never_ends() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=b"{", length=1000))
        await nothing(writer)

    assert (await failure_at(drip, seconds=SHORT_SECONDS)).reason is Reason.TIMEOUT


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        answer(body=b'{"id"', length=1000),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\n',
    ],
    ids=["before", "in the status", "in the headers", "in the body", "in the chunks"],
)
async def test_the_connection_is_cut_before_the_answer_is_whole(said: bytes) -> None:
    assert (await failure_at(saying(said))).reason is Reason.CUT_OFF


async def test_the_connection_is_reset() -> None:
    assert (await failure_at(reset)).reason is Reason.CUT_OFF


async def test_an_answer_that_is_whole_counts_although_the_connection_is_cut_after_it() -> None:
    async def say(writer: asyncio.StreamWriter) -> None:
        await saying(answer(body=b'{"id":1}'))(writer)
        await reset(writer)

    async with RawServer(say) as server, http(server.url) as client:
        assert (await client.request("POST", "/x", json={})).json() == {"id": 1}


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_no_request_is_sent_twice_by_itself(method: str) -> None:
    """An update may have been carried out when the connection broke."""
    async with RawServer(saying(b"")) as server:
        error = await failure(server.url, method=method)
        assert len(server.requests) == 1
    assert error.reason is Reason.CUT_OFF


async def test_a_question_may_be_asked_again() -> None:
    """Its connection was kept from before, and the server had closed it meanwhile."""
    said = iter([b"", answer(body=b"[]")])

    async def say(writer: asyncio.StreamWriter) -> None:
        await saying(next(said))(writer)

    async with RawServer(say) as server, http(server.url) as client:
        assert (await client.request("GET", "/x")).json() == []
        assert len(server.requests) == 2


# answers that are none


async def test_html_where_json_should_be() -> None:
    html = await got(answer(body=b"<html>\n<b>Login</b>\x1b[31m"))
    with failing(Reason.BAD_ANSWER) as caught:
        html.json()
    assert str(caught.value) == "answered 200 without JSON: <html> <b>Login</b>\ufffd[31m"


async def test_of_a_web_page_its_title_is_shown() -> None:
    page = f"<!DOCTYPE html>\n<html><head><TITLE>\n Log in &amp; {TOKEN}\n</TITLE></head><body>"
    assert (await got(answer(body=page.encode()))).shown() == "a web page, `Log in & ***`"
    error = await failure_at(saying(answer("500 No", page.encode())))
    said = " answered 500: a web page, `Log in & ***`; look into the log of that system"
    assert str(error).endswith(said)


async def test_an_empty_body() -> None:
    empty = await got(answer())
    with failing(Reason.BAD_ANSWER) as caught:
        empty.json()
    assert str(caught.value) == "answered 200 without JSON: (nothing)"


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while not writer.transport.is_closing():
        writer.write(b"x" * 65_536)
        await writer.drain()


async def unpacking(writer: asyncio.StreamWriter) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    await saying(answer("200 OK", bomb, "Content-Encoding: gzip"))(writer)


@pytest.mark.parametrize("say", [endless, unpacking])
async def test_a_body_without_an_end(say: Say) -> None:
    error = await failure_at(say)
    assert error.reason is Reason.BAD_ANSWER
    assert str(error).endswith(": the answer is longer than 1048576 bytes")


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\x00\xff\x00\xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=["ssh", "bytes", "huge header"],
)
async def test_what_is_no_http(said: bytes) -> None:
    error = await failure_at(saying(said))
    assert error.reason is Reason.BAD_ANSWER
    assert ": what it answers is no HTTP; " in str(error)


# answers that say no

DATE = "Date: Fri, 27 Nov 2026 01:00:00 GMT"


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        (["Retry-After: 120"], 120.0),
        (["Retry-After: 0"], 0.0),
        (["Retry-After: " + "9" * 400], 86_400.0),
        ([DATE, "Retry-After: Fri, 27 Nov 2026 01:02:30 GMT"], 150.0),
        ([DATE, "Retry-After: Fri, 27 Nov 2026 00:00:00 GMT"], 0.0),
        ([DATE, "Retry-After: Fri, 27 Nov 9999 00:00:00 GMT"], 86_400.0),
        (["Retry-After: Fri, 27 Nov 2026 01:02:30 GMT"], None),
        ([DATE, "Retry-After: soon"], None),
        (["Retry-After: -5"], None),
        (["Retry-After: \xb2"], None),
    ],
)
async def test_it_asks_for_patience(status: str, headers: list[str], seconds: float | None) -> None:
    error = await failure_at(saying(answer(status, b"", *headers)))
    assert (error.reason, error.retry_after_seconds) == (Reason.BUSY, seconds)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("500 Internal Server Error", Reason.SERVER_ERROR),
        ("502 Bad Gateway", Reason.SERVER_ERROR),
        ("504 Gateway Timeout", Reason.SERVER_ERROR),
        ("408 Request Timeout", Reason.BUSY),
        ("425 Too Early", Reason.BUSY),
        ("401 Unauthorized", Reason.DENIED),
        ("403 Forbidden", Reason.DENIED),
        ("407 Proxy Authentication Required", Reason.DENIED),
    ],
)
async def test_a_status_that_says_no(status: str, reason: Reason) -> None:
    error = await failure_at(saying(answer(status, b"why so")))
    assert error.reason is reason
    assert f"answered {status[:3]}" in str(error)
    assert error.retry_after_seconds is None


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "400 Bad Request", "422 No"])
async def test_the_others_are_the_backends_to_judge(status: str) -> None:
    found = await got(answer(status, b"x"))
    assert found.status == int(status[:3])
    assert found.is_success == status.startswith("2")
    assert found.shown() == "x"


async def test_a_server_that_repeats_the_credential_does_not_bring_it_into_a_message() -> None:
    body = f"you sent Token token={TOKEN} or {TOKEN}".encode()
    for status in ("403 Forbidden", "500 No"):
        error = await failure_at(saying(answer(status, body)))
        assert "you sent *** or ***" in str(error)
        assert TOKEN not in str(error)
    found = await got(answer(body=body))
    assert TOKEN not in found.shown() + repr(found)


# redirects


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_not_followed_and_the_credential_stays(status: str) -> None:
    async with RawServer(saying(answer())) as other:
        moved = answer(status, b"", f"Location: http://user:pass@localhost:{other.port}/x")
        error = await failure_at(saying(moved))
        assert other.connections == 0
    assert error.reason is Reason.MISCONFIGURED
    assert f"sends POST on to localhost:{other.port}, which is not followed" in str(error)
    assert "pass" not in str(error)


async def test_a_redirect_to_tls_shows_the_address_to_configure() -> None:
    location = "Location: https://127.0.0.1/rt/tickets?token=secret"
    error = await failure_at(saying(answer("301 Moved", b"", location)))
    assert error.reason is Reason.MISCONFIGURED
    assert str(error).endswith(
        "sends POST on to 127.0.0.1, which is not followed; use https://127.0.0.1/rt as `url`"
    )


@pytest.mark.parametrize(
    "to",
    [
        "https://127.0.0.1/login?next=/tickets",
        "https://other.example/tickets",
        "https://me:pw@127.0.0.1/tickets",
    ],
)
async def test_another_redirect_shows_no_more_than_the_host(to: str) -> None:
    error = await failure_at(saying(answer("302 Found", b"", f"Location: {to}")))
    assert str(error).endswith("which is not followed; correct `url`")


@pytest.mark.parametrize("status", ["401 No", "403 No"])
async def test_what_a_403_means_is_said_by_who_asked(status: str) -> None:
    async with RawServer(saying(answer(status, b"no"))) as server, http(server.url) as client:
        with failing(Reason.DENIED) as caught:
            await client.request("POST", "/x", forbidden="may not make tickets: grant Make")
    assert ("may not make tickets: grant Make; no" in str(caught.value)) == ("403" in status)


@pytest.mark.parametrize("to", ["/login", "http://[", ""])
async def test_a_redirect_to_nowhere_in_particular(to: str) -> None:
    error = await failure_at(saying(answer("302 Found", b"", f"Location: {to}")))
    assert error.reason is Reason.MISCONFIGURED


# what is sent


async def test_what_is_sent() -> None:
    async with RawServer(saying(answer())) as server, http(f"{server.url}/rt/?a=1") as client:
        await client.request("POST", "", body=b"{}", headers={"X-One": "1"}, params={"key": "a&b"})
    (request,) = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "POST /rt/?a=1&key=a%26b HTTP/1.1"
    assert f"Authorization: Token token={TOKEN}" in lines
    assert "X-One: 1" in lines
    assert any(line.startswith("User-Agent: ctid/") for line in lines)
    assert body == b"{}"


async def test_a_path_follows_the_address_with_one_slash() -> None:
    async with RawServer(saying(answer())) as server, http(f"{server.url}/rt/") as client:
        await client.request("PUT", "/REST", json={"a": "\u4e00"})
    (request,) = server.requests
    assert request.startswith(b"PUT /rt/REST HTTP/1.1\r\n")
    assert b"\r\nContent-Type: application/json\r\n" in request
    assert request.endswith('{"a":"\u4e00"}'.encode())


async def test_cookies_are_not_kept() -> None:
    async with (
        RawServer(saying(answer("200 OK", b"", "Set-Cookie: a=1"))) as server,
        http(server.url) as client,
    ):
        await client.request("GET", "/a")
        await client.request("GET", "/b")
    assert b"Cookie" not in server.requests[1]


async def test_it_can_be_used_again_after_close() -> None:
    async with RawServer(saying(answer())) as server, http(server.url) as client:
        await client.request("GET", "/a")
        await client.close()
        await client.request("GET", "/b")
    assert len(server.requests) == 2


# proxies


@pytest.mark.parametrize("written", ["http://{}:{}", "{}:{}"])
async def test_the_proxy_of_the_environment(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with RawServer(saying(answer(body=b"[1]"))) as proxy:
        monkeypatch.setenv("http_proxy", written.format("127.0.0.1", proxy.port))
        async with http("http://tickets.invalid/rt") as client:
            assert (await client.request("GET", "/x")).json() == [1]
    assert proxy.requests[0].startswith(b"GET http://tickets.invalid/rt/x HTTP/1.1\r\n")


async def test_the_password_of_the_proxy_goes_to_the_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with RawServer(saying(answer())) as proxy:
        monkeypatch.setenv("http_proxy", f"http://me:pw@127.0.0.1:{proxy.port}")
        async with http("http://tickets.invalid") as client:
            await client.request("GET", "/x")
    told = base64.b64encode(b"me:pw")
    assert b"\r\nProxy-Authorization: Basic " + told + b"\r\n" in proxy.requests[0]
    assert f"\r\nAuthorization: Token token={TOKEN}\r\n".encode() in proxy.requests[0]


async def test_no_proxy_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    async with RawServer(saying(answer())) as server, http(server.url) as client:
        assert (await client.request("GET", "/x")).status == 200


async def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:pw@127.0.0.1:{closed_port()}")
    error = await failure("http://tickets.invalid")
    assert error.reason is Reason.UNREACHABLE
    assert str(error) == "tickets.invalid: the proxy: connection refused"


async def test_a_proxy_that_refuses_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request itself was never sent: the tunnel was not made."""
    async with RawServer(saying(answer("407 Proxy Authentication Required"))) as proxy:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.port}")
        error = await failure("https://tickets.invalid")
    assert proxy.requests[0].startswith(b"CONNECT tickets.invalid:443 ")
    assert TOKEN.encode() not in proxy.requests[0]
    assert error.reason is Reason.UNREACHABLE
    assert str(error) == "tickets.invalid: the proxy on the way there answered 407"


async def test_a_proxy_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1080")
    error = await failure("http://tickets.invalid")
    assert error.reason is Reason.MISCONFIGURED


async def test_passwords_of_netrc_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pw\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with RawServer(saying(answer())) as server, http(server.url) as client:
        await client.request("GET", "/x")
    assert f"\r\nAuthorization: Token token={TOKEN}\r\n".encode() in server.requests[0]
