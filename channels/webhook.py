"""Webhooks by the Standard Webhooks specification: a JSON body, signed with a secret of each receiver's own."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec

from channels.contract import ChannelSettings, Limits, Message, NotConfigured, Purpose, Receipt, Recipient, slot
from channels.http_client import PATIENT, HttpClient, Poster, Timeouts
from channels.http_outcomes import settle
from channels.json_body import JsonBody, read_json
from channels.receiver_url import origin_of, origins, parse_webhook
from channels.safe_resolver import SafeClient

TYPES: dict[Purpose, str] = {
    "alert": "alert",
    "confirm": "subscription.confirm",
    "access": "subscription.access",
    "notice": "subscription.notice",
}
"""`type` of the body by the message's purpose."""

_OWN_LINK: dict[Purpose, str] = {"confirm": "confirm", "access": "access"}
_GONE = frozenset({410})
_DELIVERED = Receipt()


class WebhookDraft(msgspec.Struct, frozen=True):
    """The body, ready to be stamped."""

    body: JsonBody
    slots: tuple[str, ...]


_VERIFIER = "secret"


class Webhook:
    """POSTs to receivers: those that staff allowed wherever they are, all others by the guarded client."""

    name: ClassVar[str] = "webhook"
    one_rate_a_host: ClassVar[bool] = True
    limits: ClassVar[Limits] = Limits()

    def __init__(self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeouts: Timeouts = PATIENT) -> None:
        """Raises NotConfigured without a key, InvalidAddress for an allowed host that can't be one."""
        if not settings.webhook_key:
            raise NotConfigured("webhooks need a key to sign with; the hub's keyring holds it")
        self._secrets = _Secrets(settings.webhook_key)
        self._clock = clock
        self._allowed = tuple(f"{origin}/" for host in settings.webhook_hosts for origin in origins(host))
        self._known: Poster = HttpClient(timeouts)
        self._strangers: Poster = SafeClient(allow_private=settings.allow_private, timeouts=timeouts)

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """The URL in its canonical spelling, see `canonical_url`. Raises InvalidAddress."""
        return parse_webhook(raw)

    def host_of(self, address: str) -> str:
        """The origin of the receiver."""
        return origin_of(address)

    def compose(self, message: Message) -> WebhookDraft:
        """Write the body: ``type``, ``timestamp`` (RFC 3339), ``language``, ``links`` and ``data``, the alert as the hub describes it.

        What asks for confirmation also hands over ``secret``, with which this receiver verifies everything that follows.
        """
        body = JsonBody(_document(message))
        return WebhookDraft(body, tuple(name for name in body.slots if name != _VERIFIER))

    async def deliver(self, draft: WebhookDraft, to: Recipient) -> Receipt:
        """POST it, signed for this receiver. 410 means that the address is gone. Raises DeliveryFailed."""
        links = to.links
        if _VERIFIER in draft.body.slots:
            links = {**links, _VERIFIER: _written(self._secrets.of(to.address))}
        body, moment = draft.body.stamp(links), int(self._clock())
        headers = signature_headers(self._secrets.of(to.address), to.delivery_id, moment, body)
        headers["Content-Type"] = "application/json"
        client = self._known if to.address.startswith(self._allowed) else self._strangers
        settle(await client.post(to.address, headers, body, to.still), gone=_GONE, now=moment)
        return _DELIVERED

    async def aclose(self) -> None:
        """Close both clients."""
        await self._known.aclose()
        await self._strangers.aclose()


def secret_for(key: bytes, url: str) -> str:
    """What the owner of a webhook verifies signatures with: ``whsec_`` and 32 bytes in base64, from the hub's key and the canonical URL."""
    return _written(_Secrets(key).of(url))


def signature_headers(secret: bytes, delivery_id: str, moment: int, body: bytes) -> dict[str, str]:
    """``webhook-id``, ``webhook-timestamp`` and ``webhook-signature`` (version 1, symmetric) of Standard Webhooks. `moment` in seconds."""
    signature = hmac.digest(secret, f"{delivery_id}.{moment}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


class _Secrets:
    """Keyed BLAKE2b: a fifth of HMAC's time, and this is done for every hand-over."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hashlib.blake2b(digest_size=32, key=key, person=b"webhook secret")

    def of(self, url: str) -> bytes:
        state = self._keyed.copy()
        state.update(url.encode())
        return state.digest()


def _written(secret: bytes) -> str:
    return f"whsec_{base64.b64encode(secret).decode()}"


def _document(message: Message) -> dict[str, Any]:
    own = _OWN_LINK.get(message.purpose)
    return {
        "type": TYPES[message.purpose],
        "timestamp": datetime.fromtimestamp(message.sent_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "language": message.language,
        "links": {"page": message.link} | ({own: slot(own)} if own else {}),
        "data": read_json(message.data) if message.data else {},
    } | ({_VERIFIER: slot(_VERIFIER)} if message.purpose == "confirm" else {})
