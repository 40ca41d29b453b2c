"""E-mail over SMTP: one composed mail, stamped per person and handed over on connections that stay open.

What a refusal means depends on what was asked (RFC 5321 §4.2, RFC 3463)::

    connecting, STARTTLS, AUTH   ProviderFault   it is about this hub, not about the person
    421 anywhere                 ProviderFault   the server is closing
    other 4yz                    TryAgain
    MAIL                         ProviderFault   our sender is refused; Rejected when the mail itself is (size, international address)
    later, about us              ProviderFault   many servers answer for sender and relaying at RCPT, some at the end of the content
    RCPT 5.1.1, "user unknown"   Rejected        and the address is dead
    RCPT, DATA other 5yz         Rejected
    lost before the content      ProviderFault
    lost in the content          Uncertain       the final dot may have been seen
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Callable
from email.utils import parseaddr
from operator import attrgetter
from typing import ClassVar, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import aiosmtplib
import msgspec

from channels.addresses import is_loopback, parse_email
from channels.connecting import connect, verified
from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    Limits,
    Message,
    NotConfigured,
    ProviderFault,
    Receipt,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
)
from channels.mail_status import enhanced_status, refuses_us, says_dead
from channels.mime import Mail, compose
from channels.provider_url import split
from channels.smtp_session import IDLE_S, Refused, Reply, SessionLost, SmtpSession, Step

CONNECTIONS = 16
"""Open at once in one sender process."""

_MAILS_A_CONNECTION = 4
"""Under way or waiting, so that each connection's next mail is there when the server asks for it."""

TIMEOUT = 60.0
CONNECT_TIMEOUT = 20.0
"""Seconds."""

ASIDE_S = 30.0
"""Seconds until another connection is tried, after the server refused one more."""

SERVICE_CLOSING = 421
"""The server ends the connection (RFC 5321 §3.8)."""

_PATH = re.compile(r"[^\x00-\x20\x7f<>]+")

_REFUSED_MAIL = frozenset({"5.3.4", "5.6.7"})
"""Too big for the system; an international address that the next server can't take."""

_REFUSED_SENDER = frozenset({501, 550, 553, 554})
"""To MAIL: this server lets us write from our own address only. Then mails go without a return path of each person's own."""


class MailServer(msgspec.Struct, frozen=True):
    """TOCSIN_SMTP, read."""

    host: str
    port: int
    username: str | None
    password: str | None
    use_tls: bool
    start_tls: bool | None
    """True must, None when offered, False never."""


class SmtpEmail:
    """E-mail through one SMTP server."""

    name: ClassVar[str] = "email"
    limits: ClassVar[Limits] = Limits(concurrency=CONNECTIONS * _MAILS_A_CONNECTION)

    def __init__(
        self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeout: float = TIMEOUT, idle: float = IDLE_S
    ) -> None:
        """`timeout` in seconds is for each answer, and bounds connecting; a connection rests for `idle` seconds."""
        if not settings.smtp:
            raise NotConfigured("set TOCSIN_SMTP to smtp://user:pass@host:port")
        self._server = read_server(settings.smtp)
        self._mail_from = settings.mail_from
        self._returned = bool(settings.bounces)
        self._host = _greeting(urlsplit(settings.public_url).hostname or "localhost")
        self._timeout, self._idle = timeout, idle
        self._lines = [_Line() for _ in range(CONNECTIONS)]
        self._aside: list[_Line] = []

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """``local@domain``, the domain in lower-case ASCII."""
        return parse_email(raw)

    def compose(self, message: Message) -> Mail:
        """Encode the mail once."""
        # A name would tell whoever looks at the list of mails what a discreet one does not say.
        mail = compose(message, parseaddr(self._mail_from)[1] if message.silent else self._mail_from)
        return msgspec.structs.replace(mail, slots=(*mail.slots, "bounce")) if self._returned else mail

    async def deliver(self, draft: Mail, to: Recipient) -> Receipt:
        """Hand one mail to the server; `provider_id` is what it answered, usually with its queue id."""
        content = draft.stamp(to)
        if b"\n." in content:
            content = content.replace(b"\n.", b"\n..")  # RFC 5321 §4.5.2
        if not content.endswith(b"\r\n"):
            content += b"\r\n"
        sender = to.links["bounce"] if self._returned else draft.sender
        line = min(self._lines, key=_load)
        line.load += 1
        try:
            try:
                reply = await self._hand_over(line, sender, to, content)
            except Refused as refused:
                if sender == draft.sender or not _refuses_sender(refused):
                    raise
                reply = await self._hand_over(line, draft.sender, to, content)
                self._returned = False
        except Refused as refused:
            raise verdict(refused.step, refused.reply) from None
        except SessionLost as lost:
            if lost.content_sent:
                raise Uncertain("the connection was lost while the mail was handed over") from None
            raise ProviderFault(str(lost)) from None
        finally:
            line.load -= 1
        return Receipt(provider_id=reply.text[:200])

    async def _hand_over(self, line: _Line, sender: str, to: Recipient, content: bytes) -> Reply:
        session = line.session if line.session is not None and line.session.usable else await self._reopen(line)
        mail, rcpt = _envelope(session, sender, to.address)
        return await session.hand_over(mail, rcpt, content, to.still)

    async def aclose(self) -> None:
        """Say QUIT on what is open."""
        await asyncio.gather(*(line.aclose() for line in (*self._lines, *self._aside)))

    async def _reopen(self, line: _Line) -> SmtpSession:
        """All who wait for one line share one attempt. A server that takes fewer connections is served on those that it took."""
        if line.opening is None:
            line.opening = asyncio.ensure_future(self._connect())
            line.opening.add_done_callback(line.opened)
        try:
            return await asyncio.shield(line.opening)
        except ProviderFault:
            others = [(other.load, place, other.session) for place, other in enumerate(self._lines) if other.session is not None]
            usable = [other for other in others if other[2].usable]
            if not usable:
                raise
            if line in self._lines:
                self._set_aside(line)
            return min(usable)[2]

    def _set_aside(self, line: _Line) -> None:
        """A line that can't be opened looks idle and would draw everybody to it."""
        self._lines.remove(line)
        self._aside.append(line)
        asyncio.get_running_loop().call_later(ASIDE_S, self._bring_back)

    def _bring_back(self) -> None:
        self._lines.append(self._aside.pop(0))

    async def _connect(self) -> SmtpSession:
        server, timeout = self._server, min(self._timeout, CONNECT_TIMEOUT)
        try:
            async with asyncio.timeout(timeout):
                connected = await connect(server.host, server.port)
        except OSError as error:
            raise ProviderFault(f"the mail server can't be used: {_cause(error)}") from None
        client = aiosmtplib.SMTP(
            hostname=server.host,
            username=server.username,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            tls_context=verified(),
            local_hostname=self._host,
            timeout=timeout,
            sock=connected,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await client.ehlo()
        except (aiosmtplib.SMTPException, OSError) as error:
            client.close()
            raise ProviderFault(f"the mail server can't be used: {_cause(error)}") from None
        except BaseException:
            client.close()
            raise
        if client.transport is None or client.transport.is_closing():
            client.close()
            raise ProviderFault("the mail server closed the connection")
        offers, transport = client.supports_extension, cast("asyncio.Transport", client.transport)
        return SmtpSession(transport, pipelining=offers("pipelining"), smtputf8=offers("smtputf8"), timeout=self._timeout, idle=self._idle)


class _Line:
    """One place for a connection. `load` counts who uses it or waits for it."""

    __slots__ = ("load", "opening", "session")

    def __init__(self) -> None:
        self.load = 0
        self.session: SmtpSession | None = None
        self.opening: asyncio.Task[SmtpSession] | None = None

    def opened(self, opening: asyncio.Task[SmtpSession]) -> None:
        """Keep what came of an attempt to connect."""
        self.opening = None
        self.session = None if opening.cancelled() or opening.exception() else opening.result()

    async def aclose(self) -> None:
        """End the attempt or the connection."""
        opening, session = self.opening, self.session
        self.session = None
        if opening is not None:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        if session is not None:
            await session.aclose()


_load = attrgetter("load")


def _envelope(session: SmtpSession, sender: str, recipient: str) -> tuple[bytes, bytes]:
    """MAIL and RCPT. Raises Rejected."""
    if not _PATH.fullmatch(recipient):
        raise Rejected("the address can't stand in an envelope")
    if recipient.isascii():
        return f"MAIL FROM:<{sender}>\r\n".encode("ascii"), f"RCPT TO:<{recipient}>\r\n".encode("ascii")
    if not session.smtputf8:
        raise Rejected("the mail server takes no international addresses")
    return f"MAIL FROM:<{sender}> SMTPUTF8\r\n".encode(), f"RCPT TO:<{recipient}>\r\n".encode()


def read_server(url: str) -> MailServer:
    """Read TOCSIN_SMTP. Raises NotConfigured with what is wrong, without the password."""
    parts = split(url, "TOCSIN_SMTP")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    host = parts.hostname
    if parts.scheme not in {"smtp", "smtps"} or not host or parts.path.strip("/"):
        raise NotConfigured("TOCSIN_SMTP: write smtp://user:pass@host:port or smtps://user:pass@host:port")
    if options not in ({}, {"starttls": "never"}) or (options and parts.scheme == "smtps"):
        raise NotConfigured("TOCSIN_SMTP: the only option is ?starttls=never, for smtp:// alone")
    never, near = bool(options), is_loopback(host)
    if never and parts.password and not near:
        raise NotConfigured("TOCSIN_SMTP: a password would travel unprotected; leave off ?starttls=never")
    return MailServer(
        host=host,
        port=parts.port or (465 if parts.scheme == "smtps" else 587 if parts.username else 25),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=parts.scheme == "smtps",
        start_tls=False if never or parts.scheme == "smtps" else None if near else True,
    )


def verdict(step: Step, reply: Reply) -> DeliveryFailed:
    """What a server's refusal means for the person, by the table above."""
    enhanced = enhanced_status(reply.text)
    reason = f"the mail server said {reply.code}{' ' if enhanced else ''}{enhanced}"
    if reply.code == SERVICE_CLOSING:
        return ProviderFault(reason)
    if 400 <= reply.code < 500:
        return TryAgain(reason)
    if not 500 <= reply.code < 600:
        return Uncertain(f"the mail server gave an answer that can't be read ({reply.code})")
    if step is Step.MAIL:
        return Rejected(reason) if reply.code == 552 or enhanced in _REFUSED_MAIL else ProviderFault(f"{reason} to our own address")
    if refuses_us(reply.code, enhanced, reply.text):
        return ProviderFault(f"{reason} about us")
    dead = says_dead(enhanced, reply.text if step is Step.RCPT else "")
    return Rejected(reason, address_is_dead=dead)


def _refuses_sender(refused: Refused) -> bool:
    """Whether our own address may fare better than a return path of one person's own."""
    code, text = refused.reply.code, refused.reply.text
    if refused.step is Step.MAIL:
        return code in _REFUSED_SENDER
    return code >= 500 and refuses_us(code, enhanced_status(text), text)


def _cause(error: Exception) -> str:
    """What went wrong without the server's words, which may repeat a log-in."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.code}"
    return type(error).__name__


def _greeting(host: str) -> str:
    """The name for EHLO; an address goes in brackets (RFC 5321 §4.1.3)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
