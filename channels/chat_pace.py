"""How often one chat may get a message: one a second, and a group twenty a minute (core.telegram.org/bots/faq#broadcasting-to-users).

Telegram lets short bursts pass and then refuses for far longer than the pace would have cost, so the pace is kept here.
"""

from __future__ import annotations

from collections.abc import Callable

PERSON_S = 1.0
GROUP_S = 3.0


class ChatPace:
    """For one process. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._free_at: dict[int, float] = {}
        """Chat → when it may get its next message, in the order of their last ones."""

    def wait_s(self, chat: int) -> float:
        """0 and the chat's turn is taken, or the seconds until there is one. Groups have negative numbers."""
        now = self._monotonic()
        self._forget(now)
        free_at = self._free_at.pop(chat, now)
        if free_at > now:
            self._free_at[chat] = free_at
            return free_at - now
        self._free_at[chat] = now + (GROUP_S if chat < 0 else PERSON_S)
        return 0.0

    def _forget(self, now: float) -> None:
        while self._free_at:
            chat = next(iter(self._free_at))
            if self._free_at[chat] > now:
                return
            del self._free_at[chat]
