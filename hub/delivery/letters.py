"""Texts to one address that are not alerts: confirmations, one-use links, notices. They go the way of every alert, through the ledger.

Satisfies `subscriptions.post.Post`: a letter is written in the same transaction as what it tells of, so neither exists without the other.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from sqlalchemy import insert
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.clock import Clock, milliseconds
from hub.delivery.ledger_sql import AT_ONCE
from hub.store import tables
from subscriptions import languages
from subscriptions.post import Letter

PRIORITY = 1
"""Behind Extreme alerts, before everything else: somebody waits for it with the page open."""
VALID_MS = 24 * 3600 * 1000


class Letters:
    """Writes letters into the ledger. `wake` is the coordinator's signal."""

    def __init__(self, clock: Clock, wake: Callable[[], None]) -> None:
        self._clock, self._wake = clock, wake

    async def enqueue(self, connection: AsyncConnection, letter: Letter) -> None:
        """One mailing of one batch with one address."""
        now = milliseconds(self._clock)
        mailing = {
            "purpose": letter.purpose,
            "parameters": msgspec.json.encode(letter.parameters).decode(),
            "priority": PRIORITY,
            "state": "planned",
            "matched": 1,
            "created_at": now,
            "planned_at": now,
            "expires_at": now + VALID_MS,
        }
        (number,) = (await connection.execute(insert(tables.mailing).values(mailing).returning(tables.mailing.c.id))).one()
        batch = {
            "mailing": number,
            "channel": letter.channel,
            "language": languages.tag(letter.language),
            "simulated": int(letter.simulated),
            "priority": PRIORITY,
            "due_at": AT_ONCE,
            "attempt": 1,
            "state": 0,
            "addresses": np.array([letter.address], dtype="<i8").tobytes(),
        }
        await connection.execute(insert(tables.batch).values(batch))
        await connection.execute(insert(tables.counter).values(mailing=number, channel=letter.channel, outcome="planned", count=1))

    async def live_for(self, connection: AsyncConnection, subscriber: int) -> None:
        """Owe this person what is still live at their places; the planner pays it after the commit, and again after a crash."""
        again = {"asked": tables.catch_up.c.asked + 1}
        debt = upsert(tables.catch_up).values(subscriber=subscriber)
        await connection.execute(debt.on_conflict_do_update(index_elements=[tables.catch_up.c.subscriber], set_=again))

    def wake(self) -> None:
        """After the commit."""
        self._wake()
