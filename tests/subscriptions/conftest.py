"""One catalogue of New York for all tests of a run, and a service on its own database for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from subscriptions.areas import AreaCatalog, open_city
from tests.subscriptions.residents import Residents, opened


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")


@pytest.fixture
async def residents(tmp_path: Path, catalog: AreaCatalog) -> AsyncIterator[Residents]:
    """Without limits on sign-ups."""
    async with opened(tmp_path, catalog) as service:
        yield service


@pytest.fixture
async def limited(tmp_path: Path, catalog: AreaCatalog) -> AsyncIterator[Residents]:
    """With limits on sign-ups, as in production."""
    async with opened(tmp_path, catalog, limits=True) as service:
        yield service
