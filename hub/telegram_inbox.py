"""The door at which Telegram posts what people do, instead of being asked (core.telegram.org/bots/api#setwebhook).

Its address and what stands in its header are made of the hub's own key: whoever does not know both is told nothing.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from hashlib import blake2b

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - its name


class TelegramInbox:
    """`take` is there while a bot serves what comes in."""

    def __init__(self, key: bytes) -> None:
        """`key` is one that only this hub has."""
        self.path = _made(key, b"tocsin-tg-path")
        self.secret = _made(key, b"tocsin-tg-header")
        self.take: Callable[[bytes], Awaitable[None]] | None = None

    def is_telegram(self, path: str, secret: str) -> bool:
        """Whether whoever knocks knows both secrets; in constant time."""
        known = hmac.compare_digest(path.encode(), self.path.encode())
        return hmac.compare_digest(secret.encode(), self.secret.encode()) and known

    @contextmanager
    def served_by(self, take: Callable[[bytes], Awaitable[None]]) -> Iterator[None]:
        """Updates, each as JSON, go to `take` inside the block."""
        self.take = take
        try:
            yield
        finally:
            self.take = None


def _made(key: bytes, purpose: bytes) -> str:
    return blake2b(key=key[:64], digest_size=24, person=purpose[:16]).hexdigest()


class BotName:
    """The Telegram bot's name, once it has said hello to its server; until then there is no deep link to offer."""

    def __init__(self) -> None:
        self.name: str | None = None

    def __call__(self) -> str | None:
        return self.name
