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

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7861737)")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def migrate_to(connection: Connection, target: str) -> None:
    """Inside the caller's transaction: make or migrate the schema up to a revision, ``head`` for this release's.

    Raises SettingsError for a revision of a later release.
    """
    config = _config(connection)
    if target not in {"head", *(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())}:
        raise SettingsError(f"this is of a later release (schema {target}): install that release")
    command.upgrade(config, target)


def revision(url: URL) -> tuple[str | None, str | None]:
    """The revision of an existing database and the one that this release has. Changes nothing. Raises SettingsError when there is none."""
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        folder = Path(url.database or "").parent
        raise SettingsError(f"there is no hub in {folder}: name its folder with --data, or start one there with `tocsin serve`")
    engine = create_engine(url, poolclass=NullPool)
    try:
        with _opened(engine) as connection:
            scripts = ScriptDirectory.from_config(_config(connection))
            return MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    finally:
        engine.dispose()


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
    config = _config(connection)
    before = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if before is not None and before not in known:
        raise SettingsError(f"{name} was written by a later release (schema {before}): install that release, or restore a backup")
    if before is None and inspect(connection).get_table_names():
        raise SettingsError(f"{name} is not a Tocsin database: choose another with TOCSIN_DATABASE")
    command.upgrade(config, "head")
    return before, MigrationContext.configure(connection).get_current_revision()
