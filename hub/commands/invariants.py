"""What must always hold in the tables, each with how to see that it doesn't, where, and how to mend it. Nothing is changed.

All are asked in one consistent view, so a hub that works meanwhile breaks none of them, but for what it takes two transactions to do: what
is broken is looked at again a moment later, and only what is still broken is told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import ColumnElement, ForeignKey, Table, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts.fingerprint import fingerprint
from hub.alerts.store import stored
from hub.commands import owed, states
from hub.commands.broken import SHOWN, Broken, Invariant, broken, rows
from hub.delivery.ledger.batches import BATCH_SIZE
from hub.delivery.sending.outcome import OPEN, Outcome
from hub.store import tables
from hub.store.database import Database
from hub.store.migrate import METADATA
from subscriptions.store import tables as people

LOOK_AGAIN_S = 3.0
SILENT_MS = 60_000

_OUTCOMES = {outcome.label: int(outcome) for outcome in Outcome if outcome not in OPEN}
_TAKEN_BACK = ("planned", "held", Outcome.WITHHELD.label, Outcome.FAILED.label)
_mailing, _batch, _counter, _delivery, _alert = tables.mailing, tables.batch, tables.counter, tables.delivery, tables.alert


async def counters(connection: AsyncConnection) -> Broken:
    """Each mailing's counters against its rows: as a whole, and channel by channel unless an address is gone and its channel with it."""
    counted: Counter[tuple[int, int]] = Counter()
    by_channel: Counter[tuple[int, int, str]] = Counter()
    query = select(_counter.c.mailing, _counter.c.outcome, _counter.c.channel, func.sum(_counter.c["count"])).group_by(
        _counter.c.mailing, _counter.c.outcome, _counter.c.channel
    )
    for mailing, label, channel, count in await connection.execute(query):
        if label in _OUTCOMES:
            counted[mailing, _OUTCOMES[label]] += int(count)
            by_channel[mailing, _OUTCOMES[label], channel] += int(count)
    ended, incomplete = Counter[tuple[int, int]](), set[int]()
    there: Counter[tuple[int, int, str]] = Counter()
    joined = (
        select(_delivery.c.mailing, _delivery.c.outcome, people.address.c.channel, func.count())
        .join(people.address, people.address.c.id == _delivery.c.address, isouter=True)
        .where(_delivery.c.outcome.in_(_OUTCOMES.values()))
        .group_by(_delivery.c.mailing, _delivery.c.outcome, people.address.c.channel)
    )
    for mailing, outcome, channel, count in await connection.execute(joined):
        ended[mailing, outcome] += count
        if channel is None:
            incomplete.add(mailing)
        else:
            there[mailing, outcome, channel] += count
    wrong = {mailing for mailing, outcome in counted | ended if counted[mailing, outcome] != ended[mailing, outcome]}
    wrong |= {key[0] for key in by_channel | there if key[0] not in incomplete and by_channel[key] != there[key]}
    return broken(f"mailing {mailing}" for mailing in sorted(wrong))


async def confirmed(connection: AsyncConnection) -> Broken:
    """What readers said they have read, against its counter."""
    counted = func.sum(_counter.c["count"]).filter(_counter.c.outcome == "confirmed")
    query = select(_counter.c.mailing, counted).group_by(_counter.c.mailing).having(counted > 0)
    totals = {mailing: int(count) for mailing, count in await connection.execute(query)}
    said = select(_delivery.c.mailing, func.count()).where(_delivery.c.confirmed_at.is_not(None)).group_by(_delivery.c.mailing)
    there = {mailing: int(count) for mailing, count in await connection.execute(said)}
    wrong = {mailing for mailing in totals.keys() | there.keys() if totals.get(mailing, 0) != there.get(mailing, 0)}
    return broken(f"mailing {mailing}" for mailing in sorted(wrong))


async def accounted(connection: AsyncConnection) -> Broken:
    """Whoever was planned in a mailing that is over, or was stopped and has nobody left, has ended in one way."""
    ends = func.sum(_counter.c["count"]).filter(_counter.c.outcome.in_(_OUTCOMES))
    planned = func.sum(_counter.c["count"]).filter(_counter.c.outcome == "planned")
    query = (
        select(_mailing.c.id)
        .join(_counter, _counter.c.mailing == _mailing.c.id)
        .where(or_(_mailing.c.state == "done", and_(_mailing.c.state == "stopped", ~_has_batch())))
        .group_by(_mailing.c.id)
        .having(func.coalesce(ends, 0) != func.coalesce(planned, 0))
        .order_by(_mailing.c.id)
    )
    return broken(f"mailing {found}" for found in (await connection.execute(query)).scalars())


async def held(connection: AsyncConnection) -> Broken:
    """Whoever is counted as held stands in a batch that waits for the end of quiet hours."""
    counted = Counter[int]()
    for mailing, count in await connection.execute(select(_counter.c.mailing, _counter.c["count"]).where(_counter.c.outcome == "held")):
        counted[mailing] += int(count)
    there = Counter[int]()
    lengths = select(_batch.c.mailing, func.length(_batch.c.addresses)).where(_batch.c.held == 1)
    for mailing, length in await connection.execute(lengths):
        there[mailing] += length // 8
    return broken(f"mailing {mailing}" for mailing in sorted(counted | there) if counted[mailing] != there[mailing])


async def leases(connection: AsyncConnection) -> Broken:
    """Whoever leased a batch is a node that is there; where several share a database, one that has beaten lately."""
    node = tables.node
    newest = (await connection.execute(select(func.max(node.c.beat_at)))).scalar_one() or 0
    gone: ColumnElement[bool] = node.c.id.is_(None)
    if connection.dialect.name == "postgresql":  # on SQLite the one node holds a lock and does not beat
        gone = or_(gone, node.c.beat_at < newest - SILENT_MS)
    query = select(_batch.c.id).join(node, node.c.id == _batch.c.node, isouter=True).where(_batch.c.state == 1, gone).order_by(_batch.c.id)
    return await rows(query, "batch")(connection)


async def changes(connection: AsyncConnection) -> Broken:
    """No change of a subscription is numbered above the counter that every audience looks at."""
    above = people.audience_change.c.seq > func.coalesce(select(func.max(people.audience_counter.c.seq)).scalar_subquery(), 0)
    query = select(people.audience_change.c.seq).where(above).order_by(people.audience_change.c.seq)
    return await rows(query, "change")(connection)


async def lists(connection: AsyncConnection) -> Broken:
    """A batch's list is whole numbers of eight bytes, at least one and no more than fit."""
    size = func.length(_batch.c.addresses)
    wrong: ColumnElement[bool] = or_(size == 0, size % 8 != 0, size > 8 * BATCH_SIZE)
    if connection.dialect.name == "sqlite":  # any column takes a text, and the ledger would stumble over it
        wrong = or_(wrong, func.typeof(_batch.c.addresses) != "blob")
    query = select(_batch.c.id).where(wrong).order_by(_batch.c.id)
    return await rows(query, "batch")(connection)


async def orphans(connection: AsyncConnection) -> Broken:
    """Every row points at one that is there."""
    found: dict[str, int] = {}
    for table, column, target in _references():
        query = (
            select(func.count())
            .select_from(table)
            .join(target.table, column == target, isouter=True)
            .where(column.is_not(None), target.is_(None))
        )
        if count := (await connection.execute(query)).scalar_one():
            found[f"{table.name}.{column.name}"] = count
    return Broken(sum(found.values()), tuple(found)[:SHOWN])


def _references() -> Iterable[tuple[Table, ColumnElement[int], ColumnElement[int]]]:
    for metadata in METADATA:
        for table in metadata.sorted_tables:
            keys: list[ForeignKey] = sorted(table.foreign_keys, key=lambda key: key.parent.name)
            yield from ((table, key.parent, key.column) for key in keys)
    yield _delivery, _delivery.c.mailing, _mailing.c.id
    yield tables.outbox, tables.outbox.c.mailing, _mailing.c.id
    yield tables.posted, tables.posted.c.mailing, _mailing.c.id


async def frozen(connection: AsyncConnection) -> Broken:
    """What is live or waits for approval is what was hashed (S5), and ends when it says."""
    query = select(_alert).where(_alert.c.status.in_(("awaiting_approval", "live"))).order_by(_alert.c.number)
    changed = []
    for row in await connection.execute(query):
        try:
            alert = stored(row)
        except msgspec.ValidationError:
            changed.append(row.id)
            continue
        ends_at = int(alert.document.expires.timestamp() * 1000)
        if (fingerprint(alert.document, alert.area, alert.grade), ends_at) != (alert.hash, alert.expires_at):
            changed.append(alert.id)
    return broken(f"alert {found}" for found in changed)


def _has_batch(*more: ColumnElement[bool]) -> ColumnElement[bool]:
    return select(_batch.c.id).where(_batch.c.mailing == _mailing.c.id, *more).exists()


LIVE_WITHOUT_MAILING = (
    select(_alert.c.id)
    .where(_alert.c.status == "live", ~select(_mailing.c.id).where(_mailing.c.alert == _alert.c.number).exists())
    .order_by(_alert.c.number)
)
MAILED_TWICE = (
    select(_mailing.c.alert)
    .where(_mailing.c.alert.is_not(None))
    .group_by(_mailing.c.alert)
    .having(func.count() > 1)
    .order_by(_mailing.c.alert)
)
BELOW_ZERO = (
    # Of what one node has counted another may take back; none takes back that somebody was reached.
    select(_counter.c.mailing)
    .group_by(_counter.c.mailing, _counter.c.channel, _counter.c.outcome)
    .having(or_(func.sum(_counter.c["count"]) < 0, and_(func.min(_counter.c["count"]) < 0, _counter.c.outcome.not_in(_TAKEN_BACK))))
    .distinct()
    .order_by(_counter.c.mailing)
)
_PLANNED = select(func.sum(_counter.c["count"])).where(_counter.c.mailing == _mailing.c.id, _counter.c.outcome == "planned")
MATCHED_NOWHERE = select(_mailing.c.id).where(_mailing.c.matched > func.coalesce(_PLANNED.scalar_subquery(), 0)).order_by(_mailing.c.id)

RESTART = "start the hub, or restart it: it goes through what is under way"
PUBLISH = "publish an update of the alert, which reaches them all; then tell the makers of this release"
RESTORE = "somebody else wrote to the tables: restore a backup from before, and tell the makers of this release if it was nobody"
STOP_AGAIN = "stop the alert, again if it was stopped before; call off what has ended; and ask who wrote to the database"
ENDS_ITSELF = "have the hub running: it ends a stop that broke off within a minute. If this is still said then, stop the alert once more"
NEWER = "a newer release may have written it: look with that one. Else "

INVARIANTS = (
    Invariant("every counter equals its rows", counters, PUBLISH),
    Invariant("every confirmation is counted once", confirmed, RESTORE),
    Invariant("nothing is planned and forgotten", accounted, PUBLISH),
    Invariant("whoever was planned is settled, or in one list", owed.planned, PUBLISH),
    Invariant("whoever is counted as held waits for the end of quiet hours", held, PUBLISH),
    Invariant("nothing goes out but what is live", rows(states.NOT_LIVE, "alert"), STOP_AGAIN),
    Invariant("nothing that was stopped is called live", rows(states.CALLED_LIVE, "alert"), ENDS_ITSELF),
    Invariant("every live alert has its launch row", rows(LIVE_WITHOUT_MAILING, "alert"), PUBLISH),
    Invariant("no alert has two launch rows", rows(MAILED_TWICE, "alert number"), RESTORE),
    Invariant(
        "no finished mailing has a batch left",
        rows(select(_mailing.c.id).where(_mailing.c.state == "done", _has_batch()).order_by(_mailing.c.id), "mailing"),
        RESTART,
    ),
    Invariant(
        "every mailing under way has a batch",
        rows(select(_mailing.c.id).where(_mailing.c.state == "planned", ~_has_batch()).order_by(_mailing.c.id), "mailing"),
        RESTART,
    ),
    Invariant("whoever waits for another try is in the list for it", owed.tried_again, PUBLISH),
    Invariant("nobody's next try comes after the end of their alert", rows(states.TOO_LATE, "batch"), PUBLISH),
    Invariant("whatever reaches somebody was planned", rows(states.REACHED_UNPLANNED, "mailing"), STOP_AGAIN),
    Invariant("what goes out is as urgent as its alert, and ends with it", rows(states.UNLIKE_ITS_ALERT, "mailing"), STOP_AGAIN),
    Invariant("an alert and its updates say one thing at a time", rows(states.SAID_TWICE, "chain"), PUBLISH),
    Invariant("no counter is below zero", rows(BELOW_ZERO, "mailing"), RESTORE),
    Invariant("nobody is matched and nowhere planned", rows(MATCHED_NOWHERE, "mailing"), RESTORE),
    Invariant("every state, channel and outcome is one that this release knows", states.words, NEWER + RESTORE),
    Invariant("every lease belongs to a node that lives", leases, RESTART),
    Invariant("every change of a subscription is seen", changes, RESTORE),
    Invariant("every batch holds a list of addresses", lists, RESTORE),
    Invariant("every Idempotency-Key leads to its alert", rows(states.KEY_TO_NOWHERE, "alert"), RESTORE),
    Invariant("every row belongs to one that is there", orphans, RESTORE),
    Invariant("what is live is what was approved", frozen, "stop the alert, and ask who wrote to the database"),
)
"""In the order in which a reader would want to know."""


async def broken_twice(
    database: Database, asked: Sequence[Invariant] = INVARIANTS, again_after_s: float = LOOK_AGAIN_S
) -> dict[Invariant, Broken]:
    """Each invariant with what breaks it; what is broken only for a moment is not."""
    found = await _look(database, asked)
    if again := [invariant for invariant in asked if found[invariant].count]:
        await asyncio.sleep(again_after_s)
        found |= await _look(database, again)
    return found


async def _look(database: Database, invariants: Sequence[Invariant]) -> dict[Invariant, Broken]:
    async with database.read(long=True) as connection:
        return {invariant: await invariant.look(connection) for invariant in invariants}
