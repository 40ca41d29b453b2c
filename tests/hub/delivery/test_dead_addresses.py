"""Addresses that a provider called dead are closed soon, and no hand-over waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from hub.delivery import dead_addresses
from hub.delivery.dead_addresses import DeadAddresses


class Closing:
    """Closes addresses, when it is let."""

    def __init__(self) -> None:
        self.closed: list[int] = []
        self.faults = 0
        self.may, self.changed = asyncio.Event(), asyncio.Event()

    async def __call__(self, numbers: Sequence[int]) -> None:
        self.changed.set()
        await self.may.wait()
        if self.faults:
            self.faults -= 1
            raise ConnectionError
        self.closed += numbers
        self.changed.set()

    async def until(self, closed: list[int]) -> None:
        async with asyncio.timeout(60):
            while self.closed != closed:
                self.changed.clear()
                await self.changed.wait()


async def test_what_is_noted_while_others_are_being_closed_follows_and_is_waited_for_by_nobody() -> None:
    closing = Closing()
    async with DeadAddresses(closing) as dead:
        dead.note([1, 2])
        await closing.changed.wait()
        dead.note([])
        dead.note([3])
        assert closing.closed == []
        closing.may.set()
        await closing.until([1, 2, 3])


async def test_a_database_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_addresses, "AGAIN_AFTER_S", 0.0)
    closing = Closing()
    closing.may.set()
    closing.faults = 2
    async with DeadAddresses(closing) as dead:
        dead.note([1])
        await closing.until([1])


async def test_those_of_the_last_receipts_are_closed_too_but_not_waited_for_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    closing = Closing()
    closing.may.set()
    async with DeadAddresses(closing) as dead:
        dead.note([1])
    assert closing.closed == [1]
    monkeypatch.setattr(dead_addresses, "LAST_S", 0.0)
    closing.may.clear()
    async with DeadAddresses(closing) as dead:
        dead.note([2])
    assert closing.closed == [1]
