"""The yardstick for matching: the same people in PostGIS, asked the same question in SQL, as a good user of PostGIS would.

Its server is Debian's (postgresql-postgis), in a folder of its own, on loopback, with room for everything in memory and nothing that waits
for the disk. Rows lie in the order of the indexes that find them. Which named areas are reached is worked out beforehand for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import shapely
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from shapely.geometry.base import BaseGeometry

from benchmarks.measure import Missing
from benchmarks.people import Population
from subscriptions.columns import CITY, POINT, AddressKinds
from subscriptions.languages import tag
from subscriptions.matching import Group, Target
from tests.peers.postgres import postgres_server

YARDSTICK = "PostGIS with GiST indexes: the same question"
AT_MOST_S = 60
"""A question that takes longer is cut off, and counts as this."""

Ints = npt.NDArray[np.int64]
Answer = Mapping[Group, Ints]
"""Address ids by group, as a `Match` has them."""

_SETTINGS = {
    "shared_buffers": "1GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "effective_cache_size": "4GB",
    "random_page_cost": "1",  # all pages are in memory
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "jit": "off",
    "plan_cache_mode": "force_custom_plan",
}
_TABLES = (
    "CREATE EXTENSION postgis",
    "CREATE TABLE people(id bigint, language smallint, topics integer, min_severity smallint)",
    "CREATE TABLE given(owner bigint, x float8, y float8, radius float8)",
    "CREATE TABLE named(owner bigint, area integer)",
    "CREATE TABLE addresses(owner bigint, id bigint, kind smallint)",
)
_INDEXES = (
    "CREATE TABLE points(owner bigint, spot geometry(Point), radius float8, reach geometry)",
    "INSERT INTO points SELECT owner, ST_MakePoint(x, y), radius, ST_Expand(ST_MakePoint(x, y), radius) FROM given",
    "DROP TABLE given",
    "CREATE UNIQUE INDEX people_id ON people(id) INCLUDE (language, topics, min_severity)",
    "CREATE INDEX points_reach ON points USING gist(reach)",
    "CREATE INDEX named_area ON named(area) INCLUDE (owner)",
    "CREATE INDEX addresses_owner ON addresses(owner) INCLUDE (id, kind)",
    "CLUSTER points USING points_reach",
    "CLUSTER named USING named_area",
    "VACUUM ANALYZE",
    "CHECKPOINT",
)
_QUESTION = """
WITH piece AS MATERIALIZED (SELECT ST_Subdivide(ST_GeomFromWKB(%(shape)b), 256) AS shape),
near AS (
  SELECT owner FROM points, piece WHERE reach && shape AND ST_DWithin(spot, shape, radius)
  UNION SELECT owner FROM named WHERE area = ANY(%(areas)b)
)
SELECT address.kind, person.language, array_agg(address.id) FROM near
JOIN people AS person ON person.id = near.owner AND person.topics & %(topics)s <> 0 AND person.min_severity <= %(severity)s
JOIN addresses AS address ON address.owner = person.id GROUP BY address.kind, person.language
"""
_IN_ORDER = _QUESTION.replace("near AS (", "near AS MATERIALIZED (SELECT DISTINCT owner FROM (").replace(
    "UNION SELECT owner FROM named WHERE area = ANY(%(areas)b)\n)",
    "UNION ALL SELECT owner FROM named WHERE area = ANY(%(areas)b)) AS found ORDER BY owner\n)",
)
"""Looks people up in the order of their pages: faster for some ten thousand, slower for nearly everyone."""


class PostGis:
    """The population in a server; `ask` asks it."""

    name = YARDSTICK
    city_rounds = 3
    """Each takes seconds."""

    def __init__(self, connection: psycopg.Connection[Any], kinds: AddressKinds) -> None:
        self._connection, self._kinds = connection, kinds
        self._question = _QUESTION

    def warm(self, target: Target, shape: BaseGeometry, areas: Sequence[int]) -> None:
        """Ask in each wording twice, and keep to the faster one."""
        took: dict[str, float] = {}
        for wording in (_QUESTION, _IN_ORDER) * 2:
            self._question, start = wording, time.perf_counter()
            self.ask(target, shape, areas)
            took[wording] = min(took.get(wording, np.inf), time.perf_counter() - start)
        self._question = min(took, key=took.__getitem__)

    def ask(self, target: Target, shape: BaseGeometry, areas: Sequence[int]) -> Answer | None:
        """Whom the target reaches, None when it was cut off. `shape` in metres; `areas` are those whose followers are reached."""
        asked = {
            "shape": shapely.to_wkb(shape),
            "areas": [*areas, CITY],
            "topics": target.topics,
            "severity": target.severity,
        }
        try:
            rows = self._connection.execute(self._question.encode(), asked, prepare=True, binary=True).fetchall()
        except psycopg.errors.QueryCanceled:
            return None
        return {self._group(kind, language): ids for kind, language, ids in rows}

    def _group(self, kind: int, language: int) -> Group:
        channel, simulated, discreet = self._kinds.names[kind]
        return Group(channel, tag(language), simulated, discreet)


@contextmanager
def postgis(people: Population, kinds: AddressKinds) -> Iterator[PostGis]:
    """A server with these people in it. Raises Missing where Debian's programs are not."""
    with (
        postgres_server(programs=_programs(), settings=_SETTINGS) as server,
        psycopg.connect(server.url(), autocommit=True) as connection,
    ):
        connection.adapters.register_loader(psycopg.adapters.types["int8"].array_oid, _Ids)
        _fill(connection, people)
        connection.execute(f"SET statement_timeout = '{AT_MOST_S}s'".encode())
        yield PostGis(connection, kinds)


def _programs() -> Path:
    for programs in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True):
        if Path("/usr/share/postgresql", programs.parent.name, "extension/postgis.control").exists():
            return programs
    raise Missing("PostGIS is missing: apt-get install postgresql-postgis")


def _fill(connection: psycopg.Connection[Any], people: Population) -> None:
    who, where, how = people.people, people.places, people.addresses
    point = where.area == POINT
    for statement in _TABLES:
        connection.execute(statement.encode())
    _copy(connection, "people", (">i8", who.id), (">i2", who.language), (">i4", who.topics), (">i2", who.minimum_severity))
    spots = ((">f8", column[point]) for column in (where.x, where.y, where.radius))
    _copy(connection, "given", (">i8", where.owner[point]), *spots)
    _copy(connection, "named", (">i8", where.owner[~point]), (">i4", where.area[~point]))
    _copy(connection, "addresses", (">i8", how.owner), (">i8", how.id), (">i2", how.kind))
    for statement in _INDEXES:
        connection.execute(statement.encode())


def _copy(connection: psycopg.Connection[Any], table: str, *fields: tuple[str, npt.NDArray[Any]]) -> None:
    """In COPY's binary form: the number of fields, then each field's length before it."""
    lengths = [(f"length{at}", ">i4") for at in range(len(fields))]
    values = [(f"value{at}", kind) for at, (kind, _) in enumerate(fields)]
    layout = [("fields", ">i2"), *(part for pair in zip(lengths, values, strict=True) for part in pair)]
    rows = np.zeros(len(fields[0][1]), dtype=layout)
    rows["fields"] = len(fields)
    for at, (kind, column) in enumerate(fields):
        rows[f"length{at}"], rows[f"value{at}"] = np.dtype(kind).itemsize, column
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN (FORMAT binary)".encode()) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff")


class _Ids(Loader):
    """An array of bigint straight into numpy: 20 bytes of header, then each number with its length before it."""

    format = Format.BINARY
    _layout = np.dtype([("length", ">i4"), ("id", ">i8")])

    def load(self, data: Buffer) -> Ints:
        return np.frombuffer(data, self._layout, offset=20)["id"].astype(np.int64)
