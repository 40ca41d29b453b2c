"""Looks into a test's database past every layer of the product, whichever kind it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import URL, Connection, Engine, create_engine, event

from hub.store.database import database_url, prepare
from hub.store.migrate import upgrade
from tests.peers.postgres import PostgresServer

_engines: dict[URL, Engine] = {}


def _engine(url: URL) -> Engine:
    if url not in _engines:
        engine = _engines[url] = create_engine(url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", prepare)
    return _engines[url]


def forget(url: URL) -> None:
    """Close what was opened."""
    if engine := _engines.pop(url, None):
        engine.dispose()


@contextmanager
def connected(url: URL) -> Iterator[Connection]:
    """A connection of our own, committed at the end."""
    with _engine(url).begin() as connection:
        yield connection


def run(connection: Connection, query: str, *values: Any) -> Any:
    """One statement with ``?`` for values."""
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    return connection.exec_driver_sql(query.replace("?", mark), values)


def run_many(connection: Connection, query: str, many: list[tuple[Any, ...]]) -> None:
    """One statement for each tuple of values."""
    if many:
        sqlite = connection.dialect.name == "sqlite"
        mark = "?" if sqlite else "%s"
        if sqlite and not connection.connection.driver_connection.in_transaction:  # type: ignore[union-attr]  # a pool's always has one
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # left to itself, each row would be synchronised to disk alone
        connection.exec_driver_sql(query.replace("?", mark), many)


def rows(url: URL, query: str, *values: object) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with connected(url) as connection:
        return [tuple(row) for row in run(connection, query, *values)]


def write(url: URL, query: str, *values: object) -> Any:
    """One statement, committed; the first value that it returns, if it returns any."""
    with connected(url) as connection:
        done = run(connection, query, *values)
        return done.scalar() if done.returns_rows else None


class Migrated:
    """Migrated PostgreSQL databases without anybody in them. One costs a fifth of a second and 8 MB, so it is emptied and lent again."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        url = server.new_database()
        upgrade(database_url(url, Path()))
        self.name = url.rpartition("/")[2]
        """What new ones are copied from."""
        with psycopg.connect(url) as connection:
            self._tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname='public' ORDER BY 1")]
            self._kept = {table: _copy_out(connection, table) for table in self._tables}
        self._empty: list[str] = []

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of one that nobody else has meanwhile."""
        url = self._empty.pop() if self._empty else self._server.new_database(self.name)
        with psycopg.connect(url) as connection:
            shape = _shape(connection)
        yield url
        with psycopg.connect(url) as connection:
            try:
                self._without_guests(connection)
                if _shape(connection) == shape and self._emptied(connection):
                    self._empty.append(url)
            except psycopg.errors.LockNotAvailable:
                connection.rollback()

    def _without_guests(self, connection: psycopg.Connection) -> None:
        """Nobody else is connected any more, and a test's own tables are gone."""
        others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname=current_database() AND pid<>pg_backend_pid()"
        connection.execute(others)
        connection.execute("SET lock_timeout='10s'")
        there = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname='public'").fetchall()
        if own := [table for (table,) in there if table not in self._tables]:
            connection.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.SQL(",").join(map(sql.Identifier, own))))

    def _emptied(self, connection: psycopg.Connection) -> bool:
        """Whether it is as it was made."""
        looks = [sql.SQL("SELECT {0} WHERE EXISTS (SELECT FROM {1})").format(table, sql.Identifier(table)) for table in self._tables]
        written = {row[0] for row in connection.execute(sql.SQL(" UNION ALL ").join(looks))}
        connection.execute(sql.SQL("SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"))
        changed = [table for table in self._tables if table in written and self._kept[table] != _copy_out(connection, table)]
        if not changed:
            return not any(self._kept[table] for table in self._tables if table not in written)
        connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(",").join(map(sql.Identifier, changed))))
        for table, kept in self._kept.items():
            if kept and not _copy_out(connection, table):
                with connection.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table))) as copy:
                    copy.write(kept)
        return True


def _copy_out(connection: psycopg.Connection, table: str) -> bytes:
    with connection.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(sql.Identifier(table))) as copy:
        return b"".join(bytes(part) for part in copy)


def _shape(connection: psycopg.Connection) -> object:
    """Different once anything was made, changed or dropped in it, as tests of migrations do."""
    query = (
        "SELECT (SELECT hashtext(string_agg(concat(c.oid, c.relname), ',' ORDER BY c.oid)) FROM pg_class c WHERE relnamespace=n.oid),"
        " (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid=attrelid WHERE relnamespace=n.oid AND NOT attisdropped),"
        " (SELECT count(*) FROM pg_constraint WHERE connamespace=n.oid), (SELECT count(*) FROM pg_trigger)"
        " FROM pg_namespace n WHERE nspname='public'"
    )
    return connection.execute(query).fetchone()
