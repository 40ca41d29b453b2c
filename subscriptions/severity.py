"""CAP 1.2 severity as an order, so that "Moderate or worse" is a comparison."""

from __future__ import annotations

SEVERITIES = ("Unknown", "Minor", "Moderate", "Severe", "Extreme")
"""CAP 1.2 §3.2.2 `severity`, mildest first. The position is stored in the database."""


def rank(severity: str) -> int:
    """0 (Unknown) to 4 (Extreme). Raises ValueError for anything else."""
    return SEVERITIES.index(severity)


MILDEST = rank("Minor")
"""The mildest that people choose among. In matching Unknown counts as much, for who asked for everything is to miss nothing."""
