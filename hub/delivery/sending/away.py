"""In a sender: channels of which no provider can be reached from here now. Whoever waits for one goes back to the ledger at once.

Another sender may have a way that this one lacks: a bind of its own, another node's network. What is given back costs no credit, so the
rate that all share goes to those who can use it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from channels.contract import Channel, Guarded, NotAsked, TryAgain
from hub.delivery.sending.frames import To
from hub.delivery.sending.lanes import Job, Lane


class Away:
    """`tell` says to the coordinator what this sender does; `put_off` reports people who were not begun."""

    def __init__(self, tell: Callable[[], None], put_off: Callable[[list[tuple[Job, To, TryAgain]]], None]) -> None:
        self._tell, self._put_off = tell, put_off
        self._watched: dict[str, tuple[Guarded, Lane]] = {}

    def watch(self, name: str, channel: Channel, lane: Lane) -> None:
        """The channel's hand-overs are begun in this lane."""
        if isinstance(channel, Guarded):
            self._watched[name] = channel, lane
            channel.when_moved(partial(self._moved, name))

    @property
    def until(self) -> dict[str, float]:
        """Channel → until when nobody is asked, by `time.monotonic`; past when one person may try."""
        now = time.monotonic()
        return {name: now + away_s for name, (channel, _) in self._watched.items() if (away_s := channel.away_s) is not None}

    def turn_back(self, name: str) -> None:
        """Whoever waits for a channel that is left alone now."""
        channel, lane = self._watched.get(name, (None, None))
        if channel is None or lane is None or not (away_s := channel.away_s):
            return
        again = NotAsked("no provider can be reached now", away_s, away=True)
        self._put_off([(job, to, again) for job, waiting in lane.drop(lambda _: False) for to in waiting])

    def _moved(self, name: str) -> None:
        self._tell()  # first, so that who is turned back is not given to this sender again
        self.turn_back(name)
