"""Who is owed the correction of what went out (S3)."""

from __future__ import annotations

from collections.abc import Sequence

from hub.delivery.ledger import in_hand
from hub.delivery.ledger.batches import Reached
from hub.delivery.sending.outcome import REACHED, Outcome
from hub.store.driver import Connection


def everyone(connection: Connection, mailings: Sequence[int]) -> list[Reached]:
    """Everyone who was, or may have been, reached by these mailings, or may be just now, and is still there."""
    outcomes = (*REACHED, Outcome.DOUBTFUL)
    marks, wanted = ",".join("?" * len(outcomes)), connection.ids(mailings)
    rows = connection.execute(
        "SELECT a.channel, s.language, a.simulated, s.discreet, s.quiet, a.id, s.id"  # noqa: S608 - only marks
        " FROM (SELECT j.value AS address FROM ids(?) j UNION SELECT d.address"
        f" FROM delivery d WHERE d.mailing IN (SELECT k.value FROM ids(?) k) AND d.outcome IN ({marks})) r"
        " JOIN address a ON a.id=r.address JOIN subscriber s ON s.id=a.subscriber WHERE a.state='active'",
        (connection.ids(in_hand.of(connection, mailings)), wanted, *(int(outcome) for outcome in outcomes)),
    )
    return [Reached(row[0], row[1], bool(row[2]), bool(row[3]), row[4] or 0, *row[5:]) for row in rows.fetchall()]
