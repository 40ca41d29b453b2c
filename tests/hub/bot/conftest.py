"""A residents' service that the bot can serve."""

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
    async with opened(tmp_path, catalog) as service:
        yield service
