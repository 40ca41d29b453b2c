"""The window bounds what is ahead of the ledger, and lets the most urgent in first."""

from __future__ import annotations

import asyncio
import math
import time

from hub.delivery.sending.window import Window


async def waiting(window: Window, order: list[str], **priorities: int) -> list[asyncio.Task[None]]:
    """One who waits for room by each name, in this order."""

    async def ask(name: str, priority: int) -> None:
        if await window.take(priority):
            order.append(name)

    tasks = [asyncio.create_task(ask(name, priority)) for name, priority in priorities.items()]
    await asyncio.sleep(0)
    return tasks


async def test_no_more_than_its_size_is_taken() -> None:
    window = Window(3)
    assert [window.take_now() for _ in range(4)] == [True, True, True, False]
    window.give(1)
    assert [window.take_now() for _ in range(2)] == [True, False]


async def test_room_goes_to_the_most_urgent_and_then_to_who_came_first() -> None:
    window, order = Window(0), list[str]()
    tasks = await waiting(window, order, minor=3, lesser=3, extreme=0, severe=1)
    for _ in range(4):
        window.give(1)
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert order == ["extreme", "severe", "minor", "lesser"]


async def test_nobody_overtakes_those_who_wait() -> None:
    window, order = Window(0), list[str]()
    tasks = await waiting(window, order, first=0)
    window.give(1)
    assert not window.take_now()
    await asyncio.gather(*tasks)
    assert order == ["first"]


async def test_a_debt_is_paid_before_anybody_is_let_in() -> None:
    window, order = Window(0), list[str]()
    tasks = await waiting(window, order, only=0)
    window.give(-5)
    window.give(5)
    await asyncio.sleep(0)
    assert order == []
    window.give(1)
    await asyncio.gather(*tasks)
    assert order == ["only"]


async def test_whoever_stopped_waiting_takes_no_room() -> None:
    window, order = Window(0), list[str]()
    gone, stays = await waiting(window, order, gone=0, stays=1)
    gone.cancel()
    await asyncio.sleep(0)
    window.give(1)
    await stays
    assert order == ["stays"]


async def test_a_closed_window_lets_everybody_go_and_nobody_in() -> None:
    window, order = Window(0), list[str]()
    tasks = await waiting(window, order, one=0, two=1)
    window.close()
    await asyncio.gather(*tasks)
    window.give(5)
    assert not await window.take(0)
    assert not window.take_now()
    assert order == []


async def test_it_says_how_far_ahead_it_is_and_how_many_had_to_wait() -> None:
    window = Window(1)
    assert window.take_now()
    waiting = asyncio.create_task(window.take(0))
    await asyncio.sleep(0)
    assert (window.ahead, window.waits(), window.waits()) == (1, 1, 0)
    window.give(1)
    assert await waiting
    window.give(1)
    assert window.ahead == 0


async def test_whoever_comes_after_it_was_to_be_shut_waits_for_the_next_word() -> None:
    window, order = Window(2), list[str]()
    window.open(time.monotonic())
    tasks = await waiting(window, order, minor=3, extreme=0)
    window.give(5)
    await asyncio.sleep(0)
    assert (order, window.is_shut) == ([], True)
    window.open(math.inf)
    await asyncio.gather(*tasks)
    assert (order, window.is_shut, window.ahead) == (["extreme", "minor"], False, -3)


async def test_whoever_waits_for_a_word_is_let_go_when_it_closes() -> None:
    window, order = Window(2), list[str]()
    window.open(time.monotonic())
    tasks = await waiting(window, order, one=0)
    window.close()
    await asyncio.gather(*tasks)
    assert order == []
