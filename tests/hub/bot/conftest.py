"""A residents' service that the bot can serve."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import URL

from subscriptions.areas import AreaCatalog, open_city
from tests.subscriptions.residents import Residents, opened


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")


@pytest.fixture
async def residents(store: URL, catalog: AreaCatalog) -> AsyncIterator[Residents]:
    async with opened(store, catalog) as service:
        yield service
