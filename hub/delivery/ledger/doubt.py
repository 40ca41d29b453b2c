"""What becomes of batches whose holder ended without a last word: a sender that was killed or hung, a node that was given up.

Some of their people were reached, and nobody knows which. So whoever of them is not accounted for is DOUBTFUL: tried again, and whatever
comes of that, or of a stop before it, never called unsent; and told when the alert is called off (S3).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hub.delivery.ledger import in_hand
from hub.delivery.ledger.statements import Statements
from hub.delivery.sending.outcome import Outcome

REASON = "whoever had it ended before saying how it went"


def lose(s: Statements, batches: Iterable[int]) -> int:
    """Whoever of this node held these ended without a last word. Returns how many there were."""
    query = "UPDATE batch SET state=2 WHERE state=1 AND node=? AND id IN (SELECT j.value FROM ids(?) j)"
    return s.connection.execute(query, (s.node, s.connection.ids(batches))).rowcount


def is_any(s: Statements) -> bool:
    """Whether any batch was lost."""
    return s.connection.execute("SELECT 1 FROM batch WHERE state=2 LIMIT 1").fetchone() is not None


def settle(s: Statements, now: int) -> None:
    """Lost batches wait again, as what they are."""
    query = "SELECT id, mailing, attempt, addresses FROM batch WHERE state=2 ORDER BY id FOR UPDATE SKIP LOCKED"
    lost = s.connection.execute(query).fetchall()
    for batch, mailing, attempt, addresses in lost:
        ids = np.frombuffer(addresses, dtype="<i8").tolist()
        settled = in_hand.settled(s.connection, batch, mailing, s.connection.ids(ids))
        s.note(mailing, batch, attempt, Outcome.DOUBTFUL, [address for address in ids if address not in settled], now, REASON)
    numbers = s.connection.ids(row[0] for row in lost)
    s.connection.execute("UPDATE batch SET state=0 WHERE id IN (SELECT j.value FROM ids(?) j)", (numbers,))
