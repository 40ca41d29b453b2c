"""When a failed hand-over is tried again, and when it is given up.

Urgent mailings retry sooner and more often. A provider's own Retry-After is obeyed and does not use up a try. What surely was not sent is
tried until `expires`, ever more rarely; what may have been sent only a few times, since each may be a duplicate.
"""

from __future__ import annotations

import random

FIRST_DELAY_S = (1.0, 2.0, 4.0, 8.0, 8.0)
"""By priority, 0 the most urgent; doubled with each try."""
LONGEST_DELAY_S = (30.0, 60.0, 120.0, 300.0, 300.0)
LATER_DELAY_S = (120.0, 300.0, 300.0, 600.0, 600.0)
"""Once the tries are used up: an outage lasts, and whoever comes back is not to be met by a crowd."""
MOST_TRIES = (10, 9, 8, 7, 6)


def next_try(
    priority: int, attempt: int, after: float | None, now: float, expires_at: float, *, maybe_sent: bool
) -> tuple[float, int] | None:
    """(due time, number of the next attempt) in seconds since 1970, or None when it is given up.

    `attempt` counts from 1; `maybe_sent` says that the last one may have arrived. Jitter of ±25 % keeps a provider that comes back from
    being hit by everyone at once.
    """
    urgency = min(priority, len(MOST_TRIES) - 1)
    if after is not None:
        due, following = now + max(after, 0.1) * random.uniform(1.0, 1.1), attempt  # noqa: S311 - jitter, not a secret
    else:
        used_up = attempt >= MOST_TRIES[urgency]
        if used_up and maybe_sent:
            return None
        delay = LATER_DELAY_S[urgency] if used_up else min(FIRST_DELAY_S[urgency] * 2 ** (attempt - 1), LONGEST_DELAY_S[urgency])
        due, following = now + delay * random.uniform(0.75, 1.25), attempt + 1  # noqa: S311 - jitter, not a secret
    return (due, following) if due < expires_at else None
