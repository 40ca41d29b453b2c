"""Texts to one address that are not alerts: confirmations, one-use links, notices. They go the way of every alert, through the ledger.

Satisfies `subscriptions.post.Post`: a letter is written in the same transaction as what it tells of, so neither exists without the other.
When many people sign up at once, most letters of a transaction say the same, and are one mailing, as an alert to many is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np
from sqlalchemy import bindparam, delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.clock import Clock, milliseconds
from hub.delivery.ledger.batches import batch_size
from hub.delivery.ledger.statements import AT_ONCE
from hub.store import tables
from hub.store.database import Database
from subscriptions import languages
from subscriptions.post import Letter
from subscriptions.store.prepared import Prepared, insert_row

PRIORITY = 1
"""Behind Extreme alerts, before everything else: somebody waits for it with the page open."""
VALID_MS = 24 * 3600 * 1000

_OWE = Prepared(text("INSERT INTO catch_up(subscriber) VALUES (:subscriber) ON CONFLICT(subscriber) DO UPDATE SET asked=catch_up.asked+1"))
_FORGET = Prepared(
    # By each mailing's key: rows are ordered by mailing, and there is no index by address.
    delete(tables.posted).where(
        tables.posted.c.mailing.in_(select(tables.mailing.c.id).where(tables.mailing.c.alert.is_not(None))),
        tables.posted.c.address == bindparam("address"),
    )
)


class Letters:
    """Writes letters into the ledger. `wake` is told of them, and whether somebody is owed what is live; `rate_of` says how many a second
    a channel takes."""

    def __init__(
        self, database: Database, clock: Clock, wake: Callable[[bool], None], *, rate_of: Callable[[str, bool], float | None]
    ) -> None:
        self._database, self._clock, self._wake, self._rate_of = database, clock, wake, rate_of

    async def enqueue(self, connection: AsyncConnection, letter: Letter) -> None:
        """To be written when the transaction ends, with all that say the same."""
        self._database.leave(connection, self._write_all, letter)

    async def _write_all(self, connection: AsyncConnection, letters: list[Letter]) -> None:
        for alike in _alike(letters):
            await self._write(connection, alike)

    async def _write(self, connection: AsyncConnection, letters: Sequence[Letter]) -> None:
        """One mailing."""
        now, said = milliseconds(self._clock), letters[0]
        mailing = {
            "purpose": said.purpose,
            "parameters": msgspec.json.encode(said.parameters).decode(),
            "priority": PRIORITY,
            "state": "planned",
            "matched": len({letter.subscriber for letter in letters}),
            "created_at": now,
            "planned_at": now,
            "expires_at": now + VALID_MS,
        }
        number = await insert_row(connection, tables.mailing, mailing, tables.mailing.c.id)
        batch = {
            "mailing": number,
            "channel": said.channel,
            "language": languages.tag(said.language),
            "simulated": int(said.simulated),
            "discreet": int(said.discreet),
            "priority": PRIORITY,
            "due_at": AT_ONCE,
            "attempt": 1,
            "state": 0,
        }
        size = batch_size(self._rate_of(said.channel, said.simulated))
        for start in range(0, len(letters), size):
            addresses = np.array([letter.address for letter in letters[start : start + size]], dtype="<i8")
            await insert_row(connection, tables.batch, batch | {"addresses": addresses.tobytes()})
        counter = {"mailing": number, "channel": said.channel, "outcome": "planned", "node": 0, "count": len(letters)}
        await insert_row(connection, tables.counter, counter)

    async def live_for(self, connection: AsyncConnection, subscriber: int) -> None:
        """Owe this person what is still live at their places; the planner pays it after the commit, and again after a crash."""
        await _OWE.all(connection, subscriber=subscriber)

    async def moved(self, connection: AsyncConnection, address: int) -> None:
        """Nothing is answered or struck through by a number of the old chat: in the new one it is another message's."""
        await _FORGET.all(connection, address=address)

    def wake(self, *, live: bool) -> None:
        """After the commit."""
        self._wake(live)


def _alike(letters: Iterable[Letter]) -> list[list[Letter]]:
    """Those that say the same in the same way, as they came; no address twice among them, since a mailing reaches each once."""
    found: dict[tuple[object, ...], list[Letter]] = {}
    copies = Counter[tuple[object, ...]]()
    for letter in letters:
        said = (letter.purpose, letter.channel, letter.language, letter.simulated, letter.discreet, *sorted(letter.parameters.items()))
        copies[letter.address, *said] += 1
        found.setdefault((copies[letter.address, *said], *said), []).append(letter)
    return list(found.values())
