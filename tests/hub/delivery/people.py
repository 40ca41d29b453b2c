"""A database with people in it, for tests of delivery."""

from __future__ import annotations

from sqlalchemy import URL

from subscriptions.vault import Keyring
from tests.databases import connected, run, run_many

NOW = 1_790_000_000_000
"""Milliseconds since 1970: the moment at which these tests happen."""


def filled(url: URL, keyring: Keyring, addresses: list[tuple[str, str]], *, simulated: bool = False) -> URL:
    """Put one active subscriber for each (channel, address) into a migrated database, numbered from 1."""
    sealed = [(channel, *keyring.seal(channel, address), keyring.lookup(channel, address)) for channel, address in addresses]
    people = [(number, f"sub_{number}", NOW) for number in range(1, len(addresses) + 1)]
    ways = [
        (number, number, channel, lookup, letter, key_id, int(simulated), NOW)
        for number, (channel, key_id, letter, lookup) in enumerate(sealed, 1)
    ]
    with connected(url) as connection:
        run_many(
            connection,
            "INSERT INTO subscriber(id, public_id, status, language, topics, minimum_severity, created_at)"
            " VALUES (?,?,'active',0,2047,0,?)",
            people,
        )
        run_many(connection, "INSERT INTO place(subscriber, area) VALUES (?, 'zip:11201')", [(number,) for number, *_ in people])
        run_many(
            connection,
            "INSERT INTO address(id, subscriber, channel, state, lookup, sealed, key_id, simulated, created_at)"
            " VALUES (?,?,?,'active',?,?,?,?,?)",
            ways,
        )
    return url


def add_mailing(url: URL, *, priority: int = 2, expires_at: int = NOW + 3_600_000, purpose: str = "alert", alert: int | None = None) -> int:
    """A launched mailing, by itself without an alert behind it."""
    with connected(url) as connection:
        (number,) = run(
            connection,
            "INSERT INTO mailing(purpose, priority, state, created_at, expires_at, alert) VALUES (?,?,'launched',?,?,?) RETURNING id",
            *(purpose, priority, NOW, expires_at, alert),
        ).one()
    return int(number)
