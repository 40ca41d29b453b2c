"""Who may begin how many hand-overs of a channel whose provider allows only so many a second.

N senders are not N limits, and neither are N nodes: the limit is asked for each few, and whoever holds the most urgent people gets them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from hub.delivery.handle import Handle
from hub.delivery.rate_limit import RateLimit

TICK_S = 0.05

log = structlog.get_logger()


class Credits:
    """`run` until cancelled; `grant` at once when somebody was given work."""

    def __init__(
        self, rate_limit: RateLimit, rate_of: Callable[[str, bool], float | None], handles: Callable[[], Sequence[Handle]]
    ) -> None:
        self._rate_limit, self._rate_of, self._handles = rate_limit, rate_of, handles
        self._granting = asyncio.Lock()
        self._wanted = asyncio.Event()

    async def run(self) -> None:
        """Grant as time goes by, while anybody needs it."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(TICK_S)
            try:
                await self.grant()
            except Exception:  # process boundary: the next tick tries again
                log.exception("grant_failed")
                self._wanted.set()

    async def grant(self) -> None:
        """As much as the limits allow now."""
        async with self._granting:
            for channel in sorted({channel for handle in self._handles() for channel in handle.limited_channels}):
                await self._grant(channel)

    async def _grant(self, channel: str) -> None:
        per_second = self._rate_of(channel, False)
        wishes = sorted(
            ((*handle.wants(channel), index, handle) for index, handle in enumerate(self._handles())), key=lambda wish: wish[:3]
        )
        for _, count, _, handle in wishes:
            if count <= 0:
                continue
            granted = count if per_second is None else await self._rate_limit.take(channel, per_second, count)
            if granted:
                handle.credit(channel, granted)
            if granted < count:
                self._wanted.set()
                return
