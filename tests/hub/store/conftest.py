"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from hub.store.database import Database
from tests import databases


@pytest.fixture
async def database(store: URL) -> AsyncIterator[Database]:
    """With an empty table for `tests.hub.store.things`."""
    databases.write(store, "CREATE TABLE thing(name TEXT PRIMARY KEY)")
    async with Database(store) as opened:
        yield opened
