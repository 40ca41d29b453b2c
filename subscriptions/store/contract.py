"""What this package asks of a database: short transactions, one writer at a time."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection


class Transactions(Protocol):
    """Opens transactions. `write` takes the write lock at once, so that check-then-write is safe."""

    def read(self, *, long: bool = False) -> AbstractAsyncContextManager[AsyncConnection]:
        """A consistent view; nothing may be changed in it. `long` for whoever reads through a whole table."""

    def write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Commits at the end of the block, rolls back on any exception."""
