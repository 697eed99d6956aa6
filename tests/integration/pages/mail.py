"""A mail server that keeps what it is given (RFC 5321, as much as a client needs)."""

import asyncio
import email
from email.message import EmailMessage
from email.policy import default
from types import TracebackType
from typing import Self


class MailServer:
    """`mails` are recipients and message; `refuses` is what every recipient is answered with."""

    def __init__(self, refuses: str | None = None) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self._refuses = refuses

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        writer.write(b"220 mail.example.org\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            answer = "250 ok"
            if verb == "RCPT":
                answer = self._refuses or answer
                recipients.append(line.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                data = await reader.readuntil(b"\r\n.\r\n")
                text = data.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
                mail = email.message_from_bytes(text, policy=default)
                assert isinstance(mail, EmailMessage)
                self.mails.append((recipients, mail))
            elif verb == "QUIT":
                answer = "221 bye"
            writer.write(f"{answer}\r\n".encode())
            if verb == "QUIT":
                break
        writer.close()
