"""Long polling of a Bot API server (core.telegram.org/bots/api#getupdates), one question after the other.

Updates come as plain JSON, each to be read by itself: one that no reader understands must not hold back all others. A server that is away
is asked again with growing pauses, for as long as the hub runs.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from aiogram import Bot
from aiogram.exceptions import AiogramError, TelegramRetryAfter
from aiogram.methods import TelegramMethod

POLL_S = 25
"""How long the server may keep a question open when there is nothing to tell."""
ANSWER_S = 10
"""How much longer we wait for its answer."""
PAUSE_S = (0.5, 30.0)
"""Before the first repetition after a fault, and the longest one."""

log = structlog.get_logger("bot")


class RawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates, whose answer is left as it is."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    timeout: int | None = None
    allowed_updates: list[str] | None = None


class Pause:
    """How long to wait after faults that follow each other."""

    def __init__(self, pause_s: tuple[float, float]) -> None:
        self._pause_s = pause_s
        self._faults = 0

    def over(self) -> None:
        """It works again."""
        self._faults = 0

    async def after(self, error: AiogramError) -> None:
        """Wait; as long as the server asks for, when it does."""
        first, longest = self._pause_s
        pause = min(longest, first * 2 ** min(self._faults, 16)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        if isinstance(error, TelegramRetryAfter):
            pause = max(pause, float(error.retry_after))
        self._faults += 1
        # Only the kind of fault: the URL in an error's text holds the token.
        log.warning("telegram_unreachable", error=type(error).__name__, faults=self._faults, again_in_s=round(pause, 1))
        await asyncio.sleep(pause)

    async def until_done(self, ask: Callable[[], Awaitable[None]]) -> None:
        """Ask again and again until it succeeds."""
        while True:
            try:
                await ask()
            except AiogramError as error:
                await self.after(error)
            else:
                self.over()
                return


class Poller:
    """Asks for updates of some kinds, and hands them on in order."""

    def __init__(self, bot: Bot, serve: Callable[[list[dict[str, Any]]], Awaitable[None]], kinds: Sequence[str]) -> None:
        self._bot, self._serve, self._kinds = bot, serve, list(kinds)
        self._offset: int | None = None

    async def run(self, pause: Pause) -> None:
        """Until cancelled."""
        while True:
            try:
                question = RawUpdates(offset=self._offset, timeout=POLL_S, allowed_updates=self._kinds)
                updates = await self._bot(question, request_timeout=POLL_S + ANSWER_S)
            except AiogramError as error:
                await pause.after(error)
                continue
            pause.over()
            if updates:
                await self._serve(updates)
                self._offset = max(update["update_id"] for update in updates) + 1
