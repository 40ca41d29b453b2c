"""SMS over SMPP 3.4 (TOCSIN_SMS=smpp://…).

An alert is one text for all, coded and cut once; only letters hold a person's own link. A long text goes as parts with user
data headers. The reference number of the parts comes from the delivery id, so that a second try completes the first at the
phone instead of starting anew.

What an answer means (SMPP v3.4 §5.1.3)::

    0x58 throttled, 0x14 queue full, 0x08 system error, 0x64 temporary      TryAgain
    0x0B invalid destination                                               Rejected, and the number is dead
    any other error, the SMSC's own (0x400–0x4FF) included                 Rejected
    no answer, or the connection lost after sending                        Uncertain
    no connection, or no bind                                              TryAgain
"""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import unquote, urlsplit

import msgspec
from aiosmpplib.protocol import SubmitSm
from aiosmpplib.state import NPI, TON, PhoneNumber
from aiosmpplib.state import SmppCommandStatus as Status

from channels.addresses import parse_phone
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
from channels.gsm7 import CodedText, encode
from channels.smpp_session import Answer, SessionLost, SmppSession, Smsc
from channels.stamping import Stamp

TIMEOUT = 30.0
"""Seconds."""

_PASSING = frozenset({Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL, Status.ESME_RSYSERR, Status.ESME_RX_T_APPN})

_UDHI = 0b0100_0000
"""esm_class: the short message begins with a user data header."""

_PRIORITY = {"Extreme": 3, "Severe": 2}


class SmsDraft(msgspec.Struct, frozen=True):
    """`coded` is ready to go when the text is the same for all, None when it holds a person's own link."""

    text: Stamp
    coded: CodedText | None
    valid_until: datetime
    priority: int
    slots: tuple[str, ...]


class SmppSms:
    """SMS through one SMSC, over one connection of this process."""

    name: ClassVar[str] = "sms"
    limits: ClassVar[Limits] = Limits(concurrency=32)

    def __init__(self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeout: float = TIMEOUT) -> None:
        """`timeout` in seconds is for binding and for each answer."""
        if not settings.sms:
            raise NotConfigured("set TOCSIN_SMS to smpp://user:pass@host:port")
        self._smsc = read_smsc(settings.sms)
        self._source = read_source(settings.sms_from)
        self._timeout = timeout
        self._session: SmppSession | None = None
        self._opening = asyncio.Lock()

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """E.164."""
        return parse_phone(raw)

    def compose(self, message: Message) -> SmsDraft:
        """Code the text; `message.parts` needs ``text``."""
        text = Stamp(message.parts["text"])
        return SmsDraft(
            text=text,
            coded=None if text.slots else encode(text.stamp({})),
            valid_until=datetime.fromtimestamp(message.expires_at, UTC),
            priority=_PRIORITY.get(message.severity, 0),
            slots=text.slots,
        )

    async def deliver(self, draft: SmsDraft, to: Recipient) -> Receipt:
        """Submit all parts; `provider_id` is the first part's message id."""
        coded = draft.coded or encode(draft.text.stamp(to.links))
        session = await self._bound()
        submits = [session.submit(part) for part in self._parts(draft, coded, to)]
        try:
            async with asyncio.timeout(self._timeout):
                answers = await asyncio.gather(*submits, return_exceptions=True)
        except TimeoutError:
            raise Uncertain("the SMSC did not answer") from None
        if failures := [failure for answer in answers if (failure := verdict(answer))]:
            raise _worst(failures)
        return Receipt(provider_id=next(answer.message_id for answer in answers if isinstance(answer, Answer)) or None)

    async def aclose(self) -> None:
        """Unbind."""
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    async def _bound(self) -> SmppSession:
        async with self._opening:
            if self._session is None or not self._session.usable:
                try:
                    async with asyncio.timeout(self._timeout):
                        self._session = await SmppSession.open(self._smsc)
                except SessionLost as error:
                    raise TryAgain(str(error)) from None
                except OSError as error:
                    raise TryAgain(f"the SMSC can't be reached: {type(error).__name__}") from None
            return self._session

    def _parts(self, draft: SmsDraft, coded: CodedText, to: Recipient) -> Iterable[SubmitSm]:
        for octets in with_headers(coded.parts, zlib.crc32(to.delivery_id.encode()) & 0xFF):
            part = SubmitSm(
                short_message="-",  # the octets below go instead: the library's own coding miscounts the extension table
                source=self._source,
                destination=PhoneNumber(to.address.removeprefix("+"), TON.INTERNATIONAL, NPI.ISDN),
                esm_class=_UDHI if len(coded.parts) > 1 else 0,
                priority_flag=draft.priority,
                validity_period=draft.valid_until,
                registered_delivery=0,
                encoding="ucs2" if coded.encoding == "UCS-2" else None,
            )
            part.set_encoded_message(octets)
            yield part


def with_headers(parts: tuple[bytes, ...], reference: int) -> tuple[bytes, ...]:
    """Each part of a long text behind its user data header (3GPP TS 23.040 §9.2.3.24.1); a single part stays as it is."""
    if len(parts) == 1:
        return parts
    return tuple(bytes([5, 0, 3, reference, len(parts), number]) + part for number, part in enumerate(parts, 1))


def verdict(answer: Answer | BaseException) -> DeliveryFailed | None:
    """What one part's answer means, None for success. Raises what is no answer at all."""
    match answer:
        case Answer(status=Status.ESME_ROK):
            return None
        case Answer(status=status) if status in _PASSING:
            return TryAgain(f"the SMSC said 0x{status:02X}")
        case Answer(status=status):
            return Rejected(f"the SMSC said 0x{status:02X}", address_is_dead=status == Status.ESME_RINVDSTADR)
        case SessionLost(sent=False):
            return TryAgain(str(answer))
        case SessionLost():
            return Uncertain("the connection to the SMSC was lost before it answered")
    raise answer


def _worst(failures: list[DeliveryFailed]) -> DeliveryFailed:
    """Of several parts' failures the one that decides: a final no, then doubt, then another try."""
    return min(failures, key=lambda failure: (not isinstance(failure, Rejected), not isinstance(failure, Uncertain)))


def read_smsc(url: str) -> Smsc:
    """Read TOCSIN_SMS=smpp://… or smpps://…. Raises NotConfigured with what is wrong, without the password."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise NotConfigured("TOCSIN_SMS: the port is not a number from 1 to 65535") from None
    if parts.scheme not in {"smpp", "smpps"} or not parts.hostname or not parts.username or parts.path.strip("/") or parts.query:
        raise NotConfigured("TOCSIN_SMS: write smpp://user:pass@host:port")
    user, password = unquote(parts.username), unquote(parts.password or "")
    if not (user + password).isascii() or len(user) > 15 or len(password) > 8:
        raise NotConfigured("TOCSIN_SMS: SMPP allows 15 ASCII characters for the user and 8 for the password")
    return Smsc(parts.hostname, port or 2775, user, password, tls=parts.scheme == "smpps")


def read_source(sender: str) -> PhoneNumber:
    """Read TOCSIN_SMS_FROM: +E.164, a short code, a name of at most 11 characters, or nothing for the SMSC's choice."""
    if re.fullmatch(r"\+[0-9]{5,15}", sender):
        return PhoneNumber(sender[1:], TON.INTERNATIONAL, NPI.ISDN)
    if re.fullmatch(r"[0-9]{0,20}", sender):
        return PhoneNumber(sender, TON.UNKNOWN, NPI.UNKNOWN)
    if re.fullmatch(r"[A-Za-z0-9 ._&-]{1,11}", sender):
        return PhoneNumber(sender, TON.ALPHANUMERIC, NPI.UNKNOWN)
    raise NotConfigured("TOCSIN_SMS_FROM: write +17185550100, a short code, or a name of at most 11 letters and digits")
