"""The data folder of a hub with a million people, made once and kept: what is measured at scale runs on a real database.

The people are those of `benchmarks.people`; each address is a webhook of its own at the benchmarks' sink, sealed like any other. Made by
bulk, since a million sign-ups are not what is measured. The folder is keyed by all that it is made of, and each measurement gets a copy.
"""

from __future__ import annotations

import secrets
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.people import Population, population
from hub.store import migrate
from hub.store.database import database_url
from subscriptions.areas import AreaCatalog, open_city
from subscriptions.columns import CITY, CITY_KEY, POINT, UNKNOWN, AddressKinds
from subscriptions.vault import Keyring, open_keyring

PEOPLE = 1_000_000
SINK_PORT = 18_099
"""Addresses name it, so it can't be any free one."""
SINK = f"http://127.0.0.1:{SINK_PORT}"

_FORM = 1
"""To be raised when the rows are made in another way."""
_CREATED_AT = 1_700_000_000_000
_ROWS_AT_ONCE = 50_000
_RESULTS = Path(__file__).parent / "results"


@contextmanager
def copied() -> Iterator[Path]:
    """A fresh data folder with everyone in it, gone at the end."""
    with tempfile.TemporaryDirectory(dir=_RESULTS if _RESULTS.exists() else None) as parent:
        folder = Path(parent) / "data"
        shutil.copytree(kept(), folder)
        yield folder


def kept() -> Path:
    """The folder that copies are made of; the first call makes it, in about a minute."""
    _RESULTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_RESULTS) as parent:
        draft = Path(parent) / "data"
        draft.mkdir()
        _, schema = migrate.upgrade(database_url("", draft))
        folder = _RESULTS / f"big-city-{_FORM}-{PEOPLE}-{schema}"
        if not folder.exists():
            _fill(draft)
            draft.rename(folder)
    return folder


def _fill(folder: Path) -> None:
    catalog, kinds = open_city("nyc"), AddressKinds()
    people = population(catalog, kinds, PEOPLE)
    keyring = open_keyring(folder, create=True)
    with sqlite3.connect(folder / "tocsin.db") as connection:
        connection.execute("PRAGMA synchronous=OFF")
        _insert(connection, _SUBSCRIBER, _subscribers(people))
        _insert(connection, _PLACE, _places(people, catalog))
        _insert(connection, _ADDRESS, _addresses(people, keyring))
        connection.commit()
        connection.execute("ANALYZE")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


_SUBSCRIBER = (
    "INSERT INTO subscriber(id, public_id, status, language, topics, minimum_severity, drills, created_at, confirmed_at)"
    f" VALUES (?,?,'active',?,?,?,?,{_CREATED_AT},{_CREATED_AT})"
)
_PLACE = "INSERT INTO place(subscriber, area, lat, lon, radius_m) VALUES (?,?,?,?,?)"
_ADDRESS = (
    "INSERT INTO address(id, subscriber, channel, state, lookup, sealed, key_id, created_at, confirmed_at)"
    f" VALUES (?,?,'webhook','active',?,?,?,{_CREATED_AT},{_CREATED_AT})"
)

Rows = Iterator[tuple[object, ...]]


def _insert(connection: sqlite3.Connection, statement: str, rows: Rows) -> None:
    while part := list(islice(rows, _ROWS_AT_ONCE)):
        connection.executemany(statement, part)


def _subscribers(people: Population) -> Rows:
    columns = people.people
    choices = (columns.id, columns.language, columns.topics, columns.minimum_severity, columns.drills.astype(int))
    for number, *chosen in zip(*(column.tolist() for column in choices), strict=True):
        yield number, f"sub_{secrets.token_urlsafe(12)}", *chosen


def _places(people: Population, catalog: AreaCatalog) -> Rows:
    columns = people.places
    point = columns.area == POINT
    lon, lat = (np.full(len(point), np.nan) for _ in range(2))
    lon[point], lat[point] = catalog.projection.lonlat(columns.x[point], columns.y[point])
    keys = {CITY: CITY_KEY, POINT: None, UNKNOWN: None} | {area.index: area.key for area in catalog.areas}
    places = (columns.owner, columns.area, lat, lon, columns.radius)
    for owner, area, north, east, radius in zip(*(column.tolist() for column in places), strict=True):
        yield (owner, None, north, east, radius) if area == POINT else (owner, keys[area], None, None, None)


def _addresses(people: Population, keyring: Keyring) -> Rows:
    columns = people.addresses
    for number, owner in zip(columns.id.tolist(), columns.owner.tolist(), strict=True):
        url = f"{SINK}/{number}"
        key_id, sealed = keyring.seal("webhook", url)
        yield number, owner, keyring.lookup("webhook", url), sealed, key_id
