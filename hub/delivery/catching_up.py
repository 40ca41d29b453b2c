"""What is live reaches whoever confirms, moves or comes back while it goes out (S28)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hub.delivery.batches import Offer, Planned
from hub.delivery.ledger_sql import Statements
from hub.delivery.outcome import Outcome


def catch_up(statements: Statements, subscriber: int, offers: Sequence[Offer], asked: int) -> int:
    """Queue live alerts for one person, each address once; strike the debt. For the inside of a transaction.

    Not while one of them is still to be planned: another node may be at it, with an audience that did not know this person.
    """
    offered, unplanned = 0, False
    for offer in offers:
        query = "SELECT id, priority, state FROM mailing WHERE alert=? AND purpose='alert' FOR UPDATE"
        row = statements.connection.execute(query, (offer.alert,)).fetchone()
        unplanned |= row is not None and row[2] == "launched"
        if row is None or row[2] not in {"planned", "done"}:
            continue
        mailing, priority, _ = row
        fresh = [address for address in offer.addresses if not _is_known(statements, mailing, offer.channel, address)]
        if fresh:
            more = int(not _is_counted(statements, mailing, subscriber))
            _reopen(statements, mailing, offer.channel, fresh)
            ids = np.array(fresh, dtype=np.int64)
            part = Planned(offer.channel, offer.language, offer.simulated, ids, discreet=offer.discreet, after=offer.after)
            statements.connection.execute("UPDATE mailing SET state='planned', matched=matched+? WHERE id=?", (more, mailing))
            statements.add_batches(mailing, priority, [part])
            offered += len(fresh)
    if not unplanned:
        statements.connection.execute("DELETE FROM catch_up WHERE subscriber=? AND asked=?", (subscriber, asked))
    return offered


def _is_counted(statements: Statements, mailing: int, subscriber: int) -> bool:
    """Whether the mailing counts this person already, for whichever of their addresses and whatever came of it: people are counted once."""
    own = [row[0] for row in statements.connection.execute("SELECT id FROM address WHERE subscriber=?", (subscriber,)).fetchall()]
    batches = statements.connection.execute("SELECT addresses FROM batch WHERE mailing=?", (mailing,)).fetchall()
    if any(np.isin(np.frombuffer(row[0], dtype="<i8"), own).any() for row in batches):
        return True
    query = "SELECT 1 FROM delivery WHERE mailing=? AND address IN (SELECT j.value FROM ids(?) j)"
    return statements.connection.execute(query, (mailing, statements.connection.ids(own))).fetchone() is not None


def _is_known(statements: Statements, mailing: int, channel: str, address: int) -> bool:
    """Whether a mailing has this address already: settled, or in a batch that is still under way.

    From whom it was withheld, since they had opted out or paused, is not known: they have come back.
    """
    query = "SELECT addresses FROM batch WHERE mailing=? AND channel=?"
    batches = statements.connection.execute(query, (mailing, channel)).fetchall()
    if any(address in np.frombuffer(row[0], dtype="<i8") for row in batches):
        return True
    # Asked second: another node may settle a batch in between, and then its outcome is here.
    query = "SELECT 1 FROM delivery WHERE mailing=? AND address=? AND outcome<>?"
    return statements.connection.execute(query, (mailing, address, int(Outcome.WITHHELD))).fetchone() is not None


def _reopen(statements: Statements, mailing: int, channel: str, addresses: Sequence[int]) -> None:
    """From whom it was withheld is planned anew: nothing went there."""
    query = "DELETE FROM delivery WHERE mailing=? AND outcome=? AND address IN (SELECT j.value FROM ids(?) j)"
    reopened = statements.connection.execute(query, (mailing, int(Outcome.WITHHELD), statements.connection.ids(addresses))).rowcount
    statements.count(mailing, channel, Outcome.WITHHELD.label, -reopened)
    statements.count(mailing, channel, "planned", -reopened)
