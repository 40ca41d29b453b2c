"""Which of a channel's providers hand-overs go through now, on all nodes: what a forecast and the size of a batch rest on.

Credits do not: each sender gets those of the provider that it uses itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

KEPT_S = 3.0
"""What was said of a sender counts for so long; it is said each second."""
_FIRST = (1,)


def body(in_use: Mapping[str, int]) -> bytes:
    """A signal's body: channel → place of a provider that is not the first."""
    return " ".join(f"{channel}:{place}" for channel, place in in_use.items()).encode()


class InUse:
    """Called with a channel it answers with the places of the providers in use."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._heard: dict[str, dict[int, float]] = {}

    def heard(self, body: bytes) -> None:
        """A sender of some node said so."""
        for word in body.decode("ascii", "replace").split():
            channel, _, place = word.partition(":")
            if place.isdecimal():
                self._heard.setdefault(channel, {})[int(place)] = self._timer()

    def __call__(self, channel: str) -> Collection[int]:
        """Never none."""
        now = self._timer()
        return [place for place, at in self._heard.get(channel, {}).items() if now - at <= KEPT_S] or _FIRST
