"""What alerts are about. A person's choice and an alert's topics are bit masks over this one list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from subscriptions import severity

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


def with_drills(chosen: Iterable[str], *, wanted: bool) -> tuple[str, ...]:
    """Drills and tests come together; who had nothing else gets everyday alerts from now on."""
    others = tuple(topic for topic in chosen if topic != "test") or EVERYDAY
    return (*others, "test") if wanted else others


LEVEL_BITS = 3
"""Of each topic in the one number that holds the severities which a person chose for single topics."""


def levels(chosen: Mapping[str, str]) -> int:
    """Topic → least severity, as one number: 3 bits a topic, in the order of TOPICS; 0 where there is no choice, else rank + 1.

    Raises KeyError for an unknown topic, ValueError for an unknown severity.
    """
    number = 0
    for topic, least in chosen.items():
        number |= (severity.rank(least) + 1) << LEVEL_BITS * (_BIT[topic].bit_length() - 1)
    return number


def joined_levels(least: int, *asked: tuple[int, int]) -> int:
    """Levels of several choices, each (mask, levels), as one: of each topic the mildest; `least` is the rank that holds without."""
    number, usual = 0, least + 1
    for position in range(len(TOPICS)):
        shift = LEVEL_BITS * position
        chosen = [chosen >> shift & (1 << LEVEL_BITS) - 1 or usual for bits, chosen in asked if bits >> position & 1]
        if chosen and min(chosen) != usual:
            number |= min(chosen) << shift
    return number


def of_levels(number: int) -> dict[str, str]:
    """What `levels` made of it."""
    ranks = {topic: number >> LEVEL_BITS * position & (1 << LEVEL_BITS) - 1 for position, topic in enumerate(TOPICS)}
    return {topic: severity.SEVERITIES[rank - 1] for topic, rank in ranks.items() if rank}
