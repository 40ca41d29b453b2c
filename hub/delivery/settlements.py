"""From the rows that senders report to what the ledger writes: those that ended alike go together, each open one with its next try."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from hub.delivery import retry_policy
from hub.delivery.handle import Handle
from hub.delivery.ledger.batches import Leased, Settlement
from hub.delivery.sending.frames import THREADED, Row
from hub.delivery.sending.outcome import OPEN, Outcome

AFTER_STEP_S = 5

Taken = tuple[Handle | None, Leased, list[Row], bool]
"""Rows of one batch that came in, from whom, and whether they are its last; no sender for what never left the coordinator."""


def group(taken: Sequence[Taken], now: float, reached: Callable[[str], bool] = lambda _: False) -> list[Settlement]:
    """Rows that ended alike, together: one statement each in the ledger. `reached` says whether any sender may reach a channel now: whom
    one turned back need not wait until that one tries again."""
    alike: dict[tuple[int, int, str | None, float | None], tuple[Leased, list[Row]]] = {}
    for _, leased, rows, _ in taken:
        batch = leased.batch
        for row in rows:
            outcome = Outcome.DOUBTFUL if row.maybe_sent else row.outcome
            # Waits are rounded up to few, else a provider that names each its own second would leave a batch a person.
            after = None if row.after is None else math.ceil(row.after / AFTER_STEP_S) * AFTER_STEP_S
            if row.away and reached(leased.channel):
                after = 0
            key = (batch, outcome, row.reason, after)
            if key not in alike:
                alike[key] = (leased, [])
            alike[key][1].append(row)
    return [
        _settlement(leased, Outcome(outcome), rows, reason, after, now) for (_, outcome, reason, after), (leased, rows) in alike.items()
    ]


def _settlement(leased: Leased, outcome: Outcome, rows: list[Row], reason: str | None, after: float | None, now: float) -> Settlement:
    moments, addresses = [row.at_ms for row in rows], [row.address for row in rows]
    at = max(moments)
    if outcome in OPEN:
        doubtful, until = outcome is Outcome.DOUBTFUL, leased.expires_at / 1000
        again = retry_policy.next_try(leased.priority, leased.attempt, after, now, until, maybe_sent=doubtful)
        if again is not None:
            return Settlement(leased, outcome, addresses, at, reason, due_at=int(again[0] * 1000), next_attempt=again[1])
        # Whoever was put off until it is over was not refused: their time ran out.
        outcome = Outcome.UNCERTAIN if doubtful else Outcome.FAILED if after is None else Outcome.EXPIRED
    copies = tuple([(row.address, row.copy) for row in rows if row.copy is not None])
    posted = tuple([(row.address, row.posted) for row in rows if row.posted is not None]) if leased.channel in THREADED else ()
    return Settlement(leased, outcome, addresses, at, reason, first_at=min(moments), copies=copies, posted=posted)
