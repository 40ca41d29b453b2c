"""The end of a mailing before it has reached everyone: nothing of it is leased any more."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hub.delivery.ledger import in_hand
from hub.delivery.ledger.statements import Statements
from hub.delivery.sending.outcome import Outcome


def halt(s: Statements, mailing: int, now: int) -> int:
    """Withhold whoever waits in no sender's hands. Returns how many.

    A batch that was leased before lists also those who were put off into another one since, which a sender may have.
    """
    s.connection.execute("UPDATE mailing SET state='stopped' WHERE id=?", (mailing,))
    query = "DELETE FROM batch WHERE mailing=? AND state=0 RETURNING id, channel, addresses, held, node"
    withheld = 0
    for batch, channel, addresses, held, node in s.connection.execute(query, (mailing,)).fetchall():
        ids = np.frombuffer(addresses, dtype="<i8").tolist()
        s.count(mailing, channel, "held", -held * len(ids))
        elsewhere = set[int]() if node is None else in_hand.settled(s.connection, batch, mailing, s.connection.ids(ids))
        withheld += s.close(batch, mailing, channel, Outcome.WITHHELD, [address for address in ids if address not in elsewhere], now)
    return withheld


def stopped(s: Statements, mailings: Iterable[int]) -> list[int]:
    """Those of these that were stopped."""
    query = "SELECT id FROM mailing WHERE state='stopped' AND id IN (SELECT j.value FROM ids(?) j)"
    return [row[0] for row in s.connection.execute(query, (s.connection.ids(mailings),)).fetchall()]
