"""What becomes of messages that were under way at the moment of a snapshot, when a hub is made from it.

The hub that was lost went on after the snapshot. Whoever was still waiting then may have been reached since, so nobody gets it again
unasked: they are settled as *uncertain*, which is the end of it for the ledger, and which corrections and call-offs go to. A person who
knows that the lost hub sent nothing more restores with `resume`: then all of them are tried, and counted as possible duplicates.
"""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.delivery.sending.outcome import OPEN, Outcome
from hub.store import tables
from subscriptions.store import tables as people

NOBODY = 0
"""The node in whose name it is counted: none that ever ran."""

_delivery, _batch, _mailing, _counter = tables.delivery, tables.batch, tables.mailing, tables.counter


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """What was under way."""

    messages: int
    """Deliveries that are uncertain now; with `resume` those that go out again."""
    alerts: tuple[str, ...]
    """Live alerts that had not reached everyone."""
    unplanned: tuple[str, ...]
    """Alerts that had just gone live: who was to get them is not in the snapshot, so nobody is known to have been reached.
    They stay live."""
    owed: int
    """People who had just joined or moved and were owed what was live."""
    awaiting_approval: int
    """Alerts that wait for a second person, and may have been approved since."""


async def settle(connection: AsyncConnection, taken_at: int, *, resume: bool) -> Unfinished:
    """Inside the transaction that restores; `taken_at` is the moment of the snapshot in milliseconds since 1970."""
    alerts, unplanned = await _alerts(connection, "planned"), await _alerts(connection, "launched")
    messages = 0
    for number in (await connection.execute(select(_batch.c.id).order_by(_batch.c.id))).scalars().all():
        messages += await _batch_of(connection, number, taken_at, resume=resume)
    await _mailings(connection, resume=resume)
    owed = await _owed(connection, resume=resume)
    # One-use links that the lost hub took since would work a second time; whoever wants one asks again.
    await connection.execute(delete(people.access).where(people.access.c.purpose == "one_use"))
    waiting = select(func.count()).select_from(tables.alert).where(tables.alert.c.status == "awaiting_approval")
    return Unfinished(
        messages=messages,
        alerts=alerts,
        unplanned=unplanned,
        owed=owed,
        awaiting_approval=(await connection.execute(waiting)).scalar_one(),
    )


async def _alerts(connection: AsyncConnection, state: str) -> tuple[str, ...]:
    query = (
        select(tables.alert.c.id)
        .join(_mailing, _mailing.c.alert == tables.alert.c.number)
        .where(_mailing.c.state == state)
        .order_by(tables.alert.c.number)
    )
    return tuple((await connection.execute(query)).scalars())


async def _owed(connection: AsyncConnection, *, resume: bool) -> int:
    owed: int = (await connection.execute(select(func.count()).select_from(tables.catch_up))).scalar_one()
    if not resume:
        await connection.execute(delete(tables.catch_up))
    return owed


async def _mailings(connection: AsyncConnection, *, resume: bool) -> None:
    waits = select(_batch.c.id).where(_batch.c.mailing == _mailing.c.id).exists()
    await connection.execute(update(_mailing).where(_mailing.c.state == "planned", ~waits).values(state="done"))
    if not resume:
        # Done, for nobody yet: nobody has stopped the alert. It holds, and whoever joins or moves is owed it as any other that is live.
        await connection.execute(update(_mailing).where(_mailing.c.state == "launched").values(state="done"))


async def _batch_of(connection: AsyncConnection, number: int, taken_at: int, *, resume: bool) -> int:
    query = (
        select(_batch.c.id, _batch.c.mailing, _batch.c.channel, _batch.c.attempt, _batch.c.addresses, _batch.c.held)
        .add_columns(_mailing.c.state, _mailing.c.purpose, _mailing.c.expires_at)
        .join(_mailing, _mailing.c.id == _batch.c.mailing)
        .where(_batch.c.id == number)
    )
    batch = (await connection.execute(query)).one()
    before = await _before(connection, batch)
    outcomes = await _outcomes(connection, batch, before, taken_at, open_again=resume)
    await _write(connection, batch, before, outcomes, taken_at)
    left = [address for address, outcome in outcomes.items() if outcome is Outcome.DOUBTFUL]
    if left:
        await connection.execute(update(_batch).where(_batch.c.id == number).values(state=0, node=NOBODY))
    else:
        await connection.execute(delete(_batch).where(_batch.c.id == number))
        await _count(connection, batch.mailing, batch.channel, Counter(held=-batch.held * (len(batch.addresses) // 8)))
    return len(left) or sum(1 for outcome in outcomes.values() if outcome is Outcome.UNCERTAIN)


async def _before(connection: AsyncConnection, batch: Row[tuple[object, ...]]) -> dict[int, Outcome | None]:
    """Whoever this batch still has to reach → how an earlier try left them, None when there was none."""
    ids = np.frombuffer(batch.addresses, dtype="<i8").tolist()
    query = select(_delivery.c.address, _delivery.c.outcome, _delivery.c.batch).where(
        _delivery.c.mailing == batch.mailing, _delivery.c.address.in_(ids)
    )
    before: dict[int, Outcome | None] = dict.fromkeys(ids)
    for row in await connection.execute(query):
        if row.outcome in OPEN and row.batch == batch.id:
            before[row.address] = Outcome(row.outcome)
        else:
            del before[row.address]
    return before


async def _outcomes(
    connection: AsyncConnection, batch: Row[tuple[object, ...]], before: dict[int, Outcome | None], taken_at: int, *, open_again: bool
) -> dict[int, Outcome]:
    wanted = "unconfirmed" if batch.purpose == "confirm" else "active"
    query = select(people.address.c.id).where(people.address.c.id.in_(before), people.address.c.state == wanted)
    there = set((await connection.execute(query)).scalars())
    closed = Outcome.WITHHELD if batch.state == "stopped" else Outcome.EXPIRED if batch.expires_at <= taken_at else None
    outcomes = {}
    for address, earlier in before.items():
        ended = closed or (None if address in there else Outcome.WITHHELD)
        if ended is None:
            outcomes[address] = Outcome.DOUBTFUL if open_again else Outcome.UNCERTAIN
        else:
            outcomes[address] = Outcome.UNCERTAIN if earlier is Outcome.DOUBTFUL else ended
    return outcomes


async def _write(
    connection: AsyncConnection, batch: Row[tuple[object, ...]], before: dict[int, Outcome | None], outcomes: dict[int, Outcome], at: int
) -> None:
    if not outcomes:
        return
    again = [address for address, earlier in before.items() if earlier is not None]
    await connection.execute(delete(_delivery).where(_delivery.c.mailing == batch.mailing, _delivery.c.address.in_(again)))
    common = {"mailing": batch.mailing, "batch": batch.id, "attempt": batch.attempt, "at": at}
    await connection.execute(
        insert(_delivery), [common | {"address": address, "outcome": int(outcome)} for address, outcome in outcomes.items()]
    )
    counts = Counter(outcome.label for outcome in outcomes.values() if outcome is not Outcome.DOUBTFUL)
    counts["possible_duplicate"] = sum(1 for address, outcome in outcomes.items() if outcome is Outcome.DOUBTFUL is not before[address])
    await _count(connection, batch.mailing, batch.channel, counts)


async def _count(connection: AsyncConnection, mailing: int, channel: str, counts: Counter[str]) -> None:
    for outcome, by in counts.items():
        if not by:
            continue
        this = (_counter.c.mailing == mailing, _counter.c.channel == channel, _counter.c.outcome == outcome, _counter.c.node == NOBODY)
        changed = await connection.execute(update(_counter).where(*this).values(count=_counter.c["count"] + by))
        if not changed.rowcount:
            await connection.execute(insert(_counter).values(mailing=mailing, channel=channel, outcome=outcome, node=NOBODY, count=by))
