"""A program on this machine: the page as JSON on its standard input, its exit code is the answer.

No shell is involved, and nothing that a caller can say becomes an argument.
"""

import asyncio
import os
import signal
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO, Final

from ctid.config.channels import CommandChannel
from ctid.outbound import findings
from ctid.outbound.pages import robots
from ctid.outbound.pages.port import Message
from ctid.outbound.plain import cut, plain
from ctid.outbound.port import DeliveryError, Finding, Reason

LATER: Final = 75
"""EX_TEMPFAIL of sysexits.h."""
_KEPT: Final = 4096  # bytes of standard error, its end
_SHOWN: Final = 200
_LONGEST_TEXT: Final = 16_000  # characters; the kernel takes 128 KiB
_LAST_WORDS_SECONDS: Final = 0.2
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MANY_MAY_WRITE: Final = stat.S_IWOTH


class Command:
    """Runs the program once for each message, in a process group of its own."""

    def __init__(self, table: CommandChannel, site: str) -> None:
        self._table = table
        self._site = site

    async def send(self, message: Message) -> None:
        program, seconds = self._table.argv[0], self._table.timeout_seconds
        async with _last_words() as (words, writing):
            process = await self._start(message, writing)
            try:
                async with asyncio.timeout(seconds):
                    code = await process.wait()
            except TimeoutError:
                raise DeliveryError(
                    Reason.TIMEOUT,
                    f"{program} was killed after {seconds:g} s; it said last: {words.last()}",
                ) from None
            finally:
                if process.returncode is None:
                    # whatever it has started goes with it
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
            if code != 0:
                with suppress(TimeoutError):  # what it left running may keep the pipe open
                    await asyncio.wait_for(words.ended.wait(), _LAST_WORDS_SECONDS)
                raise _failure(program, code, words.last())

    async def check(self) -> list[Finding]:
        program = self._table.argv[0]
        try:
            mode = os.stat(program).st_mode  # noqa: PTH116 - one local look
        except OSError as error:
            why = (error.strerror or "it cannot be looked at").lower()
            return [Finding(ok=False, what=f"{program}: {why}", remedy="correct `argv`")]
        if not stat.S_ISREG(mode) or not os.access(program, os.X_OK):
            return [
                Finding(
                    ok=False,
                    what=f"{program} is no program that this user may run",
                    remedy=f"chmod +x {program}, or correct `argv`",
                )
            ]
        if mode & _MANY_MAY_WRITE:
            return [
                Finding(
                    ok=False,
                    what=f"everybody on this machine may change {program}, which ctid runs",
                    remedy=f"chmod o-w {program}",
                )
            ]
        return [
            Finding(
                ok=True,
                what=f"{program} can be run; what it does, only a message shows",
                remedy=findings.by_message(self._table.name),
            )
        ]

    async def close(self) -> None:
        """Nothing is kept open."""

    async def _start(self, message: Message, writing: BinaryIO) -> asyncio.subprocess.Process:
        with writing, os.fdopen(os.memfd_create("page"), "w+b") as page:  # no disk, no waiting
            page.write(message.data)
            page.seek(0)
            try:
                return await asyncio.create_subprocess_exec(
                    *self._table.argv,
                    stdin=page,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=writing,
                    env=self._environment(message),
                    cwd="/",
                    start_new_session=True,
                )
            except OSError as failure:
                why = (failure.strerror or "it cannot be run").lower()
                raise DeliveryError(
                    Reason.MISCONFIGURED, f"{self._table.argv[0]}: {why}; correct `argv`"
                ) from None

    def _environment(self, message: Message) -> dict[str, str]:
        """Nothing of ctid's own. Texts are without control characters, lines within by LF."""
        text = cut("\n".join(map(plain, message.text.splitlines())), _LONGEST_TEXT)
        return {
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            "CTID_SITE": self._site,
            "CTID_KEY": message.key,
            "CTID_TITLE": plain(message.title),
            "CTID_TEXT": text + robots.link_lines(message.links),
            "CTID_ADDRESS": plain(message.address or ""),
        }


class _LastWords(asyncio.Protocol):
    """The end of what a program writes to its standard error."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self._kept = b""

    def data_received(self, data: bytes) -> None:
        self._kept = (self._kept + data)[-_KEPT:]

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.ended.set()

    def last(self) -> str:
        """Its last line that says something."""
        lines = self._kept.decode("utf-8", "replace").split("\n")
        said = next((line for line in reversed(lines) if line.strip()), "(nothing)")
        return cut(plain(said.strip()), _SHOWN)


@asynccontextmanager
async def _last_words() -> AsyncIterator[tuple[_LastWords, BinaryIO]]:
    """Listens at one end of a pipe; the other one is for the program, and to be closed here."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb", buffering=0) as other:
        transport, words = await asyncio.get_running_loop().connect_read_pipe(
            _LastWords, os.fdopen(reading, "rb", buffering=0)
        )
        try:
            yield words, other
        finally:
            transport.close()


def _failure(program: str, code: int, said: str) -> DeliveryError:
    """Raised for every exit code but 0; `code` is negative for a signal."""
    if code == LATER:
        return DeliveryError(Reason.BUSY, f"{program} asks for patience ({LATER}): {said}")
    how = f"was ended by signal {-code}" if code < 0 else f"ended with {code}"
    return DeliveryError(Reason.REJECTED, f"{program} {how}: {said}")
