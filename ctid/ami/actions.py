"""What ctid asks of the PBX. It only ever asks: nothing here changes anything there."""

import hashlib
from collections.abc import Mapping

Action = Mapping[str, str]

PING: Action = {"Action": "Ping"}
LOGOFF: Action = {"Action": "Logoff"}
CHALLENGE: Action = {"Action": "Challenge", "AuthType": "MD5"}
CORE_SETTINGS: Action = {"Action": "CoreSettings"}
LIST_COMMANDS: Action = {"Action": "ListCommands"}
# Makes an event that nobody acts on; only `ctid doctor` asks for it, and only where it may.
USER_EVENT: Action = {"Action": "UserEvent", "UserEvent": "CtidDoctor"}
CORE_STATUS: Action = {"Action": "CoreStatus"}
QUEUE_STATUS: Action = {"Action": "QueueStatus"}
QUEUE_STATUS_END = "QueueStatusComplete"
# Each with the event that ends its list.
LISTS: tuple[tuple[Action, str], ...] = (
    ({"Action": "CoreShowChannels"}, "CoreShowChannelsComplete"),
    ({"Action": "Status"}, "StatusComplete"),
    (QUEUE_STATUS, QUEUE_STATUS_END),
    ({"Action": "BridgeList"}, "BridgeListComplete"),
)


class RefusedValueError(ValueError):
    """A value would end its line, and so begin a header or an action of its own."""


def check(action: Action) -> None:
    """Raise RefusedValueError if a name or value holds CR, LF or NUL. The value is not shown."""
    for header, value in action.items():
        if any(char in header or char in value for char in "\r\n\0"):
            raise RefusedValueError("a header of an action must not hold CR, LF or NUL")


def login_md5(username: str, secret: str, challenge: str) -> Action:
    """Log in with the answer to a challenge: the secret itself does not cross the network."""
    # AMI knows no other digest. With TLS it does not matter, without it is better than the secret.
    key = hashlib.md5((challenge + secret).encode(), usedforsecurity=False).hexdigest()
    return {
        "Action": "Login",
        "AuthType": "MD5",
        "Username": username,
        "Key": key,
        "Events": "on",
    }


def login_plain(username: str, secret: str) -> Action:
    return {"Action": "Login", "Username": username, "Secret": secret, "Events": "on"}


def getvar(channel: str, variable: str) -> Action:
    return {"Action": "Getvar", "Channel": channel, "Variable": variable}


def queue_status(queue: str) -> Action:
    """QueueStatus of one queue."""
    return {**QUEUE_STATUS, "Queue": queue}


def device_state(interface: str) -> Action:
    """Ask for a phone's state. DeviceStateList has only phones whose state changed once."""
    return {"Action": "Getvar", "Variable": f"DEVICE_STATE({interface})"}
