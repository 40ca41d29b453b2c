"""What tests of the feeds share."""

from __future__ import annotations

import pytest

from subscriptions.areas import AreaCatalog, open_city


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")
