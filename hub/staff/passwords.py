"""Passwords at rest: Argon2id (RFC 9106), hashed in a thread, with the same work for names that nobody has."""

from __future__ import annotations

import asyncio
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2
"""Hashes under way at once: each takes 64 MiB and a fifth of a second, and strangers can ask for them."""


class Passwords:
    """One per process. `hasher` carries the cost; its default is the RFC's second recommended choice."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        """The encoded Argon2id hash, salt and cost included."""
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password fits. None (nobody has that name) takes as long and never fits."""
        async with self._turn:
            return await asyncio.to_thread(self._matches, stored, password)

    def _matches(self, stored: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(stored or self._nobody, password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("the password of nobody")
