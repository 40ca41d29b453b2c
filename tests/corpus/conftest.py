"""Real input collected beside the repository: TOCSIN_CORPUS, or ../shared/corpus.

Where it is absent these tests are skipped, except in CI.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from subscriptions.areas import AreaCatalog, open_city

BESIDE = Path(__file__).resolve().parents[3] / "shared" / "corpus"


@pytest.fixture(scope="session")
def corpus() -> Path:
    folder = Path(os.environ.get("TOCSIN_CORPUS") or BESIDE)
    if not folder.is_dir():
        message = "the corpus of real alerts is absent: set TOCSIN_CORPUS to its folder"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")
