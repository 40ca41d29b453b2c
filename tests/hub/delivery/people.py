"""A database with people in it, for tests of delivery."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hub.store.database import connect
from hub.store.migrate import upgrade
from subscriptions.vault import Keyring

NOW = 1_790_000_000_000
"""Milliseconds since 1970: the moment at which these tests happen."""


def filled(folder: Path, keyring: Keyring, addresses: list[tuple[str, str]], *, simulated: bool = False) -> Path:
    """A migrated database with one active subscriber for each (channel, address), numbered from 1."""
    path = folder / "tocsin.db"
    upgrade(path)
    connection = connect(path)
    connection.execute("BEGIN")
    for number, (channel, address) in enumerate(addresses, 1):
        key_id, sealed = keyring.seal(channel, address)
        connection.execute(
            "INSERT INTO subscriber(id, public_id, status, language, topics, minimum_severity, created_at)"
            " VALUES (?,?,'active',0,2047,0,?)",
            (number, f"sub_{number}", NOW),
        )
        connection.execute("INSERT INTO place(subscriber, area) VALUES (?, 'zip:11201')", (number,))
        connection.execute(
            "INSERT INTO address(id, subscriber, channel, state, lookup, sealed, key_id, simulated, created_at)"
            " VALUES (?,?,?,'active',?,?,?,?,?)",
            (number, number, channel, keyring.lookup(channel, address), sealed, key_id, int(simulated), NOW),
        )
    connection.execute("COMMIT")
    connection.close()
    return path


def add_mailing(path: Path, *, priority: int = 2, expires_at: int = NOW + 3_600_000, purpose: str = "alert") -> int:
    """A launched mailing without an alert behind it."""
    connection = connect(path)
    (number,) = connection.execute(
        "INSERT INTO mailing(purpose, priority, state, created_at, expires_at) VALUES (?,?,'launched',?,?) RETURNING id",
        (purpose, priority, NOW, expires_at),
    ).fetchone()
    connection.close()
    return int(number)


def rows(path: Path, query: str, *values: object) -> list[tuple[object, ...]]:
    """All rows of a query, past every layer of the product."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()
