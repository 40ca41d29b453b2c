"""SMS over SMPP 3.4 (TOCSIN_SMS=smpp://…).

An alert is one text for all, coded and cut once; only letters hold a person's own link. A long text goes as parts with user
data headers. The reference number of the parts comes from the delivery id, so that a second try completes the first at the
phone instead of starting anew.

What an answer means (SMPP v3.4 §5.1.3)::

    0x58 throttled, 0x14 queue full, 0x64 temporary           TryAgain
    0x08 system error, no connection, or no bind              ProviderFault
    0x04 wrong bind status, 0x0A, 0x48, 0x49 our own number   ProviderFault
    0x0B invalid destination                                  Rejected, and the number is dead
    any other error, the SMSC's own (0x400–0x4FF) included    Rejected
    no answer, or the connection lost after sending           Uncertain
    a fault of the provider after it has taken a part         Uncertain, since the next provider would send all of it again
"""

from __future__ import annotations

import asyncio
import re
import time
import zlib
from collections.abc import Callable
from typing import ClassVar
from urllib.parse import unquote

import msgspec
from aiosmpplib.state import NPI, TON, PhoneNumber
from aiosmpplib.state import SmppCommandStatus as Status

from channels import submit_sm
from channels.addresses import parse_phone
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
from channels.gsm7 import encode
from channels.provider_url import split
from channels.smpp_session import Answer, NoAnswer, SessionLost, SmppSession, Smsc
from channels.stamping import Stamp
from channels.submit_sm import SubmitSm

TIMEOUT = 30.0
CONNECT_TIMEOUT = 15.0
"""Seconds."""

_PASSING = frozenset({Status.ESME_RTHROTTLED, Status.ESME_RMSGQFUL, Status.ESME_RX_T_APPN})
_PROVIDERS = frozenset(
    {Status.ESME_RSYSERR, Status.ESME_RINVBNDSTS, Status.ESME_RINVSRCADR, Status.ESME_RINVSRCTON, Status.ESME_RINVSRCNPI}
)
"""Nobody's message would fare better here."""

WINDOW = 64
"""People whose messages are under way at once on one connection."""

_PRIORITY = {"Extreme": 3, "Severe": 2}


class SmsDraft(msgspec.Struct, frozen=True):
    """`submit` is ready to go when the text is the same for all, None when it holds a person's own link."""

    text: Stamp
    submit: SubmitSm | None
    expires_at: float
    priority: int
    slots: tuple[str, ...]


class SmppSms:
    """SMS through one SMSC, over one connection of this process."""

    name: ClassVar[str] = "sms"
    limits: ClassVar[Limits] = Limits(concurrency=WINDOW)

    def __init__(self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeout: float = TIMEOUT) -> None:
        """`timeout` in seconds is for binding and for each answer."""
        if not settings.sms:
            raise NotConfigured("set TOCSIN_SMS to smpp://user:pass@host:port")
        self._smsc = read_smsc(settings.sms)
        self._source = read_source(settings.sms_from)
        self._timeout = timeout
        self._session: SmppSession | None = None
        self._opening: asyncio.Task[SmppSession] | None = None

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """E.164."""
        return parse_phone(raw)

    def compose(self, message: Message) -> SmsDraft:
        """Code the text; `message.parts` needs ``text``."""
        text, priority = Stamp(message.parts["text"]), _PRIORITY.get(message.severity, 0)
        submit = None if text.slots else self._submit(text.stamp({}), priority, message.expires_at)
        return SmsDraft(text, submit, message.expires_at, priority, text.slots)

    async def deliver(self, draft: SmsDraft, to: Recipient) -> Receipt:
        """Submit all parts; `provider_id` is the first part's message id."""
        submit = draft.submit or self._submit(draft.text.stamp(to.links), draft.priority, draft.expires_at)
        bodies = submit.bodies(to.address, zlib.crc32(to.delivery_id.encode()) & 0xFF)
        session = self._session
        if session is None or not session.usable:
            session = await self._bound()
            to.still()
        answers = [await _ended(answer) for answer in session.submit(bodies)]
        if failures := [failure for answer in answers if (failure := verdict(answer))]:
            raise _worst(failures, partly=len(failures) < len(answers))
        return Receipt(provider_id=next(answer.message_id for answer in answers if isinstance(answer, Answer)) or None)

    async def aclose(self) -> None:
        """Unbind."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        session, self._session = self._session, None
        if session is not None:
            await session.aclose()

    async def _bound(self) -> SmppSession:
        """All who wait share one attempt, and its failure."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(self._bind())
            self._opening.add_done_callback(self._opened)
        return await asyncio.shield(self._opening)

    def _opened(self, opening: asyncio.Task[SmppSession]) -> None:
        self._opening = None
        self._session = None if opening.cancelled() or opening.exception() else opening.result()

    async def _bind(self) -> SmppSession:
        try:
            async with asyncio.timeout(min(self._timeout, CONNECT_TIMEOUT)):
                return await SmppSession.open(self._smsc, self._timeout)
        except SessionLost as error:
            raise ProviderFault(str(error)) from None
        except (OSError, NoAnswer) as error:
            raise ProviderFault(f"the SMSC can't be reached: {type(error).__name__}") from None

    def _submit(self, text: str, priority: int, expires_at: float) -> SubmitSm:
        return submit_sm.compose(encode(text), self._source, priority=priority, expires_at=expires_at)


async def _ended(answer: asyncio.Future[Answer]) -> Answer | SessionLost | NoAnswer:
    try:
        return await answer
    except (SessionLost, NoAnswer) as error:
        return error


def verdict(answer: Answer | SessionLost | NoAnswer) -> DeliveryFailed | None:
    """What one part's answer means, None for success."""
    match answer:
        case Answer(status=status):
            return None if status == Status.ESME_ROK else _refusal(status)
        case SessionLost(sent=False):
            return ProviderFault(str(answer))
        case SessionLost():
            return Uncertain("the connection to the SMSC was lost before it answered")
    return Uncertain("the SMSC did not answer")


def _refusal(status: int) -> DeliveryFailed:
    reason = f"the SMSC said 0x{status:02X}"
    if status in _PROVIDERS:
        return ProviderFault(reason)
    if status in _PASSING:
        return TryAgain(reason)
    return Rejected(reason, address_is_dead=status == Status.ESME_RINVDSTADR)


def _worst(failures: list[DeliveryFailed], *, partly: bool) -> DeliveryFailed:
    """Of several parts' failures the one that decides: a final no, then doubt, then another try. `partly` when some part was taken."""
    worst = min(failures, key=lambda failure: (not isinstance(failure, Rejected), not isinstance(failure, Uncertain)))
    return Uncertain(f"{worst.reason} and has taken a part") if partly and isinstance(worst, ProviderFault) else worst


def read_smsc(url: str) -> Smsc:
    """Read TOCSIN_SMS=smpp://… or smpps://…. Raises NotConfigured with what is wrong, without the password."""
    parts = split(url, "TOCSIN_SMS")
    if parts.scheme not in {"smpp", "smpps"} or not parts.hostname or not parts.username or parts.path.strip("/") or parts.query:
        raise NotConfigured("TOCSIN_SMS: write smpp://user:pass@host:port")
    user, password = unquote(parts.username), unquote(parts.password or "")
    if not (user + password).isascii() or len(user) > 15 or len(password) > 8:
        raise NotConfigured("TOCSIN_SMS: SMPP allows 15 ASCII characters for the user and 8 for the password")
    return Smsc(parts.hostname, parts.port or 2775, user, password, tls=parts.scheme == "smpps")


def read_source(sender: str) -> PhoneNumber:
    """Read TOCSIN_SMS_FROM: +E.164, a short code, a name of at most 11 characters, or nothing for the SMSC's choice."""
    if re.fullmatch(r"\+[0-9]{5,15}", sender):
        return PhoneNumber(sender[1:], TON.INTERNATIONAL, NPI.ISDN)
    if re.fullmatch(r"[0-9]{0,20}", sender):
        return PhoneNumber(sender, TON.UNKNOWN, NPI.UNKNOWN)
    if re.fullmatch(r"[A-Za-z0-9 ._&-]{1,11}", sender):
        return PhoneNumber(sender, TON.ALPHANUMERIC, NPI.UNKNOWN)
    raise NotConfigured("TOCSIN_SMS_FROM: write +17185550100, a short code, or a name of at most 11 letters and digits")
