"""The migrations and the tables in the code say the same, and a file that is not ours is left alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from hub.errors import SettingsError
from hub.store.migrate import METADATA, revision, upgrade


def test_the_migrations_make_the_tables_of_the_code(tmp_path: Path) -> None:
    before, after = upgrade(tmp_path / "hub.db")
    assert (before, after) == (None, "0001")
    engine = create_engine(f"sqlite:///{tmp_path / 'hub.db'}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), list(METADATA)) == []
    engine.dispose()
    assert upgrade(tmp_path / "hub.db") == ("0001", "0001")


def test_ledger_rows_have_no_hidden_row_number_and_people_never_get_a_number_twice(tmp_path: Path) -> None:
    upgrade(tmp_path / "hub.db")
    connection = sqlite3.connect(tmp_path / "hub.db")
    made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type='table'"))
    connection.close()
    assert "WITHOUT ROWID" in made["delivery"]
    assert "AUTOINCREMENT" in made["subscriber"]
    assert "AUTOINCREMENT" in made["address"]


def test_a_database_of_another_program_or_of_a_later_release_is_refused(tmp_path: Path) -> None:
    foreign = sqlite3.connect(tmp_path / "foreign.db")
    foreign.execute("CREATE TABLE recipes(id INTEGER)")
    foreign.close()
    with pytest.raises(SettingsError, match="not a Tocsin database"):
        upgrade(tmp_path / "foreign.db")
    upgrade(tmp_path / "later.db")
    later = sqlite3.connect(tmp_path / "later.db")
    later.execute("UPDATE alembic_version SET version_num='9999'")
    later.commit()
    later.close()
    with pytest.raises(SettingsError, match="later release"):
        upgrade(tmp_path / "later.db")


def test_looking_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no hub"):
        revision(tmp_path / "hub.db")
    assert not list(tmp_path.iterdir())
