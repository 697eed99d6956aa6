"""The topics: where they lie, and how each is published. docs/mqtt.md has them as a table."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

QOS: Final = 1
"""Of everything: delivered at least once, and the broker says whether it took it."""

ONLINE: Final = b"online"
OFFLINE: Final = b"offline"


@dataclass(frozen=True, slots=True)
class Topic:
    """`levels` follow `ctid/SITE/`; KEY in them is an encoded key. `by_ctid`: ctid writes it."""

    levels: str
    by_ctid: bool
    retained: bool = False

    def at(self, site: str, key: str = "") -> str:
        """The topic itself. `site` is a name of the configuration: no character is special."""
        return f"ctid/{site}/{self.levels.replace('KEY', encoded(key))}"


STATUS: Final = Topic("status", by_ctid=True, retained=True)
DRAFT: Final = Topic("ticket/draft", by_ctid=True)
DRAFT_CHECK: Final = Topic("ticket/draft/check", by_ctid=True)
ACK: Final = Topic("ticket/ack/KEY", by_ctid=False)
ACK_CHECK: Final = Topic("ticket/ack/check", by_ctid=True)
PAGE: Final = Topic("alert/page", by_ctid=True)
PAGE_CHECK: Final = Topic("alert/page/check", by_ctid=True)
STATE_OF_LINE: Final = Topic("state/line/KEY", by_ctid=True, retained=True)
STATE_OF_ALERT: Final = Topic("state/alert/KEY", by_ctid=True, retained=True)
STATE_CHECK: Final = Topic("state/check", by_ctid=True)
COMMAND: Final = Topic("alert/command", by_ctid=False)
RESULT: Final = Topic("alert/command/result", by_ctid=True)
ALL: Final = (
    STATUS,
    DRAFT,
    DRAFT_CHECK,
    ACK,
    ACK_CHECK,
    PAGE,
    PAGE_CHECK,
    STATE_OF_LINE,
    STATE_OF_ALERT,
    STATE_CHECK,
    COMMAND,
    RESULT,
)


def all_acks(site: str) -> str:
    """The filter that matches `ACK` with whatever key, and `ACK_CHECK`."""
    return f"ctid/{site}/ticket/ack/+"


def all_states(site: str) -> str:
    """The filter that matches both kinds of state, and `STATE_CHECK`."""
    return f"ctid/{site}/state/#"


def encoded(key: str) -> str:
    """The key as one level: all but ASCII letters, digits and `_.-~:` as %XX (RFC 3986)."""
    return quote(key, safe=":")


def key_of(topic: str) -> str:
    """The key in a topic that `all_acks` matched."""
    return unquote(topic.rpartition("/")[2])
