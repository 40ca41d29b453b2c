"""When a failed hand-over is tried again, and when it is given up.

Urgent mailings retry sooner and more often. A provider's own Retry-After is obeyed and does not use up a try. Nothing is tried after
`expires`.
"""

from __future__ import annotations

import random

FIRST_DELAY_S = (1.0, 2.0, 4.0, 8.0, 8.0)
"""By priority, 0 the most urgent; doubled with each try."""
LONGEST_DELAY_S = (30.0, 60.0, 120.0, 300.0, 300.0)
MOST_TRIES = (10, 9, 8, 7, 6)


def next_try(priority: int, attempt: int, after: float | None, now: float, expires_at: float) -> tuple[float, int] | None:
    """(due time, number of the next attempt) in seconds since 1970, or None when it is given up.

    `attempt` counts from 1. Jitter of ±25 % keeps a provider that comes back from being hit by everyone at once.
    """
    urgency = min(priority, len(MOST_TRIES) - 1)
    if after is not None:
        due, following = now + max(after, 0.1) * random.uniform(1.0, 1.1), attempt  # noqa: S311 - jitter, not a secret
    else:
        if attempt >= MOST_TRIES[urgency]:
            return None
        delay = min(FIRST_DELAY_S[urgency] * 2 ** (attempt - 1), LONGEST_DELAY_S[urgency])
        due, following = now + delay * random.uniform(0.75, 1.25), attempt + 1  # noqa: S311 - jitter, not a secret
    return (due, following) if due < expires_at else None
