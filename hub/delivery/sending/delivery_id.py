"""The name by which the outside knows one delivery: derived from the ledger's key, so it is stable over retries and stored nowhere."""

from __future__ import annotations

import struct
from hashlib import blake2b

_PAIR = struct.Struct("<QQ")


class DeliveryIds:
    """Makes ids that are unguessable and the same for every try of one (mailing, address)."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._base = blake2b(key=key, digest_size=16, person=b"tocsin-delivery")

    def of(self, mailing: int, address: int) -> str:
        """32 hexadecimal digits."""
        mac = self._base.copy()
        mac.update(_PAIR.pack(mailing, address))
        return mac.hexdigest()

    def receiver(self, channel: str, name: str) -> str:
        """What a receiver's rate is called where it is shared, which says nothing of who it is."""
        return "each " + blake2b(f"{channel} {name}".encode(), key=self._key, digest_size=16, person=b"tocsin-receiver").hexdigest()
