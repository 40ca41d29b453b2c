"""Whether everybody who was planned is settled, or stands in one list that they will be reached from: nobody is lost, nobody comes twice.

Who is owed what a batch carries is what `hub.delivery.ledger` makes of it at its lease. Lists and rows are laid side by side as columns, in
one pass: with a million people under way a query for each batch would take an hour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import LargeBinary, Select, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.commands.broken import Broken, broken
from hub.delivery.sending.outcome import OPEN
from hub.store import tables

ROWS_AT_ONCE = 20_000

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_batch, _counter, _delivery = tables.batch, tables.counter, tables.delivery
_OPEN = [int(outcome) for outcome in OPEN]
_LISTED = select(_batch.c.mailing)


class _Lists(NamedTuple):
    """Everybody in every batch's list."""

    mailing: Ints
    batch: Ints
    address: Ints
    fresh: Flags
    """In a batch that nobody has ever held: whoever leases it hands over to all of them."""


class _Rows(NamedTuple):
    """What is known of each."""

    mailing: Ints
    address: Ints
    outcome: Ints
    batch: Ints


async def planned(connection: AsyncConnection) -> Broken:
    """Of each mailing that has a batch."""
    lists, known = await _lists(connection), await _rows(connection, _delivery.c.mailing.in_(_LISTED))
    settled = ~np.isin(known.outcome, _OPEN)
    there = _each(known.mailing[settled]) + _each(lists.mailing[_owed(lists, known)])
    query = (
        select(_counter.c.mailing, func.sum(_counter.c["count"]))
        .where(_counter.c.outcome == "planned", _counter.c.mailing.in_(_LISTED))
        .group_by(_counter.c.mailing)
    )
    wanted = {mailing: int(count) for mailing, count in await connection.execute(query)}
    return broken(f"mailing {mailing}" for mailing in np.unique(lists.mailing).tolist() if there[mailing] != wanted.get(mailing, 0))


async def tried_again(connection: AsyncConnection) -> Broken:
    """Whoever is not settled: the next try looks for them in the list of their row's batch, and nowhere else."""
    lists, known = await _lists(connection), await _rows(connection, _delivery.c.outcome.in_(_OPEN))
    batches = _pairs(np.append(lists.mailing, known.mailing), np.append(lists.batch, known.batch))
    listed, waiting = np.split(_pairs(batches, np.append(lists.address, known.address)), [len(lists.batch)])
    return broken(f"mailing {mailing}" for mailing in np.unique(known.mailing[~np.isin(waiting, listed)]).tolist())


def _owed(lists: _Lists, known: _Rows) -> Flags:
    """Who of the lists is reached from there: of whom nothing is known, or that they wait in that very batch."""
    listed, rows = np.split(_pairs(np.append(lists.mailing, known.mailing), np.append(lists.address, known.address)), [len(lists.address)])
    if not len(rows):
        return np.ones(len(listed), dtype=np.bool_)
    order = np.argsort(rows)
    row = order[np.minimum(np.searchsorted(rows, listed, sorter=order), len(rows) - 1)]
    waits_here: Flags = np.isin(known.outcome[row], _OPEN) & (known.batch[row] == lists.batch)
    return np.asarray(lists.fresh | (rows[row] != listed) | waits_here)


async def _lists(connection: AsyncConnection) -> _Lists:
    # On SQLite a column holds whatever somebody wrote into it: a text is not to end the look at everything else.
    listed = cast(_batch.c.addresses, LargeBinary).label("addresses")
    rows = (await connection.execute(select(_batch.c.mailing, _batch.c.id, _batch.c.node, listed))).all()
    parts = [np.frombuffer(row.addresses, "<i8", len(row.addresses) // 8) for row in rows]
    lengths = [len(part) for part in parts]

    def each(values: Sequence[int]) -> Ints:
        return np.repeat(np.array(values, dtype=np.int64), lengths)

    mailing, batch, fresh = each([row.mailing for row in rows]), each([row.id for row in rows]), each([row.node is None for row in rows])
    return _Lists(mailing, batch, np.concatenate([np.zeros(0, dtype=np.int64), *parts]), fresh.astype(np.bool_))


async def _rows(connection: AsyncConnection, among: Any) -> _Rows:
    query: Select[Any] = select(*(_delivery.c[name] for name in _Rows._fields)).where(among)
    width = len(_Rows._fields)
    parts = [
        np.fromiter(chain.from_iterable(rows), np.int64, width * len(rows)).reshape(-1, width)
        async for rows in (await connection.stream(query)).partitions(ROWS_AT_ONCE)
    ]
    return _Rows(*np.concatenate([np.zeros((0, width), dtype=np.int64), *parts]).T)


def _pairs(one: Ints, other: Ints) -> Ints:
    """A number for each pair, the same for the same."""
    firsts, seconds = (np.unique(column, return_inverse=True) for column in (one, other))
    return np.asarray(firsts[1] * len(seconds[0]) + seconds[1], dtype=np.int64)


def _each(mailings: Ints) -> Counter[int]:
    numbers, counts = np.unique(mailings, return_counts=True)
    return Counter(dict(zip(numbers.tolist(), counts.tolist(), strict=True)))
