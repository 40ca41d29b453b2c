"""Limits against the simplest account of them, over many steps on one table."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import URL

from hub.store.database import Database
from subscriptions.errors import TooManyRequests
from subscriptions.limits import Limit, Limits
from subscriptions.store.forgetting import delete_over
from subscriptions.vault import Keyring

LIMITS = (Limit("a", 2, 100), Limit("b", 1, 300), Limit("c", 3, 150), Limit("a 0", 2, 120))
SUBJECTS = (b"\x00" * 32, b"\xff" * 32, b"x")


class Account:
    """What `Limits` has to say, from plain lists of times."""

    def __init__(self) -> None:
        self.windows: dict[tuple[str, bytes], tuple[int, int]] = {}
        self.places: dict[tuple[str, bytes], list[int]] = {}

    def count(self, limit: Limit, subject: bytes, now: int) -> bool:
        used, until = self.windows.get((limit.name, subject), (0, 0))
        used, until = (used, until) if until > now else (0, now + limit.window_ms)
        if used < limit.count:
            self.windows[limit.name, subject] = (used + 1, until)
        return used < limit.count

    def take_all(self, limits: tuple[Limit, ...], subject: bytes, now: int) -> bool:
        free = all(sum(until > now for until in self.places.get((limit.name, subject), [])) < limit.count for limit in limits)
        for limit in limits if free else ():
            self.places.setdefault((limit.name, subject), []).append(now + limit.window_ms)
        return free


@pytest.mark.parametrize("seed", [1, 2])
async def test_limits_say_what_a_plain_account_of_them_says(store: URL, seed: int) -> None:
    chance, limits, account, now = random.Random(seed), Limits(Keyring.generate(), enabled=True), Account(), 1000

    async def counted(limit: Limit, subject: bytes) -> bool:
        try:
            await limits.count(connection, limit, subject.hex(), now)
        except TooManyRequests:
            return False
        return True

    async with Database(store) as database:
        for _ in range(400):
            now += chance.choice((0, 0, 1, 7, 30))
            limit, subject, some = chance.choice(LIMITS), chance.choice(SUBJECTS), tuple(chance.sample(LIMITS, chance.randint(1, 3)))
            async with database.write() as connection:
                match chance.choice(("count", "take", "give", "purge")):
                    case "count":
                        assert await counted(limit, subject) == account.count(limit, subject, now)
                    case "take":
                        assert await limits.take_all(connection, some, subject, now) == account.take_all(some, subject, now)
                    case "give":
                        await limits.give_back(connection, limit, subject, now)
                        account.places[limit.name, subject] = []
                    case _:
                        await delete_over(connection, 0, now)
