"""How often one may sign up, and how often a letter may go to an address (safeguard S25).

Everything is counted in the table `signup` under a keyed hash of what is limited, so that it holds neither an address nor a client, and is
shared by every process. A stated number per window is counted either in one bucket, which starts with its first use, or, where the bound
must hold in every window however it is laid, in as many places as are allowed, each taken for the length of the window.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.errors import TooManyRequests
from subscriptions.store import sql
from subscriptions.vault import Keyring

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Limit(msgspec.Struct, frozen=True):
    """So many in one window."""

    name: str
    count: int
    window_ms: int


SIGN_UPS_OF_CLIENT = Limit("client", 30, HOUR_MS)
OWN_SIGN_UPS_OF_CLIENT = Limit("client itself", 300, HOUR_MS)
"""Sign-ups that write to nobody but the one who signs up: by this browser's own push address, or by a bot that waits for Start. They stay
open when others have used up the limit above, so that thousands behind one address of a mobile carrier aren't locked out."""
SIGN_UPS_OF_ADDRESS = Limit("address", 5, HOUR_MS)
SIGN_UPS_OF_PREFIX = Limit("prefix", 30, HOUR_MS)
"""Phone numbers that differ in their last four digits only: the pattern of SMS pumping."""
SMS_SIGN_UPS = Limit("sms", 3000, HOUR_MS)
"""All numbers together: the most that an attack with many prefixes and clients can cost in an hour."""
OF_ADDRESSES = frozenset(limit.name for limit in (SIGN_UPS_OF_ADDRESS, SIGN_UPS_OF_PREFIX, SMS_SIGN_UPS))
"""What is full is the address, or those like it, and not the network of whoever gives it."""
LOOK_UPS_OF_CLIENT = Limit("look-up", 60, HOUR_MS)
"""Street addresses that are asked of the geocoder."""
ACCESS_OF_CLIENT = Limit("access client", 20, HOUR_MS)
ACCESS_LETTERS = (Limit("access", 3, HOUR_MS), Limit("access day", 10, DAY_MS))
TESTS_OF_SUBSCRIPTION = Limit("test", 3, HOUR_MS)
"""Test messages that people send themselves."""
RENEWALS_OF_CLIENT = Limit("renewal", 300, HOUR_MS)
"""Browsers that tell of a new push address: as many as may sign up themselves."""
CHANGES_OF_SUBSCRIPTION = Limit("change", 60, HOUR_MS)

LETTER_OF_DAY = Limit("letter day", 1, DAY_MS)
LETTERS_TO_STRANGER = (LETTER_OF_DAY, Limit("letter month", 3, 30 * DAY_MS))
LETTERS_TO_KNOWN = (Limit("known day", 5, DAY_MS),)
"""A confirmed address agreed to hear from us, but a stranger may still not pester it by signing it up again and again."""

ANSWERS = (Limit("answer hour", 10, HOUR_MS), Limit("answer day", 30, DAY_MS))
"""What whoever writes is answered, so that nobody who writes in a stranger's name can flood them through us."""
ANSWERS_THAT_NOBODY_READS = (Limit("answer nobody", 3, DAY_MS),)
"""To words that are no command (safeguard S27); a phone that answers by itself falls silent after as many."""
ANSWERS_TO_STOP = (Limit("answer stop", 5, DAY_MS),)
ANSWERS_TO_STOPPED = (Limit("answer stopped", 1, DAY_MS),)
"""To a STOP that ended nothing, or ended it a moment ago."""
ANSWERS_OF_PREFIX = Limit("answer prefix", 300, HOUR_MS)
ANSWERS_OF_ALL = Limit("answers", 20_000, HOUR_MS)
"""In an emergency a whole city may text its ZIP; beyond this somebody is running up our bill."""

PREFIX_WITHOUT = 4
"""Digits at the end of a number that a prefix leaves out."""


HALF = 16
"""Bytes of a bucket's key that stand for the subject, and as many for the limit: no two meet by chance."""


class Limits:
    """Counts inside the caller's write transaction. Switched off for tests and benchmarks, only what protects addresses goes on."""

    def __init__(self, keyring: Keyring, *, enabled: bool) -> None:
        self._keyring = keyring
        self._enabled = enabled

    async def count(self, connection: AsyncConnection, limit: Limit, subject: str, now: int) -> None:
        """Count one more. Raises TooManyRequests when the window is full."""
        if not self._enabled:
            return
        key = self.bucket(limit, subject)
        used, expires_at = await sql.bucket(connection, key, now) or (0, now + limit.window_ms)
        if used >= limit.count:
            raise TooManyRequests((expires_at - now) / 1000, limit.name)
        await sql.set_buckets(connection, [(key, used + 1, expires_at)])

    def bucket(self, limit: Limit, subject: str) -> bytes:
        """The key under which `count` counts."""
        return self._of(subject) + self._keyring.lookup(f"limit {limit.name}", subject)[:HALF]

    async def take_all(self, connection: AsyncConnection, limits: tuple[Limit, ...], subject: bytes, now: int) -> bool:
        """Take a place under every one of the limits, or under none and answer False. Never switched off."""
        taken = await sql.buckets(connection, self._of(subject.hex()), now)
        places = [next((place for place in self._places(limit, subject) if place not in taken), None) for limit in limits]
        if any(place is None for place in places):
            return False
        until = (now + limit.window_ms for limit in limits)
        await sql.set_buckets(connection, [(place or b"", 1, end) for place, end in zip(places, until, strict=True)])
        return True

    async def give_back(self, connection: AsyncConnection, limit: Limit, subject: bytes, now: int) -> None:
        """Free every place under one limit."""
        taken = await sql.buckets(connection, self._of(subject.hex()), now)
        if freed := taken.intersection(self._places(limit, subject)):
            await sql.set_buckets(connection, [(key, 0, now) for key in sorted(freed)])

    def _places(self, limit: Limit, subject: bytes) -> Iterator[bytes]:
        of = self._of(subject.hex())
        for place in range(limit.count):
            yield of + self._keyring.lookup(f"place {place} of limit {limit.name}", subject.hex())[:HALF]

    def _of(self, subject: str) -> bytes:
        """What all buckets of one client or address begin with, so that they lie side by side and are read in one look."""
        return self._keyring.lookup("limits of", subject)[:HALF]
