"""Why a broker does not take something, as one line for the operator and a Reason."""

import socket
import ssl
from typing import Final

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode

from ctid.outbound.port import DeliveryError, Reason

# MQTT 5, 2.4
NO_SUBSCRIBERS: Final = 0x10
UNSPECIFIED: Final = 0x80
_BAD_VERSION: Final = 0x84
_BAD_CLIENT_ID: Final = 0x85
_BAD_PASSWORD: Final = 0x86
_NOT_AUTHORISED: Final = 0x87
_BANNED: Final = 0x8A
_TAKEN_OVER: Final = 0x8E
_BAD_TOPIC: Final = 0x90
_TOO_LARGE: Final = 0x95
_QUOTA: Final = 0x97
_BAD_PAYLOAD: Final = 0x99
_BUSY: Final = frozenset({0x88, 0x89, _QUOTA, 0x9F})
_HOST_MISMATCH: Final = 62  # X509_V_ERR_HOSTNAME_MISMATCH
_IP_MISMATCH: Final = 64


def not_connected(error: aiomqtt.MqttError, where: str) -> DeliveryError:
    """What `Client.enter` raised; nothing was sent."""
    if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode):
        return _refused(error.rc, where)
    # aiomqtt keeps only the text of what the socket said
    cause = error.__context__
    if isinstance(cause, OSError):
        return DeliveryError(Reason.UNREACHABLE, f"{where}: {_why(cause)}")
    return DeliveryError(Reason.UNREACHABLE, f"{where}: no answer within the time allowed")


def _refused(code: ReasonCode, where: str) -> DeliveryError:
    if code.value in (_BAD_PASSWORD, _NOT_AUTHORISED):
        return DeliveryError(
            Reason.DENIED,
            f"{where}: the broker does not let ctid in ({code}): `username` or the password is "
            "wrong",
        )
    if code.value == _BANNED:
        return DeliveryError(Reason.DENIED, f"{where}: the broker has banned ctid")
    if code.value == _BAD_VERSION:
        return DeliveryError(Reason.MISCONFIGURED, f"{where}: the broker does not speak MQTT 5")
    if code.value == _BAD_CLIENT_ID:
        return DeliveryError(
            Reason.MISCONFIGURED, f"{where}: the broker does not want the client id ctid-SITE-NAME"
        )
    if code.value in _BUSY:
        return DeliveryError(Reason.BUSY, f"{where}: {code}")
    if code.value == UNSPECIFIED:  # it said nothing
        return DeliveryError(
            Reason.UNREACHABLE,
            f"{where}: it closed the connection without an answer: no broker, or one that wants "
            "TLS (`tls`) or a client certificate (`client_cert`)",
        )
    return DeliveryError(Reason.UNREACHABLE, f"{where}: the broker refused: {code}")


def _why(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = (
            "correct `host`"
            if error.verify_code in (_HOST_MISMATCH, _IP_MISMATCH)
            else "set `ca_file` to the one that signed it"
        )
        return f"its certificate is not trusted: {error.verify_message.rstrip('.')}; {remedy}"
    if isinstance(error, ssl.SSLError):
        if "ALERT" in (error.reason or ""):
            return f"it broke off TLS ({error.reason}): it may want a client certificate"
        return "no TLS is spoken there, or not the same version"
    if isinstance(error, socket.gaierror):
        return "the name is not known"
    if isinstance(error, TimeoutError):
        return "no connection within the time allowed"
    return error.strerror or type(error).__name__


def lost(error: BaseException | None) -> str:
    """Why a connection that stood is gone, in a few words."""
    if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode):
        if error.rc.value == _TAKEN_OVER:
            return "another ctid with the same `site` and `name` has connected"
        if error.rc.value != UNSPECIFIED:
            return str(error.rc)
    return "the connection broke"


def refused_publish(code: ReasonCode, topic: str, where: str) -> DeliveryError | None:
    """What the broker's acknowledgement means; None: it has it, and so has somebody."""
    value = code.value
    if value == NO_SUBSCRIBERS:
        return DeliveryError(
            Reason.MISCONFIGURED,
            f"{where}: nobody is subscribed to {topic}, so the broker threw it away: start what "
            "takes them, with a session that lasts",
        )
    if value < UNSPECIFIED:
        return None
    if value == _NOT_AUTHORISED:
        return DeliveryError(
            Reason.DENIED, f"{where}: the ACL of the broker does not let ctid write {topic}"
        )
    if value == _BAD_TOPIC:
        return DeliveryError(Reason.MISCONFIGURED, f"{where}: the broker does not want {topic}")
    if value == _QUOTA:
        return DeliveryError(Reason.BUSY, f"{where}: {code}")
    if value in (_TOO_LARGE, _BAD_PAYLOAD):
        return DeliveryError(Reason.REJECTED, f"{where}: {code}")
    return DeliveryError(Reason.SERVER_ERROR, f"{where}: {code}")
