"""Whose turn it is: batches that are due, the most urgent first, and of small ones as many as make a handful of people."""

from __future__ import annotations

from typing import Any

from hub.store.driver import Connection

SMALL = 8
"""People in a batch that goes along with others: most letters have one."""

_DUE_OF_ANY_SIZE = (
    "SELECT b.id, b.mailing, m.purpose, m.alert, m.parameters, b.channel, b.language, b.simulated, b.discreet, b.priority,"
    " b.turn, b.attempt, m.created_at, m.expires_at, b.addresses, m.state, b.node, b.held, m.waits_for"
    " FROM batch b JOIN mailing m ON m.id=b.mailing"
    " WHERE b.channel=? AND b.state=0 AND b.priority<? AND b.due_at<=?"
    " AND (b.held=0 OR m.expires_at>? OR m.state='stopped' OR m.purpose<>'alert')"
    " AND b.id NOT IN (SELECT j.value FROM ids(?) j)"
)
_IN_TURN = " ORDER BY b.priority, b.turn, b.id LIMIT ? FOR UPDATE OF b SKIP LOCKED"
_DUE = _DUE_OF_ANY_SIZE + _IN_TURN
_DUE_SMALL = f"{_DUE_OF_ANY_SIZE} AND length(b.addresses)<=?{_IN_TURN}"


def next_in_turn(connection: Connection, channel: str, limit: int, above: int, now: int, together: int) -> list[tuple[Any, ...]]:
    """Up to `limit` batches, and small ones beyond while all of them have no more than `together` people."""
    rows = connection.execute(_DUE, (channel, above, now, now, connection.ids(()), limit)).fetchall()
    room = together - sum(len(row[14]) // 8 for row in rows)
    if not rows or room <= 0:
        return rows
    taken = connection.ids(row[0] for row in rows)
    for row in connection.execute(_DUE_SMALL, (channel, above, now, now, taken, 8 * SMALL, room)).fetchall():
        room -= len(row[14]) // 8
        if room < 0:
            break
        rows.append(row)
    return rows
