"""What the robots of DingTalk, WeCom and Feishu have in common.

They answer HTTP 200 whatever becomes of a message: a code in the body decides. They cannot be
asked anything without a message that all of a group would read.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ctid.config.channels import HttpChannel
from ctid.config.roster_tables import MOBILE
from ctid.outbound import findings
from ctid.outbound.http import Answer, Http
from ctid.outbound.plain import plain
from ctid.outbound.port import DeliveryError, Finding, Reason

CUT: Final = "\n（…）"
"""Stands where something was left out; no markup anywhere."""
PATIENCE: Final = 60.0
"""Seconds; all of them count messages by the minute."""
_LONGEST_LINK: Final = 1000


class Refusal(NamedTuple):
    """What a code means: why, in our words, and what an operator does about it."""

    reason: Reason
    remedy: str


TOKEN: Final = "copy the robot's address from the group's settings once more"  # noqa: S105 - words
SIGN: Final = "compare `secret_file` with the secret in the robot's settings, and look at the clock"
NETWORK: Final = "add this machine's public address to those the robot takes messages from"
KEYWORD: Final = "set `keyword` to one of the words in the robot's settings"
ROBOT: Final = "look whether the robot is still in the group, and switched on"
CONTENT: Final = "the message itself is not wanted; other channels may take it"
SLOWER: Final = "lower `per_minute`"
UNKNOWN: Final = Refusal(Reason.MISCONFIGURED, "look its code up in the vendor's documentation")
"""Neither delivered nor known why: the next channel at once, and no promise that it is final."""


async def post(http: Http, json: Any, params: Mapping[str, str] | None = None) -> Answer:
    """Send a message; an answer is not yet a delivery."""
    return await http.request("POST", "", json=json, params=params)


def code_of(answer: Answer, key: str, where: str) -> int:
    """The code in the body, 0 for delivered. Raises DeliveryError BAD_ANSWER where none is.

    A 4xx without one says that the address is none of a robot.
    """
    told: Any = None
    try:
        told = answer.json()
    except DeliveryError:
        if answer.is_success:
            raise
    code = told.get(key) if isinstance(told, dict) else None
    if isinstance(code, int) and not isinstance(code, bool) and (code or answer.is_success):
        return code
    if not answer.is_success:
        raise DeliveryError(
            Reason.MISCONFIGURED,
            f"{where} answered {answer.status}: {answer.shown()}; correct `url`",
        )
    raise DeliveryError(
        Reason.BAD_ANSWER, f"{where} answered {answer.status} without `{key}`: {answer.shown()}"
    )


def judge(
    answer: Answer,
    where: str,
    codes: Mapping[int, Refusal],
    unclear: tuple[int, Callable[[str], Refusal]],
    key: str = "errcode",
    words: str = "errmsg",
) -> None:
    """Raises DeliveryError unless the body says that it was delivered.

    `unclear` is the code that has several meanings, of which only the robot's words tell.
    """
    code = code_of(answer, key, where)
    if code == 0:
        return
    several, meaning = unclear
    refusal = codes.get(code, UNKNOWN)
    if code == several:
        refusal = meaning(str(answer.json().get(words, "")))
    raise DeliveryError(
        refusal.reason,
        f"{where} refused with {key} {code}: {answer.shown()}; {refusal.remedy}",
        retry_after_seconds=PATIENCE if refusal.reason is Reason.BUSY else None,
    )


def mobile(address: str | None) -> str | None:
    """The number to be mentioned. Raises DeliveryError REJECTED where it is none."""
    if address is None:
        return None
    number = "".join(address.split())
    if not MOBILE.fullmatch(number):
        raise DeliveryError(
            Reason.REJECTED,
            f"`{plain(address)}` is no mobile number: the roster has to say whom to mention so",
        )
    return number


def usable(links: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The links that may be shown, with their words in one line."""
    return [
        (plain(what), url)
        for what, url in links
        if url.startswith(("http://", "https://"))
        and url.isprintable()
        and " " not in url
        and len(url) <= _LONGEST_LINK
    ]


def link_lines(links: Sequence[tuple[str, str]]) -> str:
    """Those links below a text that is shown as it is, each in a line of its own."""
    return "".join(f"\n{what}: {link}" for what, link in usable(links))


def cut_bytes(text: str, longest: int) -> str:
    """At most `longest` bytes of UTF-8, ending with CUT where something is left out."""
    data = text.encode("utf-8", "replace")
    if len(data) <= longest:
        return data.decode()
    room = max(0, longest - len(CUT.encode()))
    return data[:room].decode("utf-8", "ignore").rstrip() + CUT


async def check(http: Http, table: HttpChannel, what: str, secret: str) -> list[Finding]:
    """The way there, and the form of the secret, named `what`.

    Anything more would be a message, which disturbs the whole group.
    """
    found = [findings.of_way(table.url)]
    try:
        await http.request("GET", "")
    except DeliveryError as error:
        if error.reason in (Reason.UNREACHABLE, Reason.TIMEOUT, Reason.CUT_OFF):
            found.append(findings.of_failure("the way there", error))
            return found
    found.append(Finding(ok=True, what=f"{http.host} answers"))
    if why := _odd(secret):
        found.append(
            Finding(
                ok=False,
                what=f"the {what} is none of a robot: {why}",
                remedy=f"write the {what} alone into its file, as the robot's settings show it",
            )
        )
    found.append(
        Finding(
            ok=True,
            what="whether the robot takes messages, only one shows",
            remedy=findings.by_message(table.name),
        )
    )
    return found


def _odd(secret: str) -> str | None:
    if not secret:
        return "it is empty"
    if "://" in secret or "=" in secret:
        return "it is a whole address"
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        return "it holds more than letters, digits and signs"
    return None
