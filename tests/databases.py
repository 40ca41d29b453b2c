"""Looks into a test's database past every layer of the product, whichever kind it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event

from hub.store.database import prepare

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


def rows(url: URL, query: str, *values: object) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    with connected(url) as connection:
        return [tuple(row) for row in run(connection, query, *values)]


def write(url: URL, query: str, *values: object) -> Any:
    """One statement, committed; the first value that it returns, if it returns any."""
    with connected(url) as connection:
        done = run(connection, query, *values)
        return done.scalar() if done.returns_rows else None
