"""A hub to be lost, and places to bring it back to; once on each database."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import URL

from hub.store.database import database_url
from tests.hub.backup.hubs import Home, Place, file_in, settled_in

PEOPLE = [("email", f"person{number}@example.org") for number in range(1, 1501)]


@pytest.fixture
def old(store: URL, tmp_path: Path) -> Home:
    """A hub of 1500 people."""
    return settled_in(Home(tmp_path / "old", store), PEOPLE)


@pytest.fixture
def place(request: pytest.FixtureRequest, store: URL, tmp_path: Path) -> Place:
    """Empty places of the same kind."""

    def make(name: str) -> Home:
        if store.get_backend_name() == "sqlite":
            return file_in(tmp_path / name)
        return Home(tmp_path / name, database_url(request.getfixturevalue("postgres").new_database(), Path()))

    return make
