"""How long something took, counted where it happens and added up elsewhere: a sender counts, its coordinator shows it to Prometheus."""

from __future__ import annotations

from bisect import bisect_left

import msgspec

STEPS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds of the counts; one more count is for whatever took longer."""


class Durations(msgspec.Struct, array_like=True):
    """`counts` has one more entry than STEPS_S; `seconds` is their sum."""

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(STEPS_S) + 1))
    seconds: float = 0.0

    def note(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(STEPS_S, seconds)] += 1
        self.seconds += seconds

    def add(self, others: Durations) -> None:
        """Those that were counted elsewhere."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, others.counts, strict=True)]
        self.seconds += others.seconds
