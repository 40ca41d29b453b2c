"""One catalogue of New York for all tests of a run, and a service on its own database for each."""

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
    """Without limits on sign-ups."""
    async with opened(store, catalog) as service:
        yield service


@pytest.fixture
async def limited(store: URL, catalog: AreaCatalog) -> AsyncIterator[Residents]:
    """With limits on sign-ups, as in production."""
    async with opened(store, catalog, limits=True) as service:
        yield service
