"""Brings the database to this release's schema. Each package owns its tables; Alembic sees them together."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, MetaData, NullPool, create_engine, event, inspect, text
from sqlalchemy.exc import OperationalError

from hub.errors import SettingsError
from hub.store import tables
from hub.store.database import prepare, shown
from hub.store.inline_sqlite import BEGIN_WRITING
from subscriptions.store import tables as subscription_tables

METADATA: tuple[MetaData, ...] = (tables.metadata, subscription_tables.metadata)

_SCRIPTS = ScriptDirectory(str(Path(__file__).parent / "migrations"))
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7861737)")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", _SCRIPTS.dir)
    config.attributes["connection"] = connection
    return config


def migrate_to(connection: Connection, target: str) -> None:
    """Inside the caller's transaction: make or migrate the schema up to a revision, ``head`` for this release's.

    Raises SettingsError for a revision of a later release.
    """
    if target not in {"head", *_revisions()}:
        raise SettingsError(f"this is of a later release (schema {target}): install that release")
    command.upgrade(_config(connection), target)


def revision(url: URL) -> str | None:
    """The schema of an existing database, None when nothing is in it. Changes nothing.

    Raises SettingsError when there is none, when it belongs to a later release or to another program, or can't be reached.
    """
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        folder = Path(url.database or "").parent
        raise SettingsError(f"there is no hub in {folder}: name its folder with --data, or start one there with `tocsin serve`")
    engine = create_engine(url, poolclass=NullPool)
    try:
        with _opened(engine) as connection:
            return _known(connection, shown(url))
    finally:
        engine.dispose()


def current(url: URL) -> str:
    """The schema of an existing database, which is that of this release: for whatever works on a hub and is not meant to migrate it.

    Changes nothing. Raises SettingsError as `revision` does, and for an earlier release's.
    """
    found, wanted = revision(url), _SCRIPTS.get_current_head()
    if found is None:
        raise SettingsError(f"{shown(url)} is empty: `tocsin migrate` makes a hub of it")
    if found != wanted:
        raise SettingsError(f"{shown(url)} has schema {found}, this release has {wanted}: `tocsin migrate`, or take the release it is of")
    return found


def made(url: URL) -> str:
    """The same, of a database that is made when there is none yet."""
    absent = url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()
    if absent or revision(url) is None:
        upgrade(url)
    return current(url)


def upgrade(url: URL) -> tuple[str | None, str | None]:
    """Migrate the database, making the file when there is none; of several nodes one does it. Returns the revisions before and after.

    Raises SettingsError when it belongs to a later release or to another program, or can't be reached.
    """
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        event.listen(engine, "connect", prepare)
        # All of it or nothing: the driver itself would keep each change of a table at once.
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(BEGIN_WRITING))
    try:
        with _opened(engine) as connection, connection.begin():
            return _upgrade(connection, shown(url))
    finally:
        engine.dispose()


def _opened(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        raise SettingsError(f"TOCSIN_DATABASE: the database can't be reached ({type(error.orig).__name__}): is it running?") from None


def _upgrade(connection: Connection, name: str) -> tuple[str | None, str | None]:
    if connection.dialect.name == "postgresql":
        connection.execute(_ONE_AT_A_TIME)
    before = _known(connection, name)
    command.upgrade(_config(connection), "head")
    return before, MigrationContext.configure(connection).get_current_revision()


def _revisions() -> set[str]:
    return {script.revision for script in _SCRIPTS.walk_revisions()}


def _known(connection: Connection, name: str) -> str | None:
    """The schema of a database that this release knows, None of an empty one. Raises SettingsError for any other."""
    found = MigrationContext.configure(connection).get_current_revision()
    if found is not None and found not in _revisions():
        raise SettingsError(f"{name} was written by a later release (schema {found}): install that release, or restore a backup")
    if found is None and inspect(connection).get_table_names():
        raise SettingsError(f"{name} is not a Tocsin database: choose another with TOCSIN_DATABASE")
    return found
