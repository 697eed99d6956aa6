"""What no single value shows about the servers that ctid is: [metrics], [api], [[api_token]]."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ctid.config.address import is_loopback, split_address
from ctid.config.checks import named_twice, needs_other, tables, two_secrets
from ctid.config.secret import Secret
from ctid.config.serving import Metrics
from ctid.config.shape import Mistake

_PAIRS = (("tls_cert", "tls_key"), ("tls_key", "tls_cert"), ("client_ca", "tls_cert"))
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
_SHORTEST_TOKEN: Final = 16


def check_servers(known: dict[str, Any]) -> Iterator[Mistake]:
    """The mistakes in a parsed file."""
    metrics = known.get("metrics")
    if isinstance(metrics, dict):
        yield from _metrics(metrics)
    api = known.get("api")
    if isinstance(api, dict):
        yield from needs_other(("api",), api, _PAIRS)
        yield from _one_address(metrics if isinstance(metrics, dict) else {}, api)
    tokens = tables(known, "api_token")
    yield from named_twice("api_token", tokens, default=None)
    for index, table in tokens:
        yield from two_secrets(("api_token", index), table, "token")
    listens = isinstance(api, dict) and api.get("listen")
    if tokens and not listens:
        yield ("api_token", tokens[0][0]), "opens nothing: set `listen` in [api]"
    alert = known.get("alert")
    if isinstance(alert, dict) and "public_url" in alert and not listens:
        yield ("alert", "public_url"), "leads nowhere: set `listen` in [api]"


def _metrics(table: dict[str, Any]) -> Iterator[Mistake]:
    yield from two_secrets(("metrics",), table, "token")
    yield from needs_other(("metrics",), table, _PAIRS)
    listen = table.get("listen")
    address = split_address(listen) if isinstance(listen, str) else None
    guarded = any(key in table for key in ("token_file", "token_credential", "client_ca"))
    if address is not None and not is_loopback(address[0]) and not guarded:
        message = "can be reached from outside: add `token_file` or `client_ca`, or use 127.0.0.1"
        yield ("metrics", "listen"), f"`{listen}` {message}"


def _one_address(metrics: dict[str, Any], api: dict[str, Any]) -> Iterator[Mistake]:
    """Two servers cannot listen at one address; that of all of a machine is each of them, too."""
    said = metrics.get("listen", Metrics().listen), api.get("listen")
    first, second = (split_address(text) if isinstance(text, str) else None for text in said)
    if first is None or second is None or first[1] != second[1] or not first[1]:
        return
    if first[0] == second[0] or {first[0], second[0]} & _EVERYWHERE:
        yield (
            ("api", "listen"),
            f"`{said[1]}` is taken by [metrics], which listens at `{said[0]}`: take another port",
        )


def check_tokens(tokens: Iterable[Secret | None]) -> Iterator[Mistake]:
    """The mistakes in what was read for each [[api_token]]; None: nothing could be."""
    first: dict[str, int] = {}
    for index, token in enumerate(tokens):
        if token is None:
            continue
        if len(token.reveal()) < _SHORTEST_TOKEN:
            short = f"has a token of less than {_SHORTEST_TOKEN} characters, which can be guessed"
            yield ("api_token", index), f"{short}: make one with `openssl rand -hex 32`"
        owner = first.setdefault(token.reveal(), index)
        if owner != index:
            yield ("api_token", index), f"has the token of api_token[{owner}]: give each its own"
