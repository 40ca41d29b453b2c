"""Waiting for what other processes or tasks do. Whoever asks without a pause takes the processor away from what is to happen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import TypeVar

from hub.publishing.publishing import Progress, Publishing

PATIENCE_S = 120.0
"""For a broken product; no part of any expectation."""
LOOK_S = 0.01

T = TypeVar("T")


async def until(look: Callable[[], T | Awaitable[T]]) -> T:
    """The first answer that is true, of one that comes at once or is awaited."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            found = look()
            said = await found if isawaitable(found) else found
            if said:
                return said
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=LOOK_S)


async def progressed(publishing: Publishing, alert: str, enough: Callable[[Progress], bool] = lambda state: state.finished) -> Progress:
    """How far an alert's delivery is, once that is enough."""

    async def look() -> Progress | None:
        state = await publishing.progress(alert)
        return state if enough(state) else None

    found = await until(look)
    assert found is not None
    return found
