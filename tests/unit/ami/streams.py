"""Recorded streams, and AMI events written by hand as Asterisk writes them."""

import gzip
from itertools import pairwise
from pathlib import Path

from ctid.ami.decode import Decoder, Greeting, Item
from ctid.ami.replies import Reply
from ctid.domain import events

CAPTURES = Path(__file__).parents[2] / "captures"
GREETING = b"Asterisk Call Manager/11.0.0\r\n"
CALLER = "1795464361.35"
AGENT = "1795464361.36"


def recorded(name: str) -> bytes:
    path = CAPTURES / f"{name}.ami"
    if path.exists():
        return path.read_bytes()
    return gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes())


def decoded(data: bytes, *cuts: int) -> list[Item]:
    """What a decoder makes of the data, fed in pieces that end at the cuts."""
    decoder = Decoder()
    items: list[Item] = []
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        items += decoder.feed(data[start:end])
    return items


def told(items: list[Item]) -> list[events.Event]:
    return [item for item in items if not isinstance(item, Greeting | Reply)]


def snapshot(
    prefix: str = "",
    *,
    number: str = "13800000001",
    name: str = "<unknown>",
    connected: str = "<unknown>",
    uniqueid: str = CALLER,
    state: int = 4,
    exten: str = "8001",
) -> str:
    headers = {
        "Channel": "PJSIP/trunk-00000012",
        "ChannelState": state,
        "ChannelStateDesc": "Ring",
        "CallerIDNum": number,
        "CallerIDName": name,
        "ConnectedLineNum": connected,
        "ConnectedLineName": "<unknown>",
        "Language": "en",
        "AccountCode": "",
        "Context": "from-trunk",
        "Exten": exten,
        "Priority": 1,
        "Uniqueid": uniqueid,
        "Linkedid": CALLER,
    }
    return "".join(f"{prefix}{header}: {value}\r\n" for header, value in headers.items())


def event(kind: str, *parts: str, at: str | None = "1795464361.948382", own: str = "") -> bytes:
    """An event: preamble, `parts` (whole lines with their ends), then the header lines of `own`."""
    stamp = f"Timestamp: {at}\r\n" if at else ""
    head = f"Event: {kind}\r\nPrivilege: call,all\r\n{stamp}"
    return (head + "".join(parts) + own + "\r\n").encode()
