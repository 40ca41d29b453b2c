"""The links that stand in messages. Each is a keyed hash over what it is for, so nothing is stored and a repeated click works again.

A token is base64url of subscriber, address, epoch, subject and a 16-byte BLAKE2b (RFC 7693) keyed with the hub's link key and personalised
with the purpose, so a token for one purpose is worthless for another. `epoch` is the subscriber's: raised by hand, it voids all links sent
before; in an access link it is the random serial of a one-use token instead, whose hash is stored until it is used.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Final, Literal

import msgspec

from subscriptions.errors import LinkInvalid

LinkPurpose = Literal["why", "unsubscribe", "confirm", "access", "start"]
"""``start`` is the parameter of a Telegram deep link (at most 64 characters of base64url) and has no page."""

PATHS: Final[dict[LinkPurpose, str]] = {"why": "/why/", "unsubscribe": "/unsubscribe/", "confirm": "/confirm/", "access": "/manage/"}

TOKEN_CHARACTERS = 59
_MAC_BYTES = 16
_CLAIMS = struct.Struct(">QQIQ")
_PURPOSES: Final[tuple[LinkPurpose, ...]] = ("why", "unsubscribe", "confirm", "access", "start")


class LinkClaims(msgspec.Struct, frozen=True):
    """What an authentic token says. Whether it is still so is for the database to tell."""

    subscriber: int
    address: int
    epoch: int
    subject: int
    """What the link is about, e.g. the number of an alert; 0 for nothing."""


class Links:
    """Makes and reads the links of one hub."""

    def __init__(self, link_key: bytes, public_url: str) -> None:
        self._states = {purpose: hashlib.blake2b(key=link_key, digest_size=_MAC_BYTES, person=purpose.encode()) for purpose in _PURPOSES}
        self._starts = {purpose: public_url.rstrip("/") + path for purpose, path in PATHS.items()}

    def __repr__(self) -> str:
        return "<Links>"

    def token(self, purpose: LinkPurpose, subscriber: int, address: int, epoch: int, subject: int = 0) -> str:
        """59 characters of base64url. Called once per person and link."""
        claims = _CLAIMS.pack(subscriber, address, epoch, subject)
        state = self._states[purpose].copy()
        state.update(claims)
        return urlsafe_b64encode(claims + state.digest())[:TOKEN_CHARACTERS].decode("ascii")

    def url(self, purpose: LinkPurpose, subscriber: int, address: int, epoch: int, subject: int = 0) -> str:
        """The whole link; KeyError for a purpose without a page."""
        return self._starts[purpose] + self.token(purpose, subscriber, address, epoch, subject)

    def page(self, purpose: LinkPurpose, token: str) -> str:
        """The link for a token that is already there."""
        return self._starts[purpose] + token

    def telegram(self, bot: str, subscriber: int, address: int, epoch: int) -> str:
        """The deep link that opens the hub's bot and lets the person press Start (core.telegram.org/bots/features#deep-linking)."""
        return f"https://t.me/{bot}?start={self.token('start', subscriber, address, epoch)}"

    def read(self, purpose: LinkPurpose, token: str) -> LinkClaims:
        """The claims of an authentic token. Raises LinkInvalid for any other text, in a time that tells nothing."""
        if len(token) != TOKEN_CHARACTERS or not token.isascii():
            raise LinkInvalid("this link is not one of ours")
        try:
            subscriber, address, epoch, subject = _CLAIMS.unpack(urlsafe_b64decode(token + "=")[: _CLAIMS.size])
        except (Base64Error, struct.error):
            raise LinkInvalid("this link is not one of ours") from None
        # Made anew and compared whole: a second spelling of the same bytes is refused too.
        if not hmac.compare_digest(token, self.token(purpose, subscriber, address, epoch, subject)):
            raise LinkInvalid("this link is not one of ours")
        return LinkClaims(subscriber, address, epoch, subject)
