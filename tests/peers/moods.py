"""A provider in bad moods: some requests it answers at once, others at first in one of the ways in which real ones fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Sequence
from random import Random

from tests.peers.http_sink import BROKEN_REFUSAL, CLOSE, ENDLESS_SUCCESS, GARBAGE, HANG, RESET, Fault, Reply, Request

RETRY_AFTER_S = 2
BUSY = Reply(429, {"Retry-After": str(RETRY_AFTER_S)})
BAD = (BUSY, Reply(500), Reply(503, {"Retry-After": "1"}), RESET, CLOSE, GARBAGE, BROKEN_REFUSAL)
TAKEN = (Reply(), Reply(202, body=b"x" * 3000), ENDLESS_SUCCESS)
"""Successes, the last with a body that never ends."""


class Moods:
    """A `Responder`. Of the things that `key` tells apart, a share of one in `every` is answered by some of `bad` before it is taken."""

    def __init__(
        self, random: Random, key: Callable[[Request], Hashable], *, every: int = 5, bad: Sequence[Reply | Fault] = BAD, hangs: int = 0
    ) -> None:
        self._random, self._key, self._every, self._bad = random, key, every, bad
        self._hangs = hangs
        self._left: dict[Hashable, list[Reply | Fault]] = {}
        self._not_before: dict[Hashable, float] = {}
        self.too_early = 0
        """Requests that came before the time which Retry-After had named."""

    def __call__(self, request: Request) -> Reply | Fault:
        key = self._key(request)
        if time.monotonic() < self._not_before.get(key, 0.0):
            self.too_early += 1
        if key not in self._left:
            self._left[key] = self._first()
        answer = self._left[key].pop() if self._left[key] else self._random.choices(TAKEN, (50, 5, 1))[0]
        if answer is BUSY:
            self._not_before[key] = time.monotonic() + RETRY_AFTER_S
        return answer

    def _first(self) -> list[Reply | Fault]:
        if self._hangs:
            self._hangs -= 1
            return [HANG]
        if self._random.randrange(self._every):
            return []
        return self._random.choices(self._bad, k=self._random.choice((1, 1, 2)))


def is_taken(answer: Reply | Fault) -> bool:
    """Whether a sender must take it for a success."""
    return answer is ENDLESS_SUCCESS or (isinstance(answer, Reply) and 200 <= answer.status < 300)


def is_refused(answer: Reply | Fault) -> bool:
    """Whether a sender must take it for a refusal, after which nothing has been handed over."""
    return answer is BROKEN_REFUSAL or (isinstance(answer, Reply) and not is_taken(answer))
