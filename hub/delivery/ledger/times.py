"""How long people waited: one histogram for each mailing and node, written with the receipts that it counts."""

from __future__ import annotations

from collections.abc import Sequence

from hub.delivery.ledger.batches import Settlement
from hub.delivery.ledger.latency import Histogram
from hub.delivery.sending.outcome import REACHED
from hub.store.driver import Connection

HISTOGRAMS = 256
"""Mailings whose histogram is kept at hand."""


class Times:
    """Of one node; `note` is meant for the inside of a transaction."""

    def __init__(self, connection: Connection, node: int) -> None:
        self._connection, self._node = connection, node
        self._histograms: dict[int, Histogram] = {}

    def note(self, settlements: Sequence[Settlement]) -> None:
        """Count those who were reached by an alert: nobody asks how fast a letter was."""
        reached: dict[int, list[Settlement]] = {}
        for settlement in settlements:
            if settlement.outcome in REACHED and settlement.leased.alert is not None:
                reached.setdefault(settlement.leased.mailing, []).append(settlement)
        for mailing, parts in sorted(reached.items()):
            histogram = self._histogram(mailing)
            for part in parts:
                histogram.add(part.at - part.leased.created_at, len(part.addresses))
            first, last = min(part.first_at or part.at for part in parts), max(part.at for part in parts)
            self._connection.execute(
                "INSERT INTO pace(mailing, node, first_at, last_at, latencies) VALUES (?,?,?,?,?)"
                " ON CONFLICT(mailing, node) DO UPDATE SET last_at=excluded.last_at, latencies=excluded.latencies",
                (mailing, self._node, first, last, histogram.to_bytes()),
            )

    def _histogram(self, mailing: int) -> Histogram:
        """This node alone writes its row, so what stands in it need not be read again, unless a transaction failed meanwhile."""
        if mailing not in self._histograms:
            if len(self._histograms) >= HISTOGRAMS:
                self._histograms.clear()
            stored = self._connection.execute("SELECT latencies FROM pace WHERE mailing=? AND node=?", (mailing, self._node)).fetchone()
            self._histograms[mailing] = Histogram(stored[0] if stored else None)
        return self._histograms[mailing]

    def forget(self) -> None:
        """A transaction failed: what it would have written is not there."""
        self._histograms.clear()
