"""A browser's push subscription as text: what a page's `PushSubscription.toJSON()` gives, in one canonical spelling."""

from __future__ import annotations

import base64
import re

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from channels.contract import InvalidAddress, Rejected
from channels.receiver_url import as_address, canonical_url, host_of, is_loopback_name, origin_of

_POINT_BYTES = 65
_AUTH_BYTES = 16
_BEFORE_ENDPOINT = '{"endpoint":"'
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")


class Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """RFC 8291 §2.1: the browser's public key and the shared secret, both base64url without padding."""

    p256dh: str
    auth: str

    @property
    def point(self) -> bytes:
        """The browser's public key, uncompressed: 65 bytes."""
        return base64.urlsafe_b64decode(self.p256dh + "=")

    @property
    def secret(self) -> bytes:
        """The shared secret: 16 bytes."""
        return base64.urlsafe_b64decode(self.auth + "==")


class PushSubscription(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a browser is reached and how to encrypt for it."""

    endpoint: str
    keys: Keys


class _FromBrowser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    endpoint: str
    keys: Keys
    expiration_time: float | None = msgspec.field(default=None, name="expirationTime")


_browser = msgspec.json.Decoder(_FromBrowser)
_canonical = msgspec.json.Decoder(PushSubscription)


def parse_subscription(raw: str) -> str:
    """Compact JSON ``{"endpoint":…,"keys":{"p256dh":…,"auth":…}}``. Raises InvalidAddress, never repeating what was given."""
    try:
        given = _browser.decode(raw)
    except msgspec.DecodeError:
        raise InvalidAddress(
            'a push subscription is JSON with "endpoint" and "keys" holding "p256dh" and "auth", as PushSubscription.toJSON() gives it'
        ) from None
    keys = Keys(p256dh=_point(given.keys.p256dh), auth=_encode(_decode(given.keys.auth, _AUTH_BYTES, "auth")))
    return msgspec.json.encode(PushSubscription(endpoint=_endpoint(given.endpoint), keys=keys)).decode()


def read_subscription(canonical: str) -> PushSubscription:
    """The subscription that `parse_subscription` wrote. Raises Rejected for other text."""
    try:
        return _canonical.decode(canonical)
    except msgspec.DecodeError:
        raise Rejected("the stored push subscription can't be read") from None


def push_origin(canonical: str) -> str:
    """The origin of the endpoint of what `parse_subscription` wrote, without reading the rest: the endpoint comes first in it."""
    return origin_of(canonical[len(_BEFORE_ENDPOINT) :])


def _endpoint(raw: str) -> str:
    url = canonical_url(raw, "a push endpoint")
    host = host_of(origin_of(url))
    # No push service is an IP address, so a literal can only be somebody's own network.
    if ":" in host or (as_address(host) is not None and not is_loopback_name(host)):
        raise InvalidAddress("a push endpoint names its host, for instance https://push.example.org/…")
    return url


def _point(raw: str) -> str:
    point = _decode(raw, _POINT_BYTES, "p256dh")
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise InvalidAddress("p256dh is not a point of the curve P-256; subscribe again in the browser") from None
    return _encode(point)


def _decode(raw: str, size: int, name: str) -> bytes:
    text = raw.rstrip("=").replace("+", "-").replace("/", "_")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) if _BASE64URL.fullmatch(text) and len(text) % 4 != 1 else b""
    if len(data) != size:
        raise InvalidAddress(f"{name} is {size} bytes in base64url; subscribe again in the browser")
    return data


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
