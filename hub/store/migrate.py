"""Brings the database to this release's schema. Each package owns its tables; Alembic sees them together."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, create_engine, event, inspect

from hub.errors import SettingsError
from hub.store import tables
from hub.store.database import PRAGMAS
from subscriptions.store import tables as subscription_tables

METADATA: tuple[MetaData, ...] = (tables.metadata, subscription_tables.metadata)


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


def revision(path: Path) -> tuple[str | None, str | None]:
    """The revision of an existing file and the one that this release has. Changes nothing. Raises SettingsError when there is no file."""
    if not path.exists():
        raise SettingsError(f"there is no hub in {path.parent}: name its folder with --data, or start one there with `tocsin serve`")
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            scripts = ScriptDirectory.from_config(_config(connection))
            return MigrationContext.configure(connection).get_current_revision(), scripts.get_current_head()
    finally:
        engine.dispose()


def upgrade(path: Path) -> tuple[str | None, str | None]:
    """Migrate the SQLite file, making it when there is none. Returns the revisions before and after.

    Raises SettingsError when the file belongs to a later release.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    try:
        with engine.begin() as connection:
            config = _config(connection)
            before = MigrationContext.configure(connection).get_current_revision()
            known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
            if before is not None and before not in known:
                raise SettingsError(f"{path} was written by a later release (schema {before}): install that release, or restore a backup")
            if before is None and inspect(connection).get_table_names():
                raise SettingsError(f"{path} is not a Tocsin database: choose another file with TOCSIN_DATABASE")
            command.upgrade(config, "head")
            return before, MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def _prepare(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a DB-API connection, which has no common type
    for pragma in PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
