"""Finished answers: a public document is made once per change and language, packed once, and then sent as the same bytes to everyone.

An answer holds until something is published, ends or changes (`version` moves), and not past a moment that its own text depends on. When it
no longer holds, whoever asks first has it made and all others wait for that one.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import msgspec

from hub.clock import Clock

MOST_BYTES = 16_000_000
"""What all finished answers may take in memory."""
PACK_BYTES = 1024
"""Text larger than this travels compressed when the visitor's program can unpack it."""
THREAD_BYTES = 100_000
"""Larger texts are packed beside the loop."""
FOREVER = float("inf")

_TAGS = re.compile(r'"([^"]*)"')
_CODING = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?(?=,|$)", re.IGNORECASE)
OF_THE_BODY = frozenset({"Content-Type", "Content-Encoding", "Content-Language"})
"""Headers that say nothing when there is no body."""

Key = TypeVar("Key")


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent; `headers` but those of its coding, `good_until` in seconds since 1970."""

    body: bytes
    headers: Mapping[str, str]
    good_until: float = FOREVER


class Variant(msgspec.Struct, frozen=True):
    """The document in one coding. `head` and `unchanged` are the header blocks of 200 and 304 without Date and the empty line."""

    body: bytes
    etag: str
    headers: Mapping[str, str]
    head: bytes
    unchanged: bytes


class Ready(msgspec.Struct, frozen=True):
    """A document in both codings; the same one twice where packing would not help."""

    plain: Variant
    packed: Variant
    good_until: float

    def variant(self, accept_encoding: str) -> Variant:
        """That which the visitor's program can read (RFC 9110 §12.5.3)."""
        return self.packed if accepts_gzip(accept_encoding) else self.plain

    def knows(self, if_none_match: str) -> bool:
        """Whether the visitor has this already, in whichever coding (§13.1.2)."""
        ours = {self.plain.etag[1:-1], self.packed.etag[1:-1]}
        return if_none_match.strip() == "*" or not ours.isdisjoint(_TAGS.findall(if_none_match))

    @property
    def size(self) -> int:
        """Bytes in memory, about."""
        return len(self.plain.body) + len(self.packed.body) + 2_000


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is among the codings and not refused with ``q=0``."""
    found = _CODING.search(accept_encoding)
    return found is not None and float(found[1] or 1) > 0


def finish(document: Document, always: Mapping[str, str]) -> Ready:
    """Pack it and write its headers. `always` are those that every answer of this hub carries."""
    tag = hashlib.blake2b(document.body, digest_size=12).hexdigest()
    headers = dict(document.headers) | dict(always)
    plain = _variant(document.body, f'"{tag}"', headers)
    if len(document.body) <= PACK_BYTES:
        return Ready(plain, plain, document.good_until)
    packed = gzip.compress(document.body, 6, mtime=0)
    # Strong tags name bytes, so each coding has its own.
    return Ready(plain, _variant(packed, f'"{tag}-gz"', headers | {"Content-Encoding": "gzip"}), document.good_until)


def _variant(body: bytes, etag: str, headers: Mapping[str, str]) -> Variant:
    headers = dict(headers) | {"ETag": etag}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name not in OF_THE_BODY)
    about = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if name in OF_THE_BODY)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{about}{lines}"
    return Variant(body, etag, headers, head.encode("latin-1"), f"HTTP/1.1 304 Not Modified\r\n{lines}".encode("latin-1"))


class Shelf(Generic[Key]):
    """Finished answers by what was asked for, the least recently used of them forgotten first."""

    def __init__(
        self, make: Callable[[Key], Awaitable[Document]], always: Mapping[str, str], version: Callable[[], int], clock: Clock
    ) -> None:
        self._make, self._always, self._version, self._clock = make, always, version, clock
        self._kept: OrderedDict[Key, tuple[int, Ready]] = OrderedDict()
        self._flights: dict[tuple[Key, int], asyncio.Future[Ready]] = {}
        self.size = 0

    def peek(self, key: Key) -> Ready | None:
        """What is finished and still holds."""
        kept = self._kept.get(key)
        if kept is None or kept[0] != self._version() or kept[1].good_until <= self._clock():
            return None
        return kept[1]

    async def get(self, key: Key) -> Ready:
        """The same, made if need be, once for all who ask meanwhile. Raises what making it raises."""
        ready = self.peek(key)
        if ready is not None:
            self._kept.move_to_end(key)
            return ready
        turn = (key, self._version())
        flight = self._flights.get(turn)
        if flight is None:
            flight = self._flights[turn] = asyncio.ensure_future(self._fly(*turn))
            flight.add_done_callback(lambda done: self._land(turn, done))
        return await asyncio.shield(flight)

    async def _fly(self, key: Key, version: int) -> Ready:
        document = await self._make(key)
        if len(document.body) > THREAD_BYTES:
            ready = await asyncio.to_thread(finish, document, self._always)
        else:
            ready = finish(document, self._always)
        if version == self._version():
            self._keep(key, version, ready)
        return ready

    def _land(self, turn: tuple[Key, int], done: asyncio.Future[Ready]) -> None:
        del self._flights[turn]
        if not done.cancelled():
            done.exception()  # told to whoever still waits; when nobody does, it is no fault of the loop

    def _keep(self, key: Key, version: int, ready: Ready) -> None:
        self._drop(key)
        if ready.size > MOST_BYTES // 4:
            return
        self._kept[key] = (version, ready)
        self.size += ready.size
        while self.size > MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.size -= kept[1].size
