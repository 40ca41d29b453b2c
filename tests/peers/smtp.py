"""A mail server on loopback: aiosmtpd speaks SMTP, this keeps what arrives and refuses what a test asks it to."""

from __future__ import annotations

import asyncio
import email
import email.policy
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.peers.listening import stop

OK = "250 2.0.0 queued as 4F2A"


class _Connection(SMTP):
    """aiosmtpd's protocol, and when it has ended."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        mails: MailServer = self.event_handler
        others = [other for other in mails.connections if other is not self and not other.closed.is_set()]
        if len(others) < mails.most_connections:
            super().connection_made(transport)
            return
        self.transport = transport  # type: ignore[assignment]  # what aiosmtpd does with a connection that it serves
        transport.write(b"421 4.7.0 too many connections\r\n")  # type: ignore[attr-defined]  # TCP's can
        transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self.closed.set()


class MailServer:
    """`sent` holds what was taken; `answers` maps "MAIL", "DATA" or a recipient to the reply to give instead of 250."""

    def __init__(self) -> None:
        self.sent: list[Envelope] = []
        self.unanswered: list[Envelope] = []
        """What came while it did `hang`."""
        self.answers: dict[str, str] = {}
        self.hang = False
        """Never answer a mail that came."""
        self.drop: str | None = None
        """Cut the connection when this command comes; "DOT" for after the mail was taken."""
        self.only_from = ""
        """The one sender that is taken, "" for any."""
        self.refuses_senders_late = False
        """Tell of it at RCPT, as Postfix does unless it is told otherwise (smtpd_delay_reject)."""
        self.refused_senders: list[str] = []
        self.most_connections = 1000
        """Further ones are greeted with 421."""
        self.pipelining = False
        """Offer PIPELINING (RFC 2920). aiosmtpd reads line by line, so that it can."""
        self.connections: list[_Connection] = []
        self.listener: asyncio.Server | None = None
        self.connect: Callable[[], SMTP] = lambda: _Connection(self, hostname="mail.example")
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def mails(self) -> list[EmailMessage]:
        return [email.message_from_bytes(self.raw(index), policy=email.policy.default) for index in range(len(self.sent))]

    def raw(self, index: int = -1) -> bytes:
        content = self.sent[index].original_content
        assert content is not None
        return content

    async def hang_up(self) -> None:
        """Close all connections from this side, as a server does with idle ones."""
        for connection in self.connections:
            if connection.transport is not None and not connection.transport.is_closing():
                connection.transport.close()
                if connection._tls_protocol is None:  # a failed handshake ends without telling the SMTP protocol
                    await connection.closed.wait()
        await asyncio.sleep(0)  # those that were closing already end in the loop's next turn

    async def refuse(self) -> None:
        """Stop listening and hang up."""
        assert self.listener is not None
        await stop(self.listener)
        await self.hang_up()

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        self.listener = await asyncio.get_running_loop().create_server(self.connect, "127.0.0.1", self.port)
        self.port = self.listener.sockets[0].getsockname()[1]

    async def no_connection(self) -> None:
        """Wait, at most 5 s, until nobody is connected."""
        async with asyncio.timeout(5):
            for connection in self.connections:
                await connection.closed.wait()

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*replies[:-1], "250-PIPELINING", replies[-1]] if self.pipelining else replies

    async def handle_MAIL(self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        if reply := self._cut(server, "MAIL"):
            return reply
        if not self.refuses_senders_late and (reply := self._refused_sender(address)):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]) -> str:  # noqa: N802 - aiosmtpd's name
        if reply := self._cut(server, "RCPT") or self.answers.get(address, "") or self._refused_sender(envelope.mail_from or ""):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if reply := self.answers.get("DATA", ""):
            return reply
        if self.hang:
            self.unanswered.append(envelope)
            await asyncio.Event().wait()
        self.sent.append(envelope)
        return self._cut(server, "DOT") or OK

    def _refused_sender(self, address: str) -> str:
        if not self.only_from or address == self.only_from:
            return ""
        self.refused_senders.append(address)
        return f"553 5.7.1 <{address}>: Sender address rejected: not owned by user hub"

    def _cut(self, server: SMTP, command: str) -> str:
        if self.drop == command and server.transport is not None:
            server.transport.abort()
            return OK
        return self.answers.get(command, "")


@asynccontextmanager
async def mail_server(**options: Any) -> AsyncIterator[MailServer]:
    """Serve on any free port of loopback. `options` go to aiosmtpd's SMTP; `log_in=("user", "password")` asks for that log-in."""
    mails = MailServer()
    mails.pipelining = options.pop("pipelining", False)
    if log_in := options.pop("log_in", None):
        wanted = LoginPassword(*(word.encode() for word in log_in))
        options |= {
            "authenticator": lambda _server, _session, _envelope, _mechanism, data: AuthResult(success=data == wanted, handled=False),
            "auth_required": True,
            "auth_require_tls": False,
        }

    def connection() -> SMTP:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")  # loopback alone
            mails.connections.append(_Connection(mails, hostname="mail.example", **({"enable_SMTPUTF8": True} | options)))
        return mails.connections[-1]

    mails.connect = connection
    await mails.listen()
    yield mails
    await mails.refuse()
