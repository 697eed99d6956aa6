"""Why no connection to a system of others came about, in words for the operator."""

import os
from typing import Final

import aiohttp

# OpenSSL's X509_V_ERR_... of a certificate
_OTHER_TIME: Final = frozenset({9, 10})
_OTHER_NAME: Final = frozenset({62, 64})


def why_unreachable(error: Exception, *, is_tls: bool) -> str:
    """Why nothing could be sent."""
    if isinstance(error, TimeoutError):
        if is_tls:
            return (
                "no TLS connection within the time allowed; does `url` have to begin with http://?"
            )
        return "no connection within the time allowed"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return _of_certificate(error.certificate_error)
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return (
            "no TLS is spoken there, or not the same version; "
            "does `url` have to begin with http://?"
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "the name cannot be resolved; do the name servers of this machine know it?"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy on the way there answered {error.status}"
    if isinstance(error, aiohttp.ClientConnectorError):
        who = "the proxy: " if isinstance(error, aiohttp.ClientProxyConnectionError) else ""
        number = error.os_error.errno
        return who + (os.strerror(number).lower() if number else "no address of it answers")
    return "the connection broke before anything was sent"


def _of_certificate(error: Exception) -> str:
    detail = getattr(error, "verify_message", "").rstrip(".") or "it cannot be verified"
    code = getattr(error, "verify_code", 0)
    if code in _OTHER_NAME:
        return (
            f"its certificate is for another name: {detail}; `url` must use the name in the "
            "certificate"
        )
    if code in _OTHER_TIME:
        return f"its certificate is of another time: {detail}; renew it, or correct the clock"
    return f"its certificate is not trusted: {detail}; set `ca_file` to the one that signed it"
