"""What alerts are about. A person's choice and an alert's topics are bit masks over this one list."""

from __future__ import annotations

from collections.abc import Iterable

TOPICS = ("crime", "fire", "emergency", "weather", "transit", "health", "missing", "utilities", "schools", "events", "test")
"""Order is stored in the database as bit positions: only ever append."""

_BIT = {topic: 1 << position for position, topic in enumerate(TOPICS)}

EVERYDAY = tuple(topic for topic in TOPICS if topic != "test")
"""What a person gets who names no topic: everything but tests."""


def mask(topics: Iterable[str]) -> int:
    """Bits of the given topics. Raises KeyError for an unknown one."""
    bits = 0
    for topic in topics:
        bits |= _BIT[topic]
    return bits


def names(bits: int) -> tuple[str, ...]:
    """The topics of a mask, in the order of TOPICS."""
    return tuple(topic for topic in TOPICS if bits & _BIT[topic])
