"""SMS through an HTTP API like Twilio's (TOCSIN_SMS=https://SID:TOKEN@api.twilio.com): one form POST a person.

What an answer means (twilio.com/docs/api/errors)::

    2xx                                               taken
    429, 408, and 5xx with Retry-After                TryAgain, after that
    401, 403, 404, 405, 3xx (our log-in or our URL), 402 (our account), other 5xx, and
    a code that says our own number can't send        ProviderFault
    a code that says the number can't get SMS         Rejected, and the number is dead
    any other 4xx                                     Rejected
    504 without Retry-After (it may have arrived)     Uncertain
    no connection / no answer                         ProviderFault / Uncertain
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import ClassVar
from urllib.parse import quote_plus, unquote, urlencode

import msgspec
from yarl import URL

from channels.addresses import is_loopback, parse_phone
from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    Limits,
    Message,
    NotConfigured,
    OptedOut,
    ProviderFault,
    Receipt,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
)
from channels.gsm7 import as_sent
from channels.http_client import HttpClient, Timeouts
from channels.http_outcomes import OUTCOMES, Words, read_retry_after
from channels.provider_url import split
from channels.stamping import Stamp

_LONGEST_VALIDITY = 36_000
"""Seconds; as long as the API lets a message wait for a phone."""

_TIMEOUTS = Timeouts(answer=30.0)

_DEAD = frozenset({21211, 21217, 21614})
"""Error codes: no phone number (two of them), no mobile phone."""

_OPTED_OUT = 21610
"""Error code: its owner has answered STOP, which the provider obeys by itself."""

_OUR_NUMBER = frozenset({21212, 21603, 21606, 21659, 21660, 21661})
"""Error codes: `TOCSIN_SMS_FROM` is no number, is missing, is none that sends, is none of theirs, is another account's, takes no SMS."""

_OUR_FAULT = frozenset({401, 402, 403, 404, 405})


class SmsApi(msgspec.Struct, frozen=True):
    """TOCSIN_SMS, read."""

    url: str
    authorization: str


class SmsForm(msgspec.Struct, frozen=True):
    """All of the form but the receiver, who comes last."""

    form: Stamp
    expires_at: float
    slots: tuple[str, ...]


class _Said(msgspec.Struct, frozen=True):
    sid: str | None = None
    code: int | None = None


_said = msgspec.json.Decoder(_Said)


class HttpSms:
    """SMS by one account of one API."""

    name: ClassVar[str] = "sms"
    limits: ClassVar[Limits] = Limits(concurrency=32)

    def __init__(self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeouts: Timeouts = _TIMEOUTS) -> None:
        """`timeouts` bound connecting and the answer."""
        if not settings.sms:
            raise NotConfigured("set TOCSIN_SMS to https://SID:TOKEN@host")
        if not settings.sms_from:
            raise NotConfigured("set TOCSIN_SMS_FROM to the number, short code or messaging service (MG…) that the SMS provider gave")
        self._api = read_api(settings.sms)
        self._clock = clock
        self._client = HttpClient(timeouts)
        self._sender = {"MessagingServiceSid" if settings.sms_from.startswith("MG") else "From": settings.sms_from}
        self._headers = {"Authorization": self._api.authorization, "Content-Type": "application/x-www-form-urlencoded"}

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """E.164."""
        return parse_phone(raw)

    def compose(self, message: Message) -> SmsForm:
        """Encode the form; `message.parts` needs ``text``."""
        text = Stamp(as_sent(message.parts["text"]), quote_plus)
        return SmsForm(text, message.expires_at, text.slots)

    async def deliver(self, draft: SmsForm, to: Recipient) -> Receipt:
        """One POST; `provider_id` is the message's SID."""
        validity = max(1, min(_LONGEST_VALIDITY, int(draft.expires_at - self._clock())))
        form = f"{urlencode(self._sender | {'To': to.address, 'ValidityPeriod': validity})}&Body={draft.form.stamp(to.links)}"
        answer = await self._client.ask(self._api.url, self._headers, form.encode("ascii"), to.still)
        said = _read(answer.body)
        if not 200 <= answer.status < 300:
            raise verdict(answer, said.code, self._clock())
        return Receipt(provider_id=said.sid)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def verdict(answer: Words, code: int | None, now: float) -> DeliveryFailed:
    """What a refusal means, by the table above. `now` is in seconds since 1970."""
    reason = f"the SMS provider said HTTP {answer.status}{f' with code {code}' if code else ''}"
    after = read_retry_after(answer.retry_after, now)
    if answer.status == HTTPStatus.GATEWAY_TIMEOUT and after is None:
        return Uncertain(reason)
    if code in _OUR_NUMBER or answer.status in _OUR_FAULT or answer.status < 400 or (answer.status >= 500 and after is None):
        return ProviderFault(reason)
    if OUTCOMES.get(answer.status, ("no", ""))[0] == "later":
        return TryAgain(reason, after)
    if code == _OPTED_OUT:
        return OptedOut(reason)
    return Rejected(reason, address_is_dead=code in _DEAD)


def _read(body: bytes) -> _Said:
    """The status says whether it was taken, so words that can't be read take nothing away."""
    try:
        return _said.decode(body)
    except msgspec.DecodeError:
        return _Said()


def read_api(url: str) -> SmsApi:
    """Read TOCSIN_SMS=https://…. Without a path it is Twilio's own. Raises NotConfigured with what is wrong, without the password."""
    parts = split(url, "TOCSIN_SMS")
    if parts.scheme not in {"http", "https"} or not parts.hostname or not parts.username or not parts.password or parts.fragment:
        raise NotConfigured("TOCSIN_SMS: write https://SID:TOKEN@host, or with the whole path of the API's messages behind it")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise NotConfigured("TOCSIN_SMS: the token would travel unprotected; write https://")
    user, password = unquote(parts.username), unquote(parts.password)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    path = parts.path if parts.path.strip("/") else f"/2010-04-01/Accounts/{quote_plus(user)}/Messages.json"
    place = f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{path}{f'?{parts.query}' if parts.query else ''}"
    return SmsApi(str(URL(place)), f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}")
