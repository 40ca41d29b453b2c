"""The ledger's statements, each function inside a transaction that its caller opened.

Address ids travel as JSON arrays, so a thousand rows are one statement.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from hub.delivery.batches import Finished, Leased, Offer, Planned, Reached, Settlement
from hub.delivery.frames import To
from hub.delivery.latency import Histogram
from hub.delivery.outcome import OPEN, REACHED, Outcome

_STATES = {"alert": ("active",), "access": ("active",), "notice": ("active",), "confirm": ("unconfirmed",)}
_COLUMNS = Leased.__struct_fields__[:-1]
_json = msgspec.json.Encoder()


def plan(c: sqlite3.Connection, mailing: int, matched: int, lists: Sequence[Planned], now: int) -> bool:
    """Freeze a launched mailing's list; False when it is not launched any more."""
    row = c.execute(
        "UPDATE mailing SET state='planned', matched=?, planned_at=? WHERE id=? AND state='launched' RETURNING priority",
        (matched, now, mailing),
    ).fetchone()
    if row is None:
        return False
    add_batches(c, mailing, row[0], lists)
    if not any(len(part.addresses) for part in lists):
        c.execute("UPDATE mailing SET state='done', last_at=? WHERE id=?", (now, mailing))
    return True


AT_ONCE = 0
"""Due time of a first try: always past, whatever a clock that jumps says."""

_NEW_BATCH = (
    "INSERT INTO batch(mailing, channel, language, simulated, priority, due_at, attempt, state, addresses) VALUES (?,?,?,?,?,?,?,0,?)"
)


def add_batches(c: sqlite3.Connection, mailing: int, priority: int, lists: Sequence[Planned]) -> None:
    """Batches and the count of what is planned, inside the caller's transaction."""
    for part in lists:
        if not len(part.addresses):
            continue
        ids = np.ascontiguousarray(part.addresses, dtype="<i8")
        c.executemany(
            _NEW_BATCH,
            (
                (mailing, part.channel, part.language, int(part.simulated), priority, AT_ONCE, 1, ids[start : start + part.size].tobytes())
                for start in range(0, len(ids), part.size)
            ),
        )
        _count(c, mailing, part.channel, "planned", len(ids))


def _count(c: sqlite3.Connection, mailing: int, channel: str, outcome: str, by: int) -> None:
    if by:
        c.execute(
            'INSERT INTO counter(mailing, channel, outcome, "count") VALUES (?,?,?,?)'
            ' ON CONFLICT(mailing, channel, outcome) DO UPDATE SET "count"="count"+excluded."count"',
            (mailing, channel, outcome, by),
        )


def lease(c: sqlite3.Connection, channel: str, limit: int, above: int, now: int) -> list[Leased]:
    """The most urgent batches of a channel that are due; whoever expired or was stopped is closed instead."""
    rows = c.execute(
        "SELECT b.id, b.mailing, m.purpose, m.alert, m.parameters, b.channel, b.language, b.simulated, b.priority, b.attempt, m.created_at,"
        " m.expires_at, b.addresses, m.state FROM batch b JOIN mailing m ON m.id=b.mailing"
        " WHERE b.channel=? AND b.state=0 AND b.priority<? AND b.due_at<=? ORDER BY b.priority, b.due_at, b.id LIMIT ?",
        (channel, above, now, limit),
    ).fetchall()
    leased = []
    for row in rows:
        batch, mailing, purpose, expires_at, state = row[0], row[1], row[2], row[11], row[13]
        recipients = _owed(c, batch, mailing, row[5], _STATES[purpose], np.frombuffer(row[12], dtype="<i8").tolist(), now)
        refused = Outcome.EXPIRED if expires_at <= now else Outcome.WITHHELD if state == "stopped" else None
        if refused is None and recipients:
            c.execute("UPDATE batch SET state=1 WHERE id=?", (batch,))
            values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=False))
            leased.append(Leased(**values, recipients=recipients))
            continue
        if refused is not None:
            _close(c, batch, mailing, row[5], refused, [to.address for to in recipients], now)
        c.execute("DELETE FROM batch WHERE id=?", (batch,))
        _ended(c, {mailing})
    return leased


def _owed(c: sqlite3.Connection, batch: int, mailing: int, channel: str, states: tuple[str, ...], ids: list[int], now: int) -> list[To]:
    """Who of a batch is still to be reached. Address state is read here, at lease, so an unsubscribe always wins."""
    wanted = _json.encode(ids).decode()
    settled = {
        row[0]
        for row in c.execute(
            "SELECT address FROM delivery WHERE mailing=? AND address IN (SELECT value FROM json_each(?))"
            " AND NOT (outcome IN (0, 7) AND batch=?)",
            (mailing, wanted, batch),
        )
    }
    rows = c.execute(
        "SELECT a.id, a.subscriber, s.epoch, a.key_id, a.sealed, a.state FROM json_each(?) j JOIN address a ON a.id=j.value"
        " JOIN subscriber s ON s.id=a.subscriber",
        (wanted,),
    ).fetchall()
    owed = [To(*row[:5]) for row in rows if row[5] in states and row[0] not in settled]
    if len(owed) + len(settled) < len(ids):
        gone = set(ids) - settled - {to.address for to in owed}
        _close(c, batch, mailing, channel, Outcome.WITHHELD, sorted(gone), now)
    return owed


def _close(c: sqlite3.Connection, batch: int, mailing: int, channel: str, outcome: Outcome, ids: list[int], now: int) -> int:
    """End these without a hand-over; whoever an earlier try may have reached is UNCERTAIN. Returns how many ended with `outcome`."""
    written = _outcome(c, mailing, batch, 0, outcome, ids, now, None)
    for label, count in written.items():
        _count(c, mailing, channel, Outcome(label).label, count)
    return written[outcome]


_UPSERT = (
    "INSERT INTO delivery(mailing, address, outcome, batch, attempt, at, reason)"
    " SELECT ?, value, ?, ?, ?, ?, ? FROM json_each(?) WHERE true"
    " ON CONFLICT(mailing, address) DO UPDATE SET batch=excluded.batch, attempt=excluded.attempt, at=excluded.at, reason=excluded.reason,"
    # What may have arrived stays doubtful while it is tried again, and ends as uncertain when no try succeeds.
    " outcome=CASE WHEN delivery.outcome=7 AND excluded.outcome=0 THEN 7 WHEN delivery.outcome=7 AND excluded.outcome IN (3, 5, 6) THEN 4"
    " ELSE excluded.outcome END WHERE delivery.outcome IN (0, 7)"
)


def _outcome(
    c: sqlite3.Connection, mailing: int, batch: int, attempt: int, outcome: Outcome, ids: list[int], at: int, reason: str | None
) -> Counter[int]:
    """Write one outcome for many addresses; returns how many rows were really written, by the outcome they have now."""
    values = (mailing, int(outcome), batch, attempt, at, reason, _json.encode(ids).decode())
    if outcome in REACHED:
        return Counter({int(outcome): c.execute(_UPSERT, values).rowcount})
    return Counter(row[0] for row in c.execute(_UPSERT + " RETURNING outcome", values).fetchall())


def settle(c: sqlite3.Connection, settlements: Sequence[Settlement], finished: Sequence[Leased]) -> list[Finished]:
    """Outcomes, retries and counters, then the batches that are finished."""
    for settlement in settlements:
        if settlement.outcome in OPEN:
            _postpone(c, settlement)
        else:
            _conclude(c, settlement)
    _note_times(c, settlements)
    c.executemany("DELETE FROM batch WHERE id=?", [(leased.batch,) for leased in finished])
    return _ended(c, {leased.mailing for leased in finished})


def _postpone(c: sqlite3.Connection, settlement: Settlement) -> None:
    leased = settlement.leased
    (state,) = c.execute("SELECT state FROM mailing WHERE id=?", (leased.mailing,)).fetchone()
    if state == "stopped":
        ended = Outcome.UNCERTAIN if settlement.outcome is Outcome.DOUBTFUL else Outcome.WITHHELD
        _close(c, leased.batch, leased.mailing, leased.channel, ended, settlement.addresses, settlement.at)
        return
    batch = c.execute(
        _NEW_BATCH,
        (
            leased.mailing,
            leased.channel,
            leased.language,
            int(leased.simulated),
            leased.priority,
            settlement.due_at,
            settlement.next_attempt,
            np.asarray(settlement.addresses, dtype="<i8").tobytes(),
        ),
    ).lastrowid
    assert batch is not None  # noqa: S101 - an INSERT always has one
    written = _outcome(c, leased.mailing, batch, leased.attempt, settlement.outcome, settlement.addresses, settlement.at, settlement.reason)
    if settlement.outcome is Outcome.DOUBTFUL:
        _count(c, leased.mailing, leased.channel, "possible_duplicate", written[Outcome.DOUBTFUL])


def _conclude(c: sqlite3.Connection, settlement: Settlement) -> None:
    leased = settlement.leased
    written = _outcome(
        c, leased.mailing, leased.batch, leased.attempt, settlement.outcome, settlement.addresses, settlement.at, settlement.reason
    )
    for label, count in written.items():
        _count(c, leased.mailing, leased.channel, Outcome(label).label, count)
    if settlement.copies:
        c.executemany(
            "INSERT INTO outbox(mailing, address, channel, copy, at) VALUES (?,?,?,?,?)",
            [(leased.mailing, address, leased.channel, copy, settlement.at) for address, copy in settlement.copies],
        )


def _note_times(c: sqlite3.Connection, settlements: Sequence[Settlement]) -> None:
    reached: dict[int, list[Settlement]] = {}
    for settlement in settlements:
        if settlement.outcome in REACHED:
            reached.setdefault(settlement.leased.mailing, []).append(settlement)
    for mailing, parts in reached.items():
        (stored,) = c.execute("SELECT latencies FROM mailing WHERE id=?", (mailing,)).fetchone()
        histogram = Histogram(stored)
        for part in parts:
            histogram.add([part.at - part.leased.created_at] * len(part.addresses))
        first, last = min(part.first_at or part.at for part in parts), max(part.at for part in parts)
        c.execute(
            "UPDATE mailing SET first_at=COALESCE(first_at, ?), last_at=?, latencies=? WHERE id=?",
            (first, last, histogram.to_bytes(), mailing),
        )


def _ended(c: sqlite3.Connection, mailings: set[int]) -> list[Finished]:
    return [
        Finished(mailing)
        for mailing in sorted(mailings)
        if c.execute(
            "UPDATE mailing SET state='done' WHERE id=? AND state='planned' AND NOT EXISTS (SELECT 1 FROM batch WHERE mailing=?)",
            (mailing, mailing),
        ).rowcount
    ]


def halt(c: sqlite3.Connection, mailing: int, now: int) -> int:
    """Withhold whoever waits in no sender's hands. Returns how many."""
    withheld = 0
    for batch, channel, addresses in c.execute(
        "SELECT id, channel, addresses FROM batch WHERE mailing=? AND state=0", (mailing,)
    ).fetchall():
        withheld += _close(c, batch, mailing, channel, Outcome.WITHHELD, np.frombuffer(addresses, dtype="<i8").tolist(), now)
        c.execute("DELETE FROM batch WHERE id=?", (batch,))
    c.execute("UPDATE mailing SET state='stopped' WHERE id=?", (mailing,))
    return withheld


def reached(c: sqlite3.Connection, mailings: Sequence[int]) -> list[Reached]:
    """Everyone who was, or may have been, reached by these mailings and is still there."""
    outcomes = (*REACHED, Outcome.DOUBTFUL)
    marks = ",".join("?" * len(outcomes))
    rows = c.execute(
        "SELECT DISTINCT a.channel, s.language, a.simulated, a.id, s.id FROM delivery d JOIN address a ON a.id=d.address"  # noqa: S608 - only marks
        f" JOIN subscriber s ON s.id=a.subscriber WHERE d.mailing IN (SELECT value FROM json_each(?)) AND d.outcome IN ({marks})"
        " AND a.state='active'",
        (_json.encode(list(mailings)).decode(), *(int(outcome) for outcome in outcomes)),
    )
    return [Reached(row[0], row[1], bool(row[2]), row[3], row[4]) for row in rows]


def catch_up(c: sqlite3.Connection, subscriber: int, offers: Sequence[Offer], asked: int) -> int:
    """Queue live alerts for one person, each address once; strike the debt."""
    offered = 0
    for offer in offers:
        row = c.execute("SELECT id, priority, state FROM mailing WHERE alert=? AND state IN ('planned', 'done')", (offer.alert,)).fetchone()
        if row is None:
            continue
        fresh = [address for address in offer.addresses if not _known(c, row[0], offer.channel, address)]
        if fresh:
            part = Planned(offer.channel, offer.language, offer.simulated, np.array(fresh, dtype=np.int64))
            add_batches(c, row[0], row[1], [part])
            c.execute("UPDATE mailing SET state='planned' WHERE id=?", (row[0],))
            offered += len(fresh)
    c.execute("DELETE FROM catch_up WHERE subscriber=? AND asked=?", (subscriber, asked))
    return offered


def _known(c: sqlite3.Connection, mailing: int, channel: str, address: int) -> bool:
    """Whether a mailing has this address already: settled, or in a batch that is still under way."""
    if c.execute("SELECT 1 FROM delivery WHERE mailing=? AND address=?", (mailing, address)).fetchone():
        return True
    batches = c.execute("SELECT addresses FROM batch WHERE mailing=? AND channel=?", (mailing, channel))
    return any(address in np.frombuffer(row[0], dtype="<i8") for row in batches)
