"""Encryption of one web push message for one browser: RFC 8291 over RFC 8188's aes128gcm, in a single record.

Written on `cryptography` directly: the key agreement is what a message must cost, and a general encoder costs as much again. The reference
that tests hold it to is pywebpush's.
"""

from __future__ import annotations

import hmac
import os

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.contract import Rejected

LONGEST_PAYLOAD = 3993
"""Bytes: 4096 (RFC 8030 §7.2) less the header, the padding delimiter and the tag of aes128gcm (RFC 8291 §4)."""

_CURVE = ec.SECP256R1()
_EXCHANGE = ec.ECDH()
_SALT_BYTES = 16
_KEY_BYTES = 16
_NONCE_BYTES = 12
_RECORD = (4096).to_bytes(4, "big") + bytes([65])
"""Record size, and the length of the sender's public key that follows (RFC 8188 §2.1)."""
_LAST = b"\x02"
"""The delimiter that ends the last record (RFC 8188 §2)."""
_FIRST = b"\x01"
"""The counter of HKDF's first and, for up to 32 bytes, only block (RFC 5869 §2.3)."""


def encrypt(payload: bytes, point: bytes, auth: bytes) -> bytes:
    """The body for a browser whose public key is the uncompressed `point` (65 bytes) and whose secret is `auth` (16 bytes).

    The sender's key pair and the salt are new for each call, as RFC 8291 §3.1 asks. Raises Rejected for a payload over LONGEST_PAYLOAD,
    and for a point that is not on the curve.
    """
    if len(payload) > LONGEST_PAYLOAD:
        raise Rejected("the payload is too long for web push")
    try:
        browser = ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, point)
    except ValueError:
        raise Rejected("the stored push subscription can't be read") from None
    key, salt = ec.generate_private_key(_CURVE), os.urandom(_SALT_BYTES)
    sender = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return b"%b%b%b%b" % (salt, _RECORD, sender, _sealed(payload, salt, _secret(key.exchange(_EXCHANGE, browser), auth, point, sender)))


def _secret(shared: bytes, auth: bytes, browser: bytes, sender: bytes) -> bytes:
    """The input keying material of RFC 8291 §3.4: both public keys are bound into it."""
    return _expand(hmac.digest(auth, shared, "sha256"), b"WebPush: info\0" + browser + sender)


def _sealed(payload: bytes, salt: bytes, secret: bytes) -> bytes:
    """One record under the content key and nonce of RFC 8188 §2.2 and §2.3."""
    base = hmac.digest(salt, secret, "sha256")
    key = _expand(base, b"Content-Encoding: aes128gcm\0")[:_KEY_BYTES]
    nonce = _expand(base, b"Content-Encoding: nonce\0")[:_NONCE_BYTES]
    return AESGCM(key).encrypt(nonce, payload + _LAST, None)


def _expand(key: bytes, info: bytes) -> bytes:
    """32 bytes of HKDF-Expand (RFC 5869 §2.3)."""
    return hmac.digest(key, info + _FIRST, "sha256")
