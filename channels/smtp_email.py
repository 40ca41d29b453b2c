"""E-mail over SMTP: one composed mail, stamped per person and handed over on connections that stay open.

What a refusal means depends on what was asked (RFC 5321 §4.2, RFC 3463)::

    connecting, STARTTLS, AUTH   TryAgain    it is about this hub, not about the person
    4yz anywhere                 TryAgain
    MAIL                         TryAgain    our sender is refused; Rejected when the mail itself is (size, international address)
    RCPT 5.1.1, "user unknown"   Rejected    and the address is dead
    RCPT, DATA other 5yz         Rejected
    connection lost in DATA      Uncertain   the final dot may have been seen
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import time
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import parse_qsl, unquote, urlsplit

import aiosmtplib
import msgspec

from channels.addresses import parse_email
from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    Limits,
    Message,
    NotConfigured,
    Receipt,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
)
from channels.mime import Mail, compose

CONNECTIONS = 16
"""Open at once in one sender process."""

TIMEOUT = 60.0
"""Seconds."""

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""RFC 3463 and RFC 7505: no such mailbox, no such or no receiving domain, bad syntax, moved away, disabled."""

_UNKNOWN_USER = re.compile(
    r"(user|mailbox|recipient|address|account).{0,40}(unknown|not found|not exist|no such|invalid|disabled)|(unknown|no such|invalid) "
    r"(user|mailbox|recipient|address|account)",
    re.IGNORECASE,
)
_REFUSED_MAIL = frozenset({"5.3.4", "5.6.7"})
"""Too big for the system; an international address that the next server can't take."""


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
    limits: ClassVar[Limits] = Limits(concurrency=CONNECTIONS)

    def __init__(self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeout: float = TIMEOUT) -> None:
        """`timeout` in seconds is for connecting and for each answer."""
        if not settings.smtp:
            raise NotConfigured("set TOCSIN_SMTP to smtp://user:pass@host:port")
        self._server = read_server(settings.smtp)
        self._mail_from = settings.mail_from
        self._host = _greeting(urlsplit(settings.public_url).hostname or "localhost")
        self._timeout = timeout
        self._idle: list[aiosmtplib.SMTP] = []
        self._turns = asyncio.Semaphore(CONNECTIONS)

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """``local@domain``, the domain in lower-case ASCII."""
        return parse_email(raw)

    def compose(self, message: Message) -> Mail:
        """Encode the mail once."""
        return compose(message, self._mail_from)

    async def deliver(self, draft: Mail, to: Recipient) -> Receipt:
        """Hand one mail to the server; `provider_id` is what it answered, usually with its queue id."""
        mail = draft.stamp(to)
        async with self._turns:
            connection = await self._connection()
            try:
                answer = await _transact(connection, draft.sender, to.address, mail)
            except aiosmtplib.SMTPResponseException as refusal:
                await self._forget_mail(connection, refusal.code)
                raise verdict(refusal) from None
            except BaseException:
                connection.close()  # lost or cancelled half-way: nobody knows what the server expects next
                raise
            self._idle.append(connection)
        return Receipt(provider_id=answer[:200])

    async def aclose(self) -> None:
        """Say QUIT on what is open."""
        idle, self._idle = self._idle, []
        await asyncio.gather(*(_quit(connection) for connection in idle))

    async def _connection(self) -> aiosmtplib.SMTP:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_connected:
                return connection
            connection.close()
        return await self._connect()

    async def _connect(self) -> aiosmtplib.SMTP:
        server = self._server
        connection = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            local_hostname=self._host,
            timeout=self._timeout,
        )
        try:
            await connection.connect()
            if connection.is_ehlo_or_helo_needed:
                await connection.ehlo()
        except (aiosmtplib.SMTPException, OSError) as error:
            connection.close()
            raise TryAgain(f"the mail server can't be used: {_cause(error)}") from None
        return connection

    async def _forget_mail(self, connection: aiosmtplib.SMTP, code: int) -> None:
        """Make a connection ready for the next mail after a refusal; 421 means that the server is closing it (RFC 5321 §3.8)."""
        try:
            if code in {aiosmtplib.SMTPStatus.domain_unavailable, aiosmtplib.SMTPStatus.invalid_response}:
                raise aiosmtplib.SMTPServerDisconnected("closing")
            await connection.rset()
            self._idle.append(connection)
        except (aiosmtplib.SMTPException, OSError):
            connection.close()


def read_server(url: str) -> MailServer:
    """Read TOCSIN_SMTP. Raises NotConfigured with what is wrong, without the password."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise NotConfigured("TOCSIN_SMTP: the port is not a number from 1 to 65535") from None
    if parts.scheme not in {"smtp", "smtps"} or not host or parts.path.strip("/"):
        raise NotConfigured("TOCSIN_SMTP: write smtp://user:pass@host:port or smtps://user:pass@host:port")
    if options not in ({}, {"starttls": "never"}) or (options and parts.scheme == "smtps"):
        raise NotConfigured("TOCSIN_SMTP: the only option is ?starttls=never, for smtp:// alone")
    never, near = bool(options), _is_loopback(host)
    if never and parts.password and not near:
        raise NotConfigured("TOCSIN_SMTP: a password would travel unprotected; leave off ?starttls=never")
    return MailServer(
        host=host,
        port=port or (465 if parts.scheme == "smtps" else 587 if parts.username else 25),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        use_tls=parts.scheme == "smtps",
        start_tls=False if never or parts.scheme == "smtps" else None if near else True,
    )


def verdict(refusal: aiosmtplib.SMTPResponseException) -> DeliveryFailed:
    """What a server's refusal means for the person, by the table above."""
    found = _ENHANCED.match(refusal.message)
    enhanced = found.group(1) if found else ""
    reason = f"the mail server said {refusal.code}{' ' if enhanced else ''}{enhanced}"
    if 400 <= refusal.code < 500:
        return TryAgain(reason)
    if not 500 <= refusal.code < 600:
        return Uncertain(f"the mail server gave an answer that can't be read ({refusal.code})")
    if isinstance(refusal, aiosmtplib.SMTPSenderRefused):
        return Rejected(reason) if refusal.code == 552 or enhanced in _REFUSED_MAIL else TryAgain(f"{reason} to our own address")
    at_recipient = isinstance(refusal, aiosmtplib.SMTPRecipientRefused)
    dead = enhanced in _DEAD if enhanced else at_recipient and bool(_UNKNOWN_USER.search(refusal.message))
    return Rejected(reason, address_is_dead=dead)


async def _transact(connection: aiosmtplib.SMTP, sender: str, recipient: str, mail: bytes) -> str:
    """MAIL, RCPT, DATA; returns the server's last words. Raises SMTPResponseException or DeliveryFailed."""
    options, encoding = ([], "ascii") if recipient.isascii() else (["SMTPUTF8"], "utf-8")
    if options and not connection.supports_extension("smtputf8"):
        raise Rejected("the mail server takes no international addresses")
    try:
        await connection.mail(sender, options=options, encoding=encoding)
        await connection.rcpt(recipient, encoding=encoding)
    except OSError:
        raise TryAgain("the mail server closed the connection") from None
    try:
        return (await connection.data(mail)).message
    except OSError:
        raise Uncertain("the connection was lost while the mail was handed over") from None


async def _quit(connection: aiosmtplib.SMTP) -> None:
    try:
        await connection.quit(timeout=2)
    except (aiosmtplib.SMTPException, OSError):
        connection.close()


def _cause(error: Exception) -> str:
    """What went wrong without the server's words, which may repeat a log-in."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return f"{type(error).__name__} {error.code}"
    return type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _greeting(host: str) -> str:
    """The name for EHLO; an address goes in brackets (RFC 5321 §4.1.3)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
