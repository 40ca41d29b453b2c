"""Who this hub is to push services (RFC 8292): its P-256 key, and a signed token for each push origin, kept while it is fresh."""

from __future__ import annotations

import base64
from contextlib import suppress
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02, VapidException

from channels.contract import NotConfigured

TOKEN_SECONDS = 12 * 3600
"""Half of the day that RFC 8292 §2 allows, since clocks differ."""

_RENEW_SECONDS = 3600
_MOST_ORIGINS = 4096


def create_vapid_key() -> str:
    """A new private key as PEM (PKCS #8). Changing a hub's key ends all of its browser subscriptions."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


def public_key(pem: str) -> str:
    """The `applicationServerKey` that pages subscribe with: the uncompressed point in base64url. Raises NotConfigured."""
    point = _read(pem).public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()


def default_subject(sender: str, public_url: str) -> str:
    """The contact where none is set: the sender of e-mail, or the public host. Raises NotConfigured when neither has a full name.

    Behind http:// no browser subscribes but one on the same machine, so that any contact will do.
    """
    pages = urlsplit(public_url)
    key = create_vapid_key()
    for subject in (f"mailto:{sender}", f"https://{pages.hostname}" if pages.scheme == "https" else "mailto:alerts@localhost"):
        with suppress(NotConfigured):
            Vapid(key, subject)
            return subject
    raise NotConfigured("push services get a contact with a full host name: set TOCSIN_VAPID_SUBJECT=mailto:name@example.org")


class Vapid:
    """Authorization headers by push origin, each signed once in eleven hours."""

    def __init__(self, pem: str, subject: str) -> None:
        """`subject` is a ``mailto:`` or ``https:`` contact. Raises NotConfigured when the key or the subject can't be used."""
        self._signer = Vapid02(_read(pem))
        self._subject = subject
        self._headers: dict[str, tuple[float, str]] = {}
        self._sign("https://push.example.org", 1)

    def authorization(self, origin: str, now: float) -> str:
        """``vapid t=…,k=…`` for a push origin such as ``https://fcm.googleapis.com``; `now` in seconds since 1970."""
        renew, header = self._headers.get(origin, (0.0, ""))
        if renew + _RENEW_SECONDS - TOKEN_SECONDS <= now < renew:  # one signed by a clock that was ahead would be refused
            return header
        # Strangers' endpoints may name any number of origins.
        if len(self._headers) >= _MOST_ORIGINS:
            self._headers.clear()
        header = self._sign(origin, int(now) + TOKEN_SECONDS)
        self._headers[origin] = (now + TOKEN_SECONDS - _RENEW_SECONDS, header)
        return header

    def _sign(self, origin: str, expires: int) -> str:
        try:
            return str(self._signer.sign({"aud": origin, "sub": self._subject, "exp": expires})["Authorization"])
        except VapidException:
            raise NotConfigured(
                "TOCSIN_VAPID_SUBJECT: the contact for push services is mailto:name@example.org, or https://host with nothing behind it"
            ) from None


def _read(pem: str) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise NotConfigured("the web push key is not a P-256 private key in PEM; remove it and start again for a new one")
    return key
