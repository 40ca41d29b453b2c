"""The yardstick of a start: all that the audience is made of, fetched by the driver and dropped. Prints seconds."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing

ROWS_AT_ONCE = 20_000
QUERIES = (
    "SELECT id, language, topics, minimum_severity, drills, severities, quiet FROM subscriber WHERE status='active'",
    "SELECT subscriber, area, lat, lon, radius_m FROM place",
    "SELECT id, subscriber, channel, simulated FROM address WHERE state='active'",
)


def main(file: str) -> None:
    """Fetch all rows of each."""
    with closing(sqlite3.connect(file)) as connection:
        start = time.perf_counter()
        for query in QUERIES:
            cursor = connection.execute(query)
            while cursor.fetchmany(ROWS_AT_ONCE):
                pass
        print(time.perf_counter() - start)


if __name__ == "__main__":
    main(sys.argv[1])
