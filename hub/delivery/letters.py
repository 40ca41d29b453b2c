"""Texts to one address that are not alerts: confirmations, one-use links, notices. They go the way of every alert, through the ledger.

Satisfies `subscriptions.post.Post`: a letter is written in the same transaction as what it tells of, so neither exists without the other.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.clock import Clock, milliseconds
from hub.delivery.ledger_sql import AT_ONCE
from hub.store import tables
from subscriptions import languages
from subscriptions.post import Letter
from subscriptions.store.prepared import Prepared, insert_row

PRIORITY = 1
"""Behind Extreme alerts, before everything else: somebody waits for it with the page open."""
VALID_MS = 24 * 3600 * 1000

_OWE = Prepared(text("INSERT INTO catch_up(subscriber) VALUES (:subscriber) ON CONFLICT(subscriber) DO UPDATE SET asked=catch_up.asked+1"))


class Letters:
    """Writes letters into the ledger. `wake` is told of them, and whether somebody is owed what is live."""

    def __init__(self, clock: Clock, wake: Callable[[bool], None]) -> None:
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
        number = await insert_row(connection, tables.mailing, mailing, tables.mailing.c.id)
        batch = {
            "mailing": number,
            "channel": letter.channel,
            "language": languages.tag(letter.language),
            "simulated": int(letter.simulated),
            "discreet": int(letter.discreet),
            "priority": PRIORITY,
            "due_at": AT_ONCE,
            "attempt": 1,
            "state": 0,
            "addresses": np.array([letter.address], dtype="<i8").tobytes(),
        }
        await insert_row(connection, tables.batch, batch)
        counter = {"mailing": number, "channel": letter.channel, "outcome": "planned", "node": 0, "count": 1}
        await insert_row(connection, tables.counter, counter)

    async def live_for(self, connection: AsyncConnection, subscriber: int) -> None:
        """Owe this person what is still live at their places; the planner pays it after the commit, and again after a crash."""
        await _OWE.all(connection, subscriber=subscriber)

    def wake(self, *, live: bool) -> None:
        """After the commit."""
        self._wake(live)
