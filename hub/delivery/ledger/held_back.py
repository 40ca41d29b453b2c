"""What quiet hours held back until it was over: nobody gets an alert that has run out, but everybody is told what they missed (S8).

In quiet hours that have begun meanwhile, or last longer by now, they are not woken by that; and whoever has paused is not told.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import msgspec
import numpy as np

from hub.delivery.ledger.batches import HELD, Planned
from hub.delivery.ledger.statements import Statements
from hub.delivery.sending.outcome import Outcome
from hub.store.driver import Connection
from subscriptions.quiet_hours import WaitsFor

PRIORITY = 4
"""Behind every alert that is going out."""
VALID_MS = 24 * 3600 * 1000

_HELD_OVER = (
    " FROM batch b JOIN mailing m ON m.id=b.mailing WHERE b.held=1 AND b.state=0 AND b.due_at<=? AND m.expires_at<=? AND m.state<>'stopped'"
    " AND m.purpose='alert'"  # a notice that waited in its turn, and too long, only ends
)


class _Way(NamedTuple):
    """What the recipients of one notice have in common."""

    channel: str
    language: str
    simulated: int
    discreet: int


def is_any(connection: Connection, now: int) -> bool:
    """Whether quiet hours have ended for somebody for whom an alert ran out meanwhile."""
    return connection.execute(f"SELECT 1{_HELD_OVER} LIMIT 1", (now, now)).fetchone() is not None


def tell(connection: Connection, statements: Statements, now: int) -> None:
    """Close those, and queue a notice: one for each person, of all that they missed. For the inside of a transaction."""
    query = f"SELECT b.id, b.mailing, m.alert, b.addresses, b.channel, b.language, b.simulated, b.discreet{_HELD_OVER} ORDER BY b.id"
    missed: dict[_Way, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for batch, mailing, alert, addresses, *rest in connection.execute(f"{query} FOR UPDATE OF b SKIP LOCKED", (now, now)).fetchall():
        way, ids = _Way(*rest), np.frombuffer(addresses, dtype="<i8").tolist()
        statements.let_go(batch, mailing, way.channel, len(ids))
        statements.close(batch, mailing, way.channel, Outcome.HELD_EXPIRED, ids, now)
        connection.execute("DELETE FROM batch WHERE id=?", (batch,))
        for address in ids:
            missed[way][address].append(alert)
    for way, of_person in missed.items():
        alike: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for address, alerts in of_person.items():
            alike[tuple(alerts)].append(address)
        for missed_alike, people in alike.items():
            _add_notice(connection, statements, way, missed_alike, people, now)


def _add_notice(connection: Connection, statements: Statements, way: _Way, alerts: tuple[int, ...], addresses: list[int], now: int) -> None:
    parameters = msgspec.json.encode({"notice": HELD, "alerts": " ".join(map(str, alerts))}).decode()
    (mailing,) = connection.execute(
        "INSERT INTO mailing(purpose, parameters, priority, state, matched, created_at, planned_at, expires_at)"
        " VALUES ('notice', ?, ?, 'launched', 0, ?, ?, ?) RETURNING id",
        (parameters, PRIORITY, now, now, now + VALID_MS),
    ).fetchone()
    ids = np.array(sorted(addresses), dtype=np.int64)
    part = Planned(way.channel, way.language, bool(way.simulated), ids, discreet=bool(way.discreet))
    statements.plan(mailing, len(ids), [part], now, WaitsFor.EVERYBODY)
