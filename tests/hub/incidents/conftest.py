"""Incidents on a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from hub.incidents.incident import Incidents
from hub.store.database import Database
from subscriptions.areas import AreaCatalog, open_city


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")


@pytest.fixture
async def database(store: URL) -> AsyncIterator[Database]:
    async with Database(store) as database:
        yield database


@pytest.fixture
def incidents(database: Database) -> Incidents:
    return Incidents(database, lambda: 1_795_000_000.0, changed=lambda: None)
