"""The yardstick for matching: the same people in PostGIS, with GiST indexes, asked the same question in SQL.

Its server is Debian's (postgresql-postgis), in a folder of its own, with its caches warm and room enough to keep everything in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg
import shapely

from benchmarks.measure import Missing
from benchmarks.people import Population
from subscriptions.columns import CITY, POINT
from subscriptions.matching import Target
from tests.peers.postgres import postgres_server

_SETTINGS = {"shared_buffers": "2GB", "work_mem": "256MB", "maintenance_work_mem": "1GB", "max_wal_size": "8GB", "jit": "off"}
_TABLES = """
CREATE EXTENSION postgis;
CREATE TABLE person(id bigint, language smallint, topics integer, severity smallint);
CREATE TABLE place(owner bigint, area integer, x float8, y float8, radius float8);
CREATE TABLE address(id bigint, owner bigint, kind smallint);
"""
_INDEXES = """
ALTER TABLE place ADD COLUMN spot geometry(Point);
UPDATE place SET spot = ST_MakePoint(x, y) WHERE area = %(point)s;
ALTER TABLE person ADD PRIMARY KEY (id);
CREATE INDEX ON place USING gist(spot);
CREATE INDEX ON place(area);
CREATE INDEX ON address(owner);
VACUUM ANALYZE;
"""
_QUESTION = """
WITH alert AS MATERIALIZED (SELECT ST_GeomFromWKB(%(shape)s) AS shape),
near AS (
  SELECT owner FROM place, alert WHERE spot && ST_Expand(shape, %(furthest)s) AND ST_DWithin(spot, shape, radius)
  UNION SELECT owner FROM place WHERE area = ANY(%(areas)s)
)
SELECT a.kind, p.language, array_agg(a.id) FROM near
JOIN person p ON p.id = near.owner AND (p.topics & %(topics)s) <> 0 AND p.severity <= %(severity)s
JOIN address a ON a.owner = p.id GROUP BY a.kind, p.language
"""


class PostGis:
    """The population in a server; `match` asks it."""

    name = "PostGIS with GiST indexes, the same question in SQL"

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]], people: Population) -> None:
        self._connection = connection
        self._furthest = float(people.places.radius[people.places.area == POINT].max())

    def match(self, target: Target, shape: shapely.Geometry, areas: Sequence[int]) -> int:
        """How many addresses are reached. `shape` in metres; `areas` are the catalogue's, those of people who follow them by name."""
        asked = {
            "shape": shapely.to_wkb(shape),
            "areas": [*areas, CITY],
            "furthest": self._furthest,
            "topics": target.topics,
            "severity": target.severity,
        }
        return sum(len(ids) for _, _, ids in self._connection.execute(_QUESTION, asked, binary=True))  # type: ignore[arg-type]  # an array


@contextmanager
def postgis(people: Population) -> Iterator[PostGis]:
    """Raises Missing where Debian's programs are not."""
    with (
        postgres_server(programs=_programs(), settings=_SETTINGS) as server,
        psycopg.connect(server.url(), autocommit=True) as connection,
    ):
        _fill(connection, people)
        yield PostGis(connection, people)


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found or not list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
        raise Missing("PostGIS is missing: apt-get install postgresql-postgis")
    return found[-1].parent


def _fill(connection: psycopg.Connection[tuple[object, ...]], people: Population) -> None:
    for statement in _TABLES.strip().split(";\n"):
        connection.execute(statement.encode())
    who, where, how = people.people, people.places, people.addresses
    _copy(connection, "person", (who.id, who.language, who.topics, who.minimum_severity))
    _copy(connection, "place", (where.owner, where.area, where.x, where.y, where.radius))
    _copy(connection, "address", (how.id, how.owner, how.kind))
    for statement in _INDEXES.strip().split(";\n"):
        connection.execute(statement.replace("%(point)s", str(POINT)).rstrip(";").encode())


def _copy(connection: psycopg.Connection[tuple[object, ...]], table: str, columns: tuple[np.ndarray, ...]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for start in range(0, len(columns[0]), 100_000):
            rows = zip(*(column[start : start + 100_000].tolist() for column in columns), strict=True)
            copy.write("".join(["\t".join(map(str, row)) + "\n" for row in rows]).encode())
