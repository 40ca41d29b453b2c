"""Staff on a real database, a clock that the test moves, and Argon2id at its lowest cost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from argon2 import PasswordHasher
from sqlalchemy import URL

from hub.staff.account import Staff
from hub.staff.passwords import Passwords
from hub.store.database import Database


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def database(store: URL) -> AsyncIterator[Database]:
    async with Database(store) as database:
        yield database


@pytest.fixture
def staff(database: Database, clock: HandClock) -> Staff:
    return Staff(database, clock, Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)))
