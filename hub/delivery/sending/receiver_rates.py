"""Who in a sender waits for one receiver's rate, and what the coordinator, which grants it for all senders and nodes, is told of that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from hub.delivery.sending.frames import To, Wanted
from hub.delivery.sending.lanes import Job, Lane
from hub.delivery.sending.pace import Pace


class ReceiverRates:
    """`tell` sends a frame to the coordinator."""

    def __init__(self, tell: Callable[[Wanted], None]) -> None:
        self._tell = tell
        self._changed: dict[Pace, Lane] = {}

    def must_wait(self, lane: Lane, job: Job, to: To, provider: int, address: str) -> bool:
        """Whether the turn waits for its receiver's rate. Raises TryAgain when it would wait for long."""
        pace = lane.pace(job.work.message.purpose, address)
        if pace is None or pace.begin():
            return False
        if lane.crowd(pace) >= pace.room and lane.waits(pace, job.priority)[1] >= pace.room:
            raise pace.put_off(job.priority)
        lane.park(pace, job, to, provider)
        self._ask(lane, pace)
        return True

    def granted(self, lanes: Iterable[Lane], key: str, count: int) -> None:
        """So many of those who wait for a receiver may begin."""
        for lane in lanes:
            if (pace := lane.paces.get(key)) is not None:
                lane.granted(pace, count)

    def look_after(self, lane: Lane) -> None:
        """Each second: whoever waits no more for another reason is not asked for any more."""
        for pace in lane.paces.values():
            if pace.told != lane.crowd(pace):
                self._ask(lane, pace)

    def _ask(self, lane: Lane, pace: Pace) -> None:
        """Once for all that happens in this turn of the loop."""
        if not self._changed:
            asyncio.get_running_loop().call_soon(self._tell_changed)
        self._changed[pace] = lane

    def _tell_changed(self) -> None:
        for pace, lane in self._changed.items():
            priority, pace.told = lane.waits(pace)
            self._tell(Wanted(pace.key, pace.per_second, priority, pace.told))
        self._changed.clear()
