"""Incidents on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.incidents.incident import Incidents
from hub.store.database import Database
from hub.store.tables import metadata
from subscriptions.areas import AreaCatalog, open_city


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(f"sqlite:///{tmp_path / 'hub.db'}") as database:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        yield database


@pytest.fixture
def incidents(database: Database) -> Incidents:
    return Incidents(database, lambda: 1_795_000_000.0)
