"""From the rows that senders report to what the ledger writes: those that ended alike go together, each open one with its next try."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from hub.delivery import retry_policy
from hub.delivery.handle import Handle
from hub.delivery.ledger.batches import Leased, Settlement
from hub.delivery.sending.frames import THREADED, Receipts, Row
from hub.delivery.sending.outcome import OPEN, Outcome

AFTER_STEP_S = 5
_NEVER_MS = 2**63

Taken = tuple[Handle | None, Leased, Receipts]
"""What came in of one batch, and from whom; no sender for what never left the coordinator."""

_Kind = tuple[int, int, str | None, float | None]
"""Batch, outcome, reason, and after how many seconds the provider wants to be asked again."""


class _Alike:
    """Everybody of one batch who ended in one way."""

    def __init__(self, leased: Leased) -> None:
        self.leased = leased
        self.addresses: list[int] = []
        self.first_ms, self.last_ms = _NEVER_MS, 0
        self.telling: list[Row] = []

    def add(self, addresses: Sequence[int], first_ms: int, last_ms: int) -> None:
        self.addresses += addresses
        self.first_ms, self.last_ms = min(self.first_ms, first_ms), max(self.last_ms, last_ms)


def group(taken: Sequence[Taken], now: float, reached: Callable[[str], bool] = lambda _: False) -> list[Settlement]:
    """Those who ended alike, together: one statement each in the ledger. `reached` says whether any sender may reach a channel now: whom
    one turned back need not wait until that one tries again."""
    alike: dict[_Kind, _Alike] = {}

    def those(kind: _Kind, leased: Leased) -> _Alike:
        return alike.get(kind) or alike.setdefault(kind, _Alike(leased))

    for _, leased, receipts in taken:
        if receipts.handed_over:
            kind = (leased.batch, Outcome.HANDED_OVER, None, None)
            those(kind, leased).add(receipts.handed_over, receipts.first_ms, receipts.last_ms)
        for row in receipts.rows:
            outcome = Outcome.DOUBTFUL if row.maybe_sent else row.outcome
            # Waits are rounded up to few, else a provider that names each its own second would leave a batch a person.
            after = None if row.after is None else math.ceil(row.after / AFTER_STEP_S) * AFTER_STEP_S
            if row.away and reached(leased.channel):
                after = 0
            group_of = those((leased.batch, outcome, row.reason, after), leased)
            group_of.add((row.address,), row.at_ms, row.at_ms)
            if row.copy is not None or row.posted is not None:
                group_of.telling.append(row)
    return [_settlement(each, Outcome(outcome), reason, after, now) for (_, outcome, reason, after), each in alike.items()]


def _settlement(alike: _Alike, outcome: Outcome, reason: str | None, after: float | None, now: float) -> Settlement:
    leased, at = alike.leased, alike.last_ms
    if outcome in OPEN:
        doubtful, until = outcome is Outcome.DOUBTFUL, leased.expires_at / 1000
        again = retry_policy.next_try(leased.priority, leased.attempt, after, now, until, maybe_sent=doubtful)
        if again is not None:
            return Settlement(leased, outcome, alike.addresses, at, reason, due_at=int(again[0] * 1000), next_attempt=again[1])
        # Whoever was put off until it is over was not refused: their time ran out.
        outcome = Outcome.UNCERTAIN if doubtful else Outcome.FAILED if after is None else Outcome.EXPIRED
    copies = tuple([(row.address, row.copy) for row in alike.telling if row.copy is not None])
    told = alike.telling if leased.channel in THREADED else ()
    posted = tuple([(row.address, row.posted) for row in told if row.posted is not None])
    return Settlement(leased, outcome, alike.addresses, at, reason, first_at=alike.first_ms, copies=copies, posted=posted)
