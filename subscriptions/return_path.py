"""Where a mail that can't be delivered comes back to: the hub's mailbox, with the number of the address it was for, under a keyed hash.

``bounces+TOKEN@alerts.example.gov`` (VERP). TOKEN is 24 characters of lower-case base32, since some servers fold the case of a local part:
6 octets of the address's number, and 9 of a BLAKE2b (RFC 7693) keyed with the hub's link key. Nothing is stored, and nobody can make one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b32decode, b32encode

_NUMBER_BYTES, _MAC_BYTES = 6, 9
_TOKEN = re.compile(r"\+([a-z2-7]{24})@", re.IGNORECASE)


class ReturnPaths:
    """Makes and reads the return paths of one hub. `mailbox` may be empty: then there are none to make."""

    def __init__(self, link_key: bytes, mailbox: str) -> None:
        self._local, _, self._domain = mailbox.partition("@")
        self._state = hashlib.blake2b(key=link_key, digest_size=_MAC_BYTES, person=b"bounce")

    def __repr__(self) -> str:
        return "<ReturnPaths>"

    def of(self, address: int) -> str:
        """The envelope's sender of a mail to an address; ValueError without a mailbox."""
        if not self._domain:
            raise ValueError("there is no mailbox for bounces")
        return f"{self._local}+{self._token(address)}@{self._domain}"

    def find(self, text: str) -> int | None:
        """The number of the address in the first authentic return path that a text holds, whatever the mailbox was called then."""
        for found in _TOKEN.finditer(text):
            token = found[1].lower()
            number = int.from_bytes(b32decode(token.upper())[:_NUMBER_BYTES])
            if hmac.compare_digest(token, self._token(number)):
                return number
        return None

    def _token(self, address: int) -> str:
        number = address.to_bytes(_NUMBER_BYTES)
        state = self._state.copy()
        state.update(number)
        return b32encode(number + state.digest()).decode("ascii").lower()
