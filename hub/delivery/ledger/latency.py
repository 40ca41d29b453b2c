"""How long people waited, as a small histogram that is kept with the mailing instead of computed from its rows."""

from __future__ import annotations

import math

import numpy as np

_PER_DOUBLING = 8
_BUCKETS = 256


class Histogram:
    """Counts of milliseconds in buckets that grow by 9 %, so a percentile is right within 5 %."""

    def __init__(self, stored: bytes | None = None) -> None:
        self._counts = np.frombuffer(stored, dtype="<u4").astype(np.int64) if stored else np.zeros(_BUCKETS, dtype=np.int64)

    def add(self, milliseconds: int, count: int = 1) -> None:
        """Count a wait that many had; a negative one (a clock that jumped) counts as 0."""
        self._counts[min(int(math.log2(max(milliseconds, 0) + 1.0) * _PER_DOUBLING), _BUCKETS - 1)] += count

    def merge(self, other: Histogram) -> None:
        """Count what another one has counted, too."""
        self._counts += other._counts

    def percentile(self, share: float) -> float | None:
        """Milliseconds below which `share` (0 to 1) of the waits lie, None when there are none."""
        total = int(self._counts.sum())
        if not total:
            return None
        bucket = int(np.searchsorted(np.cumsum(self._counts), math.ceil(total * share)))
        middle: float = 2.0 ** ((bucket + 0.5) / _PER_DOUBLING) - 1.0
        return round(middle, 1)

    def to_bytes(self) -> bytes:
        """1 kB for the mailing's row."""
        return self._counts.astype("<u4").tobytes()
