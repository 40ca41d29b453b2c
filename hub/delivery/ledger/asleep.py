"""Who sleeps just now: quiet hours are looked at once more when a batch is leased (S11).

Between its plan and its turn hours may have passed: at a provider's rate, in retries, while the hub was off.
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.store.driver import Connection
from subscriptions.quiet_hours import QuietRules, WaitsFor

KEPT_MS = 5_000
"""So long an answer counts."""


class Asleep:
    """Meant for the inside of a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rules = QuietRules()
        self._known: dict[WaitsFor, tuple[int, int, Mapping[int, int]]] = {}

    def learn(self) -> None:
        """Read what rules there are by now."""
        self._rules.add(self._connection.execute("SELECT id, rule FROM quiet_rule WHERE id>?", (self._rules.newest,)).fetchall())

    def until(self, waits_for: WaitsFor, now: int) -> Mapping[int, int]:
        """Rules of quiet hours that hold such an alert back now → until when; both times in milliseconds since 1970."""
        at, newest, asleep = self._known.get(waits_for, (0, 0, {}))
        if newest != self._rules.newest or not at <= now < at + KEPT_MS or any(until <= now for until in asleep.values()):
            asleep = self._rules.holding(now / 1000, waits_for)
            self._known[waits_for] = now, self._rules.newest, asleep
        return asleep
