"""How often a password may be tried.

Three limits, because each alone fails: by account and client (guessing one password), by client (one password on many accounts), by
account (many clients). The last is wide, so that a stranger can't easily lock an approver out in an emergency.
"""

from __future__ import annotations

from hub.clock import Clock
from hub.errors import TooMany
from hub.staff.rate_limit import Buckets


class LogInLimit:
    """Counts failures only: a right password gives its try back."""

    def __init__(self, clock: Clock) -> None:
        self._pair = Buckets(clock, burst=5, seconds=30)
        self._client = Buckets(clock, burst=20, seconds=10)
        self._account = Buckets(clock, burst=100, seconds=3)

    def take(self, account: str, client: str) -> None:
        """Count one try. Raises TooMany with the seconds to wait; a try that is refused costs nothing anywhere.

        Else whoever asks again while the network's limit is reached would use up the account's own.
        """
        taken: list[tuple[Buckets, str]] = []
        for buckets, key in self._keys(account, client):
            after = buckets.take(key)
            if after:
                for earlier, its_key in taken:
                    earlier.give_back(its_key)
                raise TooMany(f"Too many log-in tries. Wait {after:.0f} seconds, then try again.", after)
            taken.append((buckets, key))

    def give_back(self, account: str, client: str) -> None:
        """The password was right."""
        for buckets, key in self._keys(account, client):
            buckets.give_back(key)

    def _keys(self, account: str, client: str) -> tuple[tuple[Buckets, str], ...]:
        return (self._pair, f"{account}\n{client}"), (self._client, client), (self._account, account)
