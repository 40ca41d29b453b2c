"""A table of names, for tests of how rows are written."""

from __future__ import annotations

from sqlalchemy import text

from hub.store.database import Database
from tests import databases


async def add(database: Database, name: str) -> None:
    """By a writer of its own."""
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO thing VALUES (:name)"), {"name": name})


def names(database: Database) -> list[str]:
    """As another connection sees them."""
    return [str(name) for (name,) in databases.rows(database.url, "SELECT name FROM thing ORDER BY name")]
