"""The ledger's statements. One spelling for both databases: see `hub.store.driver`.

What several nodes count stands in rows of each node's own, so that none waits for another's commit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from hub.delivery.ledger import in_hand, threads, willing
from hub.delivery.ledger.asleep import Asleep
from hub.delivery.ledger.batches import Finished, Leased, Planned, Settlement
from hub.delivery.ledger.times import Times
from hub.delivery.ledger.turns import Turns, turn_of_tried
from hub.delivery.sending.frames import To
from hub.delivery.sending.outcome import OPEN, Outcome
from hub.store.driver import Connection
from subscriptions import languages
from subscriptions.quiet_hours import WaitsFor

AT_ONCE = 0
"""Due time of a first try: always past, whatever a clock that jumps says."""

FIRST_BATCH = 64
"""People in the first batch of a list: of twenty alerts that start together, each begins before any has got far."""

IN_FLIGHT_MS = 500
"""How long an update waits, again and again, for an earlier version that is still being handed over at the same address."""

_BY_CHOICE = ("alert", "notice")
"""What these say, and how, is their reader's choice as it stands when they are handed over."""
_COLUMNS = Leased.__struct_fields__[:-2]

_NEW_BATCHES = (
    "INSERT INTO batch(mailing, channel, language, simulated, discreet, priority, turn, due_at, held, attempt, state, node, addresses)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,0,?,?)"
)
_NEW_BATCH = f"{_NEW_BATCHES} RETURNING id"
_UPSERT = (
    "INSERT INTO delivery(mailing, address, outcome, batch, attempt, at, reason)"
    " SELECT ?, j.value, ?, ?, ?, ?, ? FROM ids(?) j WHERE true"
    " ON CONFLICT(mailing, address) DO UPDATE SET batch=excluded.batch, attempt=excluded.attempt, at=excluded.at, reason=excluded.reason,"
    # What may have arrived stays doubtful while it is tried again, and ends as uncertain when no try succeeds.
    " outcome=CASE WHEN delivery.outcome=7 AND excluded.outcome=0 THEN 7"
    " WHEN delivery.outcome=7 AND excluded.outcome IN (3, 5, 6, 8) THEN 4"
    " ELSE excluded.outcome END WHERE delivery.outcome IN (0, 7)"
)


class Statements:
    """Each method is meant for the inside of a transaction. `node` is who counts and leases."""

    def __init__(self, connection: Connection, node: int) -> None:
        self.connection, self.node = connection, node
        self._times, self._asleep, self._turns = Times(connection, node), Asleep(connection), Turns(connection)

    # -- planning

    def plan(self, mailing: int, matched: int, lists: Sequence[Planned], now: int, waits_for: WaitsFor = WaitsFor.NOBODY) -> bool:
        """Freeze a launched mailing's list; False when it is not launched any more."""
        row = self.connection.execute(
            "UPDATE mailing SET state='planned', matched=?, planned_at=?, waits_for=? WHERE id=? AND state='launched'"
            " RETURNING priority, alert",
            (matched, now, int(waits_for), mailing),
        ).fetchone()
        if row is None:
            return False
        self.add_batches(mailing, row[0], lists)
        if row[1] is not None:
            threads.strike(self, row[1], now)
        return True

    def add_batches(self, mailing: int, priority: int, lists: Sequence[Planned]) -> None:
        """More people for a mailing, each list cut into batches that take their turn."""
        step = self._step(mailing, priority)
        turns = {
            channel: self._turns.where_it_stands(channel, priority)
            for channel in sorted({part.channel for part in lists if len(part.addresses)})
        }
        rows, counts = list[tuple[Any, ...]](), Counter[tuple[str, str]]()
        for part in (part for part in lists if len(part.addresses)):
            ids = np.ascontiguousarray(part.addresses, dtype="<i8")
            starts = [0, *range(min(FIRST_BATCH, part.size), len(ids), part.size)]
            held = int(part.after > 0)
            shared = (mailing, part.channel, part.language, int(part.simulated), int(part.discreet), priority)
            rows += [
                (*shared, turns[part.channel] + position * step, part.after or AT_ONCE, held, 1, None, ids[start:end].tobytes())
                for position, (start, end) in enumerate(zip(starts, [*starts[1:], len(ids)], strict=True))
            ]
            counts += Counter({(part.channel, "planned"): len(ids), (part.channel, "held"): held * len(ids)})
        self.connection.executemany(_NEW_BATCHES, rows)
        for (channel, label), count in sorted(counts.items()):
            self.count(mailing, channel, label, count)

    def _step(self, mailing: int, priority: int) -> int:
        """How far apart the turns of a mailing's batches are: an agency with three alerts under way gets as much as one with one."""
        query = (
            "SELECT count(*) FROM mailing m JOIN alert a ON a.number=m.alert WHERE m.state='planned' AND m.priority=? AND a.agency="
            "(SELECT o.agency FROM mailing n JOIN alert o ON o.number=n.alert WHERE n.id=?)"
        )
        return max(1, int(self.connection.execute(query, (priority, mailing)).fetchone()[0]))

    def refuse(self, mailing: int) -> None:
        """What was launched is not what was approved: nobody gets it. Not *stopped*, which a person does, and which ends the alert."""
        self.connection.execute("UPDATE mailing SET state='refused' WHERE id=? AND state='launched'", (mailing,))

    # -- leasing

    def lease(self, channel: str, limit: int, above: int, now: int, together: int) -> tuple[list[Leased], set[int]]:
        """The most urgent batches of a channel that are due, and mailings that may have ended since nobody was left to be leased."""
        rows = self._turns.next(channel, limit, above, now, together)
        if any(row[18] for row in rows):
            self._asleep.learn()
        leased, closed = [], set[int]()
        for row in rows:
            values: dict[str, Any] = dict(zip(_COLUMNS, row, strict=False))
            ids = np.frombuffer(row[14], dtype="<i8").tolist()
            state, node, held, waits_for = row[15:]
            if held:
                self.let_go(row[0], row[1], channel, len(ids))
            asleep = self._asleep.until(WaitsFor(waits_for), now) if waits_for else {}
            taken = self._leased(Leased(**values, recipients=[]), ids, state, node is None, now, asleep)
            if taken is None:
                closed.add(row[1])
            elif taken.recipients:
                leased.append(taken)
        return leased, closed

    def let_go(self, batch: int, mailing: int, channel: str, count: int) -> None:
        """Its people's quiet hours are over."""
        self.connection.execute("UPDATE batch SET held=0 WHERE id=?", (batch,))
        self.count(mailing, channel, "held", -count)

    def _leased(self, batch: Leased, ids: list[int], state: str, fresh: bool, now: int, asleep: Mapping[int, int]) -> Leased | None:
        """The batch with whoever is owed it; without anyone while all of them must wait, None when it was closed."""
        refused = Outcome.WITHHELD if state == "stopped" else Outcome.EXPIRED if batch.expires_at <= now else None
        owed = self._owed(batch, ids, fresh, now, {} if refused is not None else asleep, moves=refused is None)
        if refused is not None or not owed:
            if refused is not None:
                self.close(batch.batch, batch.mailing, batch.channel, refused, [to.address for to in owed], now)
            self.connection.execute("DELETE FROM batch WHERE id=?", (batch.batch,))
            return None
        busy = frozenset[int]() if batch.alert is None else in_hand.of_earlier_versions(self.connection, batch.alert)
        waiting = [to.address for to in owed if to.address in busy]
        if waiting:
            self._wait(batch, waiting, now + IN_FLIGHT_MS, all_of_them=len(waiting) == len(owed))
        recipients = [to for to in owed if to.address not in busy]
        if recipients:
            self.connection.execute("UPDATE batch SET state=1, node=? WHERE id=?", (self.node, batch.batch))
        if len(recipients) < len(ids):
            # If it is given back: those who were put off are another batch's by now, and who was withheld may come back by a new one.
            kept = waiting if not recipients else [to.address for to in recipients]
            self.connection.execute("UPDATE batch SET addresses=? WHERE id=?", (_listed(kept), batch.batch))
        return replace(batch, recipients=recipients)

    def _wait(self, batch: Leased, addresses: list[int], due_at: int, *, all_of_them: bool) -> None:
        if all_of_them:
            self.connection.execute("UPDATE batch SET due_at=? WHERE id=?", (due_at, batch.batch))
            return
        self._move(batch, addresses, self._new_batch(batch, addresses, due_at, batch.attempt))

    def _move(self, batch: Leased, addresses: list[int], later: int) -> None:
        """What is known of these and not settled goes with them into another batch."""
        self.connection.execute(
            "UPDATE delivery SET batch=? WHERE mailing=? AND outcome IN (0, 7) AND address IN (SELECT j.value FROM ids(?) j)",
            (later, batch.mailing, self.connection.ids(addresses)),
        )

    def _new_batch(
        self, batch: Leased, addresses: list[int], due_at: int, attempt: int, *, turn: int | None = None, held: bool = False
    ) -> int:
        kind = (batch.mailing, batch.channel, batch.language, int(batch.simulated), int(batch.discreet))
        values = (*kind, batch.priority, batch.turn if turn is None else turn, due_at, int(held), attempt, self.node, _listed(addresses))
        return int(self.connection.execute(_NEW_BATCH, values).fetchone()[0])

    def _owed(self, batch: Leased, ids: list[int], fresh: bool, now: int, asleep: Mapping[int, int], *, moves: bool) -> list[To]:
        """Who of a batch is to be reached now. Address state, pauses, language and discreet words are read here, at lease, so whoever
        unsubscribes always wins, and who chose other words since is moved to a batch that says it so, where anybody `moves` at all.

        Of a batch that nobody has ever held nothing can be settled. Those whose quiet hours have begun since it was planned (`asleep`, as
        of `Asleep.until`) wait for their end.
        """
        settled = set[int]() if fresh else in_hand.settled(self.connection, batch.batch, batch.mailing, self.connection.ids(ids))
        wanted = [address for address in ids if address not in settled] if settled else ids
        left = willing.of(self.connection, batch, wanted, now)
        if len(left) < len(wanted):
            left += self._withhold(batch, set(wanted) - {row[0] for row in left}, now, waits=moves)
        kind = languages.number(batch.language), batch.discreet
        others = [row for row in left if row[8:] != kind] if moves and batch.purpose in _BY_CHOICE else ()
        owed = [To(*row[:5]) for row in left]
        if others:
            apart = self._retell(batch, others)
            left = [row for row in left if row[0] not in apart]
            owed = [To(*row[:5]) for row in left]
        return self._awake(batch, left, asleep) if asleep else owed

    def _withhold(self, batch: Leased, gone: set[int], now: int, *, waits: bool) -> Sequence[Any]:
        """End these, who are not to be reached. Returns whoever of them is after all: they came back in this very moment, and another node
        that looked for what they are owed found them in this batch still. From here on such a look waits, and finds what came of it."""
        back = list[Any]()
        if waits and batch.purpose == "alert":
            if not willing.keep_still(self.connection, batch.mailing):
                self._move(batch, sorted(gone), self._new_batch(batch, sorted(gone), now + IN_FLIGHT_MS, batch.attempt))
                return back
            back = willing.of(self.connection, batch, gone, now)
        self.close(batch.batch, batch.mailing, batch.channel, Outcome.WITHHELD, sorted(gone - {row[0] for row in back}), now)
        return back

    def _retell(self, batch: Leased, others: Sequence[Any]) -> set[int]:
        """Whoever has chosen another language since, or discreet words, gets a batch that says it so. Returns their addresses."""
        kinds: dict[tuple[int, int], list[int]] = {}
        for row in others:
            kinds.setdefault(row[8:], []).append(row[0])
        for (language, discreet), addresses in sorted(kinds.items()):
            kind = replace(batch, language=languages.tag(language), discreet=discreet)
            self._move(batch, addresses, self._new_batch(kind, addresses, AT_ONCE, batch.attempt))
        return {row[0] for row in others}

    def _awake(self, batch: Leased, left: Sequence[Sequence[Any]], asleep: Mapping[int, int]) -> list[To]:
        """Those who may be reached now; the others are put off until their quiet hours end."""
        waiting: dict[int, list[int]] = {}
        for row in left:
            if row[6] in asleep:
                waiting.setdefault(asleep[row[6]], []).append(row[0])
        for until, addresses in sorted(waiting.items()):
            self._move(batch, addresses, self._new_batch(batch, addresses, until, batch.attempt, held=True))
            self.count(batch.mailing, batch.channel, "held", len(addresses))
        return [To(*row[:5]) for row in left if row[6] not in asleep]

    def give_back(self, batches: Iterable[int]) -> int:
        """Whoever comes next may lease these, of which nobody was begun."""
        query = "UPDATE batch SET state=0 WHERE state=1 AND node=? AND id IN (SELECT j.value FROM ids(?) j)"
        return self.connection.execute(query, (self.node, self.connection.ids(batches))).rowcount

    def reclaim(self, held: Iterable[int]) -> int:
        """Free every lease of this node that is not among these."""
        query = "UPDATE batch SET state=0 WHERE state=1 AND node=? AND id NOT IN (SELECT j.value FROM ids(?) j)"
        return self.connection.execute(query, (self.node, self.connection.ids(held))).rowcount

    # -- settling

    def settle(self, settlements: Sequence[Settlement], finished: Sequence[Leased]) -> None:
        """Outcomes, retries and counters, then the batches that are finished."""
        counts, new = Counter[tuple[int, str, str]](), list[Settlement]()
        for settlement in settlements:
            written = self._postpone(settlement) if settlement.outcome in OPEN else self._conclude(settlement)
            counts += written
            if written.total():
                new.append(settlement)
        self._times.note(new)
        for (mailing, channel, label), count in sorted(counts.items()):
            self.count(mailing, channel, label, count)
        if finished:
            # A node that hung while others took its batches over has finished none of those.
            query = "DELETE FROM batch WHERE state=1 AND node=? AND id IN (SELECT j.value FROM ids(?) j)"
            self.connection.execute(query, (self.node, self.connection.ids(leased.batch for leased in finished)))

    def _postpone(self, settlement: Settlement) -> Counter[tuple[int, str, str]]:
        leased, addresses = settlement.leased, settlement.addresses
        # Shared: a node that hangs in the midst of this holds up who would end the mailing, and no other that puts somebody off.
        (state,) = self.connection.execute("SELECT state FROM mailing WHERE id=? FOR SHARE", (leased.mailing,)).fetchone()
        if state == "done":
            return Counter()  # this node hung, and another took the batch over and reached everybody
        if state == "stopped":
            ended = Outcome.UNCERTAIN if settlement.outcome is Outcome.DOUBTFUL else Outcome.WITHHELD
            self.close(leased.batch, leased.mailing, leased.channel, ended, addresses, settlement.at)
            return Counter()
        if not self._holds(leased):  # hung as well, and whoever has the batch now tries them, or has
            if settlement.outcome is Outcome.DOUBTFUL:
                self._doubt(settlement)
            return Counter()
        # Who waits in another batch was put off by this same settlement, which is repeated since its answer was lost.
        elsewhere = in_hand.settled(self.connection, leased.batch, leased.mailing, self.connection.ids(addresses))
        addresses = [address for address in addresses if address not in elsewhere]
        if not addresses:
            return Counter()
        turn = turn_of_tried(settlement.due_at)
        batch = self._new_batch(leased, addresses, settlement.due_at, settlement.next_attempt, turn=turn)
        written = self.note(leased.mailing, batch, leased.attempt, settlement.outcome, addresses, settlement.at, settlement.reason)
        doubtful = written[Outcome.DOUBTFUL] if settlement.outcome is Outcome.DOUBTFUL else 0
        return Counter({(leased.mailing, leased.channel, "possible_duplicate"): doubtful})

    def _doubt(self, settlement: Settlement) -> None:
        """These wait in batches of others by now, or in one that this same settlement made, when it is repeated since its answer was lost.
        They stay where they wait."""
        mailing, left = settlement.leased.mailing, set(settlement.addresses)
        wanted = self.connection.ids(settlement.addresses)
        known = "SELECT address FROM delivery WHERE mailing=? AND address IN (SELECT j.value FROM ids(?) j)"
        self.connection.execute(
            "UPDATE delivery SET outcome=7 WHERE mailing=? AND outcome=0 AND address IN (SELECT j.value FROM ids(?) j)", (mailing, wanted)
        )
        left -= {row[0] for row in self.connection.execute(known, (mailing, wanted)).fetchall()}
        lists = self.connection.execute("SELECT id, addresses FROM batch WHERE mailing=?", (mailing,)).fetchall() if left else ()
        for batch, addresses in lists:
            here = sorted(left.intersection(np.frombuffer(addresses, dtype="<i8").tolist()))
            self.note(mailing, batch, settlement.leased.attempt, Outcome.DOUBTFUL, here, settlement.at, settlement.reason)
            left.difference_update(here)

    def _holds(self, leased: Leased) -> bool:
        """Whether a batch is still this node's."""
        query = "SELECT 1 FROM batch WHERE id=? AND state=1 AND node=? FOR UPDATE"
        return self.connection.execute(query, (leased.batch, self.node)).fetchone() is not None

    def _conclude(self, settlement: Settlement) -> Counter[tuple[int, str, str]]:
        leased = settlement.leased
        written = self.note(
            leased.mailing, leased.batch, leased.attempt, settlement.outcome, settlement.addresses, settlement.at, settlement.reason
        )
        if settlement.copies and written.total():
            self.connection.executemany(
                "INSERT INTO outbox(mailing, address, channel, copy, at) VALUES (?,?,?,?,?)",
                [(leased.mailing, address, leased.channel, copy, settlement.at) for address, copy in settlement.copies],
            )
        if settlement.posted:
            threads.note(self.connection, leased, settlement.posted)
        return Counter({(leased.mailing, leased.channel, Outcome(label).label): count for label, count in written.items()})

    def close(self, batch: int, mailing: int, channel: str, outcome: Outcome, ids: list[int], now: int) -> int:
        """End these without a hand-over; whoever an earlier try may have reached is UNCERTAIN. Returns how many ended with `outcome`."""
        written = self.note(mailing, batch, 0, outcome, ids, now, None)
        for label, count in written.items():
            self.count(mailing, channel, Outcome(label).label, count)
        return written[outcome]

    def note(self, mailing: int, batch: int, attempt: int, outcome: Outcome, ids: list[int], at: int, reason: str | None) -> Counter[int]:
        """Write one outcome for many addresses; a final row never changes. Returns outcome → rows really written."""
        values = (mailing, int(outcome), batch, attempt, at, reason, self.connection.ids(ids))
        if outcome in {Outcome.HANDED_OVER, Outcome.SIMULATED, Outcome.UNCERTAIN, Outcome.DOUBTFUL}:  # these overrule any doubt
            return Counter({int(outcome): self.connection.execute(_UPSERT, values).rowcount})
        return Counter(row[0] for row in self.connection.execute(_UPSERT + " RETURNING outcome", values).fetchall())

    def count(self, mailing: int, channel: str, outcome: str, by: int) -> None:
        """Add to one of this node's counters."""
        if by:
            self.connection.execute(
                'INSERT INTO counter(mailing, channel, outcome, node, "count") VALUES (?,?,?,?,?)'
                ' ON CONFLICT(mailing, channel, outcome, node) DO UPDATE SET "count"=counter."count"+excluded."count"',
                (mailing, channel, outcome, self.node, by),
            )

    def bring_forward(self, by: int, now: int) -> int:
        """Whatever waits until a time of this node's clock, which was `by` milliseconds ahead, but for quiet hours. Returns how many
        batches."""
        query = (
            "UPDATE batch SET due_at=CASE WHEN due_at-?>? THEN due_at-? ELSE ? END WHERE state=0 AND held=0 AND due_at>?"
            " AND (node=? OR node NOT IN (SELECT id FROM node))"
        )
        return self.connection.execute(query, (by, now, by, now, now, self.node)).rowcount

    def forget(self) -> None:
        """A transaction failed: what it would have written is not there."""
        self._times.forget()

    # -- ending

    def end(self, mailings: Iterable[int]) -> list[Finished]:
        """Those of these of which nothing is left. With several nodes not in the transaction that finished the last batch, since each would
        still see the other's. What another node is at is left to the next look: it may hang."""
        query = "SELECT id FROM mailing WHERE state='planned' AND id IN (SELECT j.value FROM ids(?) j) FOR UPDATE SKIP LOCKED"
        planned = [row[0] for row in self.connection.execute(query, (self.connection.ids(mailings),)).fetchall()]
        if not planned:
            return []
        ended = self.connection.execute(
            "UPDATE mailing SET state='done' WHERE id IN (SELECT j.value FROM ids(?) j)"
            " AND NOT EXISTS (SELECT 1 FROM batch WHERE batch.mailing=mailing.id) RETURNING id",
            (self.connection.ids(planned),),
        )
        return [Finished(row[0]) for row in ended.fetchall()]

    def under_way(self) -> list[int]:
        """Mailings that are planned and not done."""
        return [row[0] for row in self.connection.execute("SELECT id FROM mailing WHERE state='planned'").fetchall()]

    # -- looking

    def waiting_channels(self, now: int) -> list[str]:
        """Channels that have a batch due."""
        return [
            row[0] for row in self.connection.execute("SELECT DISTINCT channel FROM batch WHERE state=0 AND due_at<=?", (now,)).fetchall()
        ]


def _listed(addresses: Sequence[int]) -> bytes:
    """A batch's list as it is kept."""
    return np.asarray(addresses, dtype="<i8").tobytes()
