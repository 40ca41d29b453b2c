"""Whose turn it is: batches that are due, the most urgent first, and of small ones as many as make a handful of people.

Of those that are equally urgent, batches that were put off have no more than every other turn while any wait that nobody has tried: a
provider that refuses one group again and again must not use up its rate on them.
"""

from __future__ import annotations

from typing import Any

from hub.store.driver import Connection

SMALL = 8
"""People in a batch that goes along with others: most letters have one."""

TRIED_BEFORE = 2**48
"""Turns of batches that were put off begin here, and go by when they are due; those of all others are counted from 0."""
NEVER = 2**62
"""Behind the turn of everybody."""

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
_DUE_AGAIN = f"{_DUE_OF_ANY_SIZE} AND b.priority=? AND b.turn>=?{_IN_TURN}"
_DUE_SMALL = f"{_DUE_OF_ANY_SIZE} AND length(b.addresses)<=? AND b.turn>=? AND b.turn<?{_IN_TURN}"


def turn_of_tried(due_at: int) -> int:
    """The turn of those who were put off until then (milliseconds since 1970)."""
    return TRIED_BEFORE + due_at


class Turns:
    """What one node leases, and in what order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._fresh_last: dict[tuple[str, int], int] = {}
        """Channel and priority of which the last turn was theirs whom nobody has tried → how many people that were."""

    def where_it_stands(self, channel: str, priority: int) -> int:
        """The turn of whoever joins the queue: neither behind all who came before, nor they behind the newcomer."""
        for query in (
            "SELECT MAX(turn) FROM batch WHERE channel=? AND state=1 AND priority=? AND turn<?",
            "SELECT MIN(turn) FROM batch WHERE channel=? AND state=0 AND priority=? AND turn<?",
        ):
            (turn,) = self._connection.execute(query, (channel, priority, TRIED_BEFORE)).fetchone()
            if turn is not None:
                return int(turn)
        return 0

    def next(self, channel: str, limit: int, above: int, now: int, together: int) -> list[tuple[Any, ...]]:
        """Up to `limit` batches, and small ones beyond while all of them have no more than `together` people."""
        asked = (channel, above, now, now, self._connection.ids(()))
        rows = self._connection.execute(_DUE, (*asked, limit)).fetchall()
        if not rows:
            return rows
        queue, tried = (channel, rows[0][9]), rows[0][10] >= TRIED_BEFORE
        last = self._fresh_last.get(queue)
        if last is not None and not tried:
            again = self._connection.execute(_DUE_AGAIN, (*asked, queue[1], TRIED_BEFORE, 1)).fetchall()
            if again:
                rows, tried, together = again, True, min(together, last)
        rows += self._small(channel, above, now, together, rows, (TRIED_BEFORE, NEVER) if tried else (0, TRIED_BEFORE))
        if tried:
            self._fresh_last.pop(queue, None)
        else:
            self._fresh_last[queue] = _people(rows)
        return rows

    def _small(
        self, channel: str, above: int, now: int, together: int, rows: list[tuple[Any, ...]], turns: tuple[int, int]
    ) -> list[tuple[Any, ...]]:
        """What goes along with these, of the same turns."""
        room, small = together - _people(rows), list[tuple[Any, ...]]()
        if room <= 0:
            return small
        taken = self._connection.ids(row[0] for row in rows)
        for row in self._connection.execute(_DUE_SMALL, (channel, above, now, now, taken, 8 * SMALL, *turns, room)).fetchall():
            room -= len(row[14]) // 8
            if room < 0:
                break
            small.append(row)
        return small


def _people(rows: list[tuple[Any, ...]]) -> int:
    return sum(len(row[14]) // 8 for row in rows)
