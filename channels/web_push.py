"""Web push: RFC 8030 (protocol), RFC 8291 (encryption), RFC 8292 (VAPID). Browsers' own push services carry it to a phone or a desk."""

from __future__ import annotations

import base64
import hashlib
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from email.utils import parseaddr
from typing import Any, ClassVar

import msgspec

from channels.contract import ChannelSettings, Limits, Message, NotConfigured, Purpose, Receipt, Recipient, slot
from channels.cutting import cut_place, with_ellipsis
from channels.http_client import PATIENT, HttpClient, Poster, Timeouts
from channels.http_outcomes import settle
from channels.json_body import JsonBody, json_bytes
from channels.push_encryption import LONGEST_PAYLOAD, encrypt
from channels.push_subscription import parse_subscription, push_origin, read_subscription
from channels.receiver_url import host_of, is_loopback_name, origin_of
from channels.safe_resolver import SafeClient
from channels.stamping import without_slots
from channels.vapid import Vapid

LONGEST_TTL = 28 * 86_400
"""Seconds; push services keep nothing for longer."""

PUSH_HOSTS = ("fcm.googleapis.com", "web.push.apple.com")
PUSH_DOMAINS = (".push.services.mozilla.com", ".notify.windows.com", ".push.apple.com")
"""Browser makers' push services, which are reached wherever their names lead. Any other endpoint is a stranger's word."""

_LONGEST_TITLE = 600
_LINK_ROOM = 128
_ELLIPSIS = "…"
_GONE = frozenset({404, 410})
_LATER = frozenset({406})
"""How Windows' push service says that it has had too much (learn.microsoft.com, push notification service response headers)."""
_DELIVERED = Receipt()
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_OWN_LINK: dict[Purpose, str] = {"alert": "why", "notice": "why", "confirm": "confirm", "access": "access"}

_URGENCY = {"Extreme": "high", "Severe": "high", "Moderate": "normal", "Minor": "low"}
"""CAP severity → Urgency (RFC 8030 §5.3), where urgency says nothing more."""


class WebPushDraft(msgspec.Struct, frozen=True):
    """The payload, ready to be stamped, and the headers that all recipients share."""

    payload: JsonBody
    headers: Mapping[str, str]
    expires_at: float
    slots: tuple[str, ...]


class WebPush:
    """POSTs one encrypted payload to one browser's push service."""

    name: ClassVar[str] = "web_push"
    one_rate_a_host: ClassVar[bool] = True
    limits: ClassVar[Limits] = Limits(concurrency=128)
    """Push services are some 50 ms away: so many under way keep a sender busy. A small alert opens fewer, since a host earns its places."""

    def __init__(self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeouts: Timeouts = PATIENT) -> None:
        """Raises NotConfigured without a VAPID key or a usable contact."""
        if not settings.vapid_private_key:
            raise NotConfigured("web push needs a VAPID key; the hub makes one in its data folder")
        self._vapid = Vapid(settings.vapid_private_key, settings.vapid_subject or f"mailto:{parseaddr(settings.mail_from)[1]}")
        self._clock = clock
        self._link_room = len(settings.public_url) + _LINK_ROOM
        self._allow_private = settings.allow_private
        self._known: Poster = HttpClient(timeouts)
        self._strangers: Poster = SafeClient(allow_private=settings.allow_private, timeouts=timeouts)

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """Canonical JSON of a browser's subscription, see `parse_subscription`. Raises InvalidAddress."""
        return parse_subscription(raw)

    def host_of(self, address: str) -> str:
        """The origin of the push service."""
        return push_origin(address)

    def compose(self, message: Message) -> WebPushDraft:
        """Write the payload and the headers TTL aside, which counts down to the message's end."""
        payload = JsonBody(_fit(_payload(message), self._link_room))
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Encoding": "aes128gcm",
            "Urgency": urgency_of(message),
            "Topic": topic_of(message),
        }
        return WebPushDraft(payload, headers, message.expires_at, payload.slots)

    async def deliver(self, draft: WebPushDraft, to: Recipient) -> Receipt:
        """Encrypt for this browser and POST. 404 and 410 mean that the subscription is gone. Raises DeliveryFailed."""
        subscription, now = read_subscription(to.address), self._clock()
        origin = origin_of(subscription.endpoint)
        headers = {
            **draft.headers,
            "TTL": str(min(max(0, int(draft.expires_at - now)), LONGEST_TTL)),
            "Authorization": self._vapid.authorization(origin, now),
        }
        body = encrypt(draft.payload.stamp(to.links), subscription.keys.point, subscription.keys.secret)
        client = self._known if self._is_known(origin) else self._strangers
        settle(await client.post(subscription.endpoint, headers, body, to.still), gone=_GONE, later=_LATER, now=now)
        return _DELIVERED

    async def aclose(self) -> None:
        """Close both clients."""
        await self._known.aclose()
        await self._strangers.aclose()

    def _is_known(self, origin: str) -> bool:
        return is_push_service(origin) or (self._allow_private and is_loopback_name(host_of(origin)))


def is_push_service(origin: str) -> bool:
    """Whether an origin belongs to a browser maker's push service, on https and its usual port."""
    scheme, _, host = origin.partition("://")
    return scheme == "https" and (host in PUSH_HOSTS or host.endswith(PUSH_DOMAINS))


def urgency_of(message: Message) -> str:
    """``high`` wakes a sleeping phone at once; the lower ones may wait for its battery (RFC 8030 §5.3)."""
    if message.purpose != "alert" or message.status != "Actual":
        return "normal"
    if message.urgency == "Immediate" and message.severity == "Moderate":
        return "high"
    if message.urgency in {"Future", "Past"} and message.severity == "Minor":
        return "very-low"
    return _URGENCY.get(message.severity, "normal")


def topic_of(message: Message) -> str:
    """32 characters of base64url (RFC 8030 §5.4): a waiting message of the same topic is replaced, and the service learns no name."""
    return base64.urlsafe_b64encode(hashlib.blake2b(message.topic.encode(), digest_size=24).digest()).decode()


def _payload(message: Message) -> dict[str, Any]:
    own = _OWN_LINK[message.purpose]
    return {
        "title": message.parts["title"],
        "body": message.parts["body"],
        "url": message.link,
        "tag": topic_of(message),
        "purpose": message.purpose,
        "status": message.status,
        "severity": message.severity,
        "urgency": message.urgency,
        "lang": message.language,
        "dir": "rtl" if message.language.split("-")[0] in _RIGHT_TO_LEFT else "ltr",
        "silent": message.silent,
        "timestamp": int(message.sent_at * 1000),
        "expires": int(message.expires_at * 1000),
        own: slot(own),
    }


def _fit(payload: dict[str, Any], link_room: int) -> dict[str, Any]:
    """Shorten the body, and a monstrous title, until the payload fits with links of `link_room` bytes; links are never cut."""

    def size(text: str) -> int:
        return json_bytes(without_slots(text, "-" * link_room))

    fitted = payload | {"title": _shorten(payload["title"], _LONGEST_TITLE, size), "body": ""}
    fixed = sum(size(value) if isinstance(value, str) else len(str(value)) for value in fitted.values())
    punctuation = sum(len(key) + len('"":"",') for key in fitted) + len("{}")
    return fitted | {"body": _shorten(payload["body"], LONGEST_PAYLOAD - fixed - punctuation, size)}


def _shorten(text: str, room: int, size: Callable[[str], int]) -> str:
    """The text, or its longest beginning that fits with an ellipsis."""
    if size(text) <= room:
        return text
    end = bisect_right(range(len(text)), room - len(_ELLIPSIS.encode()), key=lambda length: size(text[:length])) - 1
    return with_ellipsis(text[: cut_place(text, max(0, end))].rstrip())
