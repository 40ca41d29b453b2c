"""Addresses that a provider called dead, on their way to being closed.

Beside the ledger's commits: closing one is a change of subscriptions, which waits for the writers of all nodes, and no hand-over may.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from subscriptions.opting_out import Tried

AGAIN_AFTER_S = 1.0
LAST_S = 1.0
"""For those of the last receipts. What is not closed then will be called dead again."""

log = structlog.get_logger()


class DeadAddresses:
    """Use with `async with`, around whatever notes them."""

    def __init__(self, close: Callable[[Sequence[Tried]], Awaitable[None]]) -> None:
        """`close` closes addresses, each as it was tried: a browser may have exchanged its own meanwhile."""
        self._close = close
        self._noted: list[Tried] = []
        self._some = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def note(self, addresses: Sequence[Tried]) -> None:
        """To be closed soon."""
        if addresses:
            self._noted += addresses
            self._some.set()

    async def __aenter__(self) -> DeadAddresses:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None  # noqa: S101 - entered
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                await self._close_noted()

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            if not await self._close_noted():
                await asyncio.sleep(AGAIN_AFTER_S)
                self._some.set()

    async def _close_noted(self) -> bool:
        noted = list(self._noted)
        if not noted:
            return True
        try:
            await self._close(noted)
        except Exception:  # a database that is away comes back
            log.exception("dead_addresses_not_closed", count=len(noted))
            return False
        del self._noted[: len(noted)]
        return True
