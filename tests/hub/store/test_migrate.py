"""The migrations and the tables in the code say the same, and a database that is not ours is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL

from hub.errors import SettingsError
from hub.store.database import database_url, shown
from hub.store.migrate import METADATA, _config, current, made, revision, upgrade
from tests.databases import connected, rows, run

NEWEST = "0008"


def test_the_migrations_make_the_tables_of_the_code(store: URL) -> None:
    with connected(store) as connection:
        assert compare_metadata(MigrationContext.configure(connection), list(METADATA)) == []
    assert upgrade(store) == (NEWEST, NEWEST)
    assert (revision(store), current(store), made(store)) == (NEWEST, NEWEST, NEWEST)


def test_a_new_file_is_made_with_its_folder(tmp_path: Path) -> None:
    assert upgrade(database_url("", tmp_path / "new")) == (None, NEWEST)


def test_what_one_node_had_counted_is_kept_when_several_may_count(tmp_path: Path) -> None:
    url = database_url("", tmp_path)
    with connected(url) as connection:
        command.upgrade(_config(connection), "0001")
        run(connection, "INSERT INTO mailing(id, purpose, priority, state, created_at, expires_at, first_at, last_at, latencies)"
            " VALUES (1, 'alert', 2, 'done', 1, 9, 3, 4, ?)", b"\0" * 1024)  # fmt: skip
        run(connection, "INSERT INTO counter(mailing, channel, outcome, count) VALUES (1, 'email', 'handed_over', 5)")
        run(connection, "INSERT INTO batch(mailing, channel, language, simulated, priority, due_at, attempt, state, addresses)"
            " VALUES (1, 'email', 'en', 0, 2, 0, 1, 1, ?)", b"\0" * 8)  # fmt: skip
    assert upgrade(url) == ("0001", NEWEST)
    assert rows(url, "SELECT mailing, channel, outcome, node, count FROM counter") == [(1, "email", "handed_over", 0, 5)]
    assert rows(url, "SELECT mailing, node, first_at, last_at FROM pace") == [(1, 0, 3, 4)]
    assert rows(url, "SELECT mailing, state, node, turn FROM batch") == [(1, 1, 0, 0)]


def test_an_upgrade_that_is_cut_off_has_changed_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database_url("", tmp_path)
    with connected(url) as connection:
        command.upgrade(_config(connection), "0006")
        run(connection, "INSERT INTO signup(bucket, count, expires_at) VALUES (?, 1, 9)", b"x" * 32)

    def cut(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(op, "create_table", cut)
        with pytest.raises(KeyboardInterrupt):
            upgrade(url)
    assert rows(url, "SELECT count(*) FROM signup") == [(1,)]
    assert upgrade(url) == ("0006", NEWEST)
    assert rows(url, "SELECT count(*) FROM signup") == [(0,)]


def test_ledger_rows_have_no_hidden_row_number_and_people_never_get_a_number_twice(migrated_sqlite: Path) -> None:
    made = dict(rows(database_url(f"sqlite:///{migrated_sqlite}", Path()), "SELECT name, sql FROM sqlite_master WHERE type='table'"))  # type: ignore[arg-type]
    assert "WITHOUT ROWID" in made["delivery"]
    assert "AUTOINCREMENT" in made["subscriber"]
    assert "AUTOINCREMENT" in made["address"]


@pytest.mark.parametrize("what", [upgrade, revision, current, made])
def test_a_database_of_a_later_release_is_refused(store: URL, what: Callable[[URL], object]) -> None:
    with connected(store) as connection:
        run(connection, "UPDATE alembic_version SET version_num='9999'")
    with pytest.raises(SettingsError, match=r"later release .*install that release"):
        what(store)


@pytest.mark.parametrize("what", [upgrade, revision, current, made])
def test_a_database_of_another_program_is_refused(store: URL, what: Callable[[URL], object]) -> None:
    with connected(store) as connection:
        run(connection, "DROP TABLE alembic_version")
    with pytest.raises(SettingsError, match="not a Tocsin database"):
        what(store)


@pytest.mark.parametrize("what", [current, made])
def test_a_database_of_an_earlier_release_is_left_for_who_means_to_migrate_it(store: URL, what: Callable[[URL], object]) -> None:
    with connected(store) as connection:
        run(connection, "UPDATE alembic_version SET version_num='0007'")
    with pytest.raises(SettingsError, match=f"has schema 0007, this release has {NEWEST}: `tocsin migrate`"):
        what(store)
    assert revision(store) == "0007"


def test_a_database_with_nothing_in_it_is_made_a_hub_only_where_one_is_to_be_made(tmp_path: Path) -> None:
    url = database_url("", tmp_path)
    (tmp_path / "tocsin.db").touch()
    with pytest.raises(SettingsError, match="is empty: `tocsin migrate`"):
        current(url)
    assert revision(url) is None
    assert made(url) == NEWEST
    assert made(database_url("", tmp_path / "new")) == NEWEST


@pytest.mark.parametrize("what", [revision, current])
def test_looking_makes_nothing(tmp_path: Path, what: Callable[[URL], object]) -> None:
    with pytest.raises(SettingsError, match="no hub"):
        what(database_url("", tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there_is_said_in_one_sentence() -> None:
    with pytest.raises(SettingsError, match="can't be reached"):
        upgrade(database_url("postgresql://nobody@127.0.0.1:1/none", Path()))


def test_a_server_is_asked_to_end_what_a_suspended_node_holds_unless_the_setting_says_otherwise() -> None:
    assert database_url("postgresql://me:secret@db/hub", Path()).query["options"] == "-c idle_in_transaction_session_timeout=5s"
    own = database_url("postgresql://me:secret@db/hub?options=-c%20lock_timeout%3D1s&sslmode=require", Path())
    assert (own.query["options"], own.query["sslmode"]) == ("-c lock_timeout=1s", "require")
    assert shown(own) == "postgresql://me:***@db/hub"


@pytest.mark.parametrize("setting", ["mysql://host/db", "postgresql://host", "no url", "sqlite://"])
def test_another_kind_of_database_is_refused_with_what_to_write(setting: str) -> None:
    with pytest.raises(SettingsError, match="sqlite:///FILE"):
        database_url(setting, Path())
