"""What is live reaches whoever confirms, moves or comes back while it goes out (S28)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hub.delivery.ledger.batches import Offer, Planned
from hub.delivery.ledger.statements import Statements
from hub.delivery.sending.outcome import OPEN, Outcome

_REOPENED = (Outcome.WITHHELD, Outcome.FAILED)
"""Nothing went there: its owner had opted out or paused and is back, or has another address now, for instance a browser a renewed one."""


def catch_up(statements: Statements, subscriber: int, offers: Sequence[Offer], asked: int) -> int:
    """Queue live alerts for one person, each address once; strike the debt. For the inside of a transaction.

    Not while one of them is still to be planned: another node may be at it, with an audience that did not know this person. Whom quiet
    hours held back is queued anew when these are over sooner by now.
    """
    offered, unsure = 0, False
    own = [row[0] for row in statements.connection.execute("SELECT id FROM address WHERE subscriber=?", (subscriber,)).fetchall()]
    for offer in offers:
        # But for its key: a lease that moves people to another batch refers to that, and need not wait.
        query = "SELECT id, priority, state FROM mailing WHERE alert=? AND purpose='alert' FOR NO KEY UPDATE"
        row = statements.connection.execute(query, (offer.alert,)).fetchone()
        unsure |= row is not None and row[2] == "launched"
        if row is None or row[2] not in {"planned", "done"}:
            continue
        mailing, priority, _ = row
        known = _known(statements, mailing, [*own, *offer.addresses])
        fresh = [address for address in offer.addresses if known.get(address, Outcome.WITHHELD) in _REOPENED]
        freed, busy = _free(statements, mailing, offer, [address for address in offer.addresses if known.get(address) in OPEN])
        unsure |= busy
        fresh += freed
        if fresh:
            ids = np.array(fresh, dtype="<i8")
            part = Planned(offer.channel, offer.language, offer.simulated, ids, discreet=offer.discreet, after=offer.after)
            # People are counted once, whichever of their addresses it was and whatever came of it.
            more = int(not known)
            statements.connection.execute("UPDATE mailing SET state='planned', matched=matched+? WHERE id=?", (more, mailing))
            statements.add_batches(mailing, priority, [part])
            _reopen(statements, mailing, part)
            offered += len(fresh)
    if not unsure:
        statements.connection.execute("DELETE FROM catch_up WHERE subscriber=? AND asked=?", (subscriber, asked))
    return offered


def _known(statements: Statements, mailing: int, addresses: list[int]) -> dict[int, Outcome]:
    """Those of these that a mailing has already, and how they stand: WAITING in a batch that is under way, or what came of them."""
    batches = statements.connection.execute("SELECT addresses FROM batch WHERE mailing=?", (mailing,)).fetchall()
    listed = np.frombuffer(b"".join(row[0] for row in batches), dtype="<i8")
    waiting = dict.fromkeys(listed[np.isin(listed, addresses)].tolist(), Outcome.WAITING)
    # Asked second: another node may settle a batch in between, and then its outcome is here. It overrules the lists: one that is in hand
    # names to its end whoever was taken back from it, and whoever is done.
    query = "SELECT address, outcome FROM delivery WHERE mailing=? AND address IN (SELECT j.value FROM ids(?) j)"
    rows = statements.connection.execute(query, (mailing, statements.connection.ids(addresses))).fetchall()
    return waiting | {address: Outcome(outcome) for address, outcome in rows}


def _free(statements: Statements, mailing: int, offer: Offer, waiting: Sequence[int]) -> tuple[list[int], bool]:
    """Take those of these out of their batches whom quiet hours hold back for longer than they last by now. Returns them, and whether a
    batch is being leased in this moment: then it is looked at once more."""
    if not waiting:
        return [], False
    connection, freed = statements.connection, list[int]()
    query = "SELECT id, addresses FROM batch WHERE mailing=? AND state=0 AND held=1 AND due_at>?"
    rows = connection.execute(query, (mailing, offer.after)).fetchall()
    theirs = [batch for batch, listed in rows if np.isin(np.frombuffer(listed, dtype="<i8"), waiting).any()]
    query = "SELECT id, addresses FROM batch WHERE id IN (SELECT j.value FROM ids(?) j) AND state=0 AND held=1 FOR UPDATE SKIP LOCKED"
    locked = connection.execute(query, (connection.ids(theirs),)).fetchall() if theirs else []
    for batch, listed in locked:
        ids = np.frombuffer(listed, dtype="<i8")
        own = np.isin(ids, waiting)
        taken, left = ids[own].tolist(), ids[~own]
        if len(left):
            connection.execute("UPDATE batch SET addresses=? WHERE id=?", (left.tobytes(), batch))
        else:
            connection.execute("DELETE FROM batch WHERE id=?", (batch,))
        for label in ("held", "planned"):
            statements.count(mailing, offer.channel, label, -len(taken))
        freed += taken
    return freed, len(locked) < len(theirs)


def _reopen(statements: Statements, mailing: int, part: Planned) -> None:
    """Who is queued anew waits in this batch, and in no other: an earlier one may still list them, and may be given back or lost."""
    connection, listed = statements.connection, part.addresses.tobytes()
    # A batch of this node's from now on: what is known of its people is looked at when it is leased.
    query = "UPDATE batch SET node=? WHERE mailing=? AND node IS NULL AND addresses=? RETURNING id"
    (batch,) = connection.execute(query, (statements.node, mailing, listed)).fetchone()
    moved = "UPDATE delivery SET batch=? WHERE mailing=? AND outcome IN (0, 7) AND address IN (SELECT j.value FROM ids(?) j)"
    connection.execute(moved, (batch, mailing, connection.ids(part.addresses.tolist())))
    for outcome in _REOPENED:
        query = "UPDATE delivery SET outcome=0, batch=? WHERE mailing=? AND outcome=? AND address IN (SELECT j.value FROM ids(?) j)"
        reopened = connection.execute(query, (batch, mailing, int(outcome), connection.ids(part.addresses.tolist()))).rowcount
        statements.count(mailing, part.channel, outcome.label, -reopened)
        statements.count(mailing, part.channel, "planned", -reopened)
