"""Receipts on their way to the coordinator: gathered for a moment, since a frame costs the same for one and for many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from channels.contract import Receipt
from hub.delivery.sending.frames import THREADED, Receipts, Row
from hub.delivery.sending.lanes import Job
from hub.delivery.sending.outcome import Outcome

HANDED_OVER = Row(0, Outcome.HANDED_OVER, 0)
"""Stands for everyone of whom nothing more is to be said than whose it was and when."""
GATHER_ROWS = 64
GATHER_S = 0.01


class Reports:
    """What was not said yet of all batches of one sender."""

    def __init__(self, say: Callable[[Receipts], None]) -> None:
        self._say = say
        self._unsaid: list[Job] = []
        self._timer: asyncio.TimerHandle | None = None

    def handed_over(self, job: Job, address: int, at: float) -> None:
        """The usual end, of which nothing is said but whose and when (seconds since 1970)."""
        if not job.handed_over:
            job.first_at = at
        job.last_at = at
        job.handed_over.append(address)
        self._count(job)

    def ended(self, job: Job, row: Row) -> None:
        """Any other."""
        job.rows.append(row)
        self._count(job)

    def _count(self, job: Job) -> None:
        if not job.unsaid:
            self._unsaid.append(job)
        job.unsaid += 1
        job.left -= 1
        if job.unsaid >= GATHER_ROWS or not job.left:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.flush)

    def flush(self) -> None:
        """Say all of it now."""
        self.close()
        for job in self._unsaid:
            said = Receipts(
                job.work.batch, job.rows, job.handed_over, int(job.first_at * 1000), int(job.last_at * 1000), finished=not job.left
            )
            job.rows, job.handed_over, job.unsaid = [], [], 0
            self._say(said)
        self._unsaid.clear()

    def close(self) -> None:
        """Say nothing more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def row_of_receipt(receipt: Receipt, channel: str, address: int, at: float) -> Row:
    """What is to be said of somebody whom a provider took, at a time in seconds since 1970: HANDED_OVER as a rule."""
    posted = int(receipt.provider_id) if receipt.provider_id and channel in THREADED else None
    if posted is None and receipt.copy is None and not receipt.simulated:
        return HANDED_OVER
    outcome = Outcome.SIMULATED if receipt.simulated else Outcome.HANDED_OVER
    return Row(address, outcome, int(at * 1000), copy=receipt.copy, posted=posted)
