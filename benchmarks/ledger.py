"""How fast the ledger settles, beside the fastest fan-out of the same run and beside SQLite without any ledger.

Groups are those of a saturated fan-out: both senders' windows full, so each transaction settles 512 rows of one sender's batch and 512 of
the other's, with their counters and times, and closes batches that are through.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import uvloop

from benchmarks.fanout import alert, hub_with, publish_and_wait
from benchmarks.measure import PAIRS, Figure, figure, sink
from hub.delivery.coordinator import WINDOW
from hub.delivery.ledger.batches import Leased, Planned, Settlement
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.sending.outcome import Outcome
from hub.store.database import Database, connect, database_url
from hub.store.migrate import upgrade

ROWS = 50_000
RAW_GROUP = 1000
LOWEST = 1000
NOW = 1_790_000_000_000


def settling() -> dict[str, Figure]:
    """Rows a second."""
    with sink() as url, tempfile.TemporaryDirectory() as folder:
        ours, fanouts, raws = uvloop.run(_work(url, Path(folder)))
    return {
        "ledger": figure(ours, fanouts, "rows/s", "hand-overs a second of fanout_webhook in the same round"),
        "ledger_vs_sqlite": figure(ours, raws, "rows/s", f"sqlite3 executemany of {RAW_GROUP} rows a transaction, same pragmas, no ledger"),
    }


async def _work(url: str, folder: Path) -> tuple[list[float], list[float], list[float]]:
    ours, fanouts, raws = [], [], []
    async with hub_with(ROWS, url) as hub, _ledger(folder) as (ledger, path):
        for round_ in range(PAIRS):
            fanouts.append(ROWS / await publish_and_wait(hub, alert("11201")))
            ours.append(await _settled(ledger, path))
            raws.append(_raw(folder / f"raw{round_}.db"))
    return ours, fanouts, raws


@asynccontextmanager
async def _ledger(folder: Path) -> AsyncIterator[tuple[Ledger, Path]]:
    """A ledger over so many webhooks, and its file."""
    location = database_url("", folder)
    upgrade(location)
    async with Database(location) as database:
        with connect(database.path) as connection:
            connection.execute("BEGIN")
            numbers = range(1, ROWS + 1)
            connection.executemany(
                "INSERT INTO subscriber(id, public_id, status, language, topics, minimum_severity, created_at)"
                " VALUES (?,?,'active',0,2047,0,?)",
                ((number, f"sub_{number}", NOW) for number in numbers),
            )
            connection.executemany(
                "INSERT INTO address(id, subscriber, channel, state, lookup, sealed, key_id, simulated, created_at)"
                " VALUES (?,?,'webhook','active',?,?,1,0,?)",
                ((number, number, number.to_bytes(32), bytes(60), NOW) for number in numbers),
            )
        connection.close()
        ledger = Ledger(database)
        ledger.join(1)
        yield ledger, database.path
        await ledger.aclose()


async def _settled(ledger: Ledger, path: Path) -> float:
    """Rows a second; planning and leasing are not counted."""
    connection = connect(path)
    (mailing,) = connection.execute(
        "INSERT INTO mailing(purpose, priority, state, created_at, expires_at) VALUES ('alert', 2, 'launched', ?, ?) RETURNING id",
        (NOW, NOW + 3_600_000),
    ).fetchone()
    connection.close()
    everybody = Planned("webhook", "en", False, np.arange(1, ROWS + 1, dtype=np.int64))
    assert await ledger.plan(mailing, ROWS, [everybody], NOW)
    leased: list[Leased] = []
    while some := await ledger.lease("webhook", ROWS, LOWEST, NOW):
        leased += some
    groups = list(_groups(leased))
    start = time.perf_counter()
    for settlements, finished in groups:
        ended = await ledger.settle(settlements, finished)
    took = time.perf_counter() - start
    assert [end.mailing for end in ended] == [mailing]
    return ROWS / took


def _groups(leased: list[Leased]) -> Iterator[tuple[list[Settlement], list[Leased]]]:
    """What each transaction gets: a window of two batches, side by side."""
    for pair in (leased[at : at + 2] for at in range(0, len(leased), 2)):
        for first in range(0, max(len(batch.recipients) for batch in pair), WINDOW):
            settlements = [
                Settlement(
                    batch, Outcome.HANDED_OVER, [to.address for to in batch.recipients[first : first + WINDOW]], NOW + 50, first_at=NOW
                )
                for batch in pair
            ]
            yield settlements, [batch for batch in pair if first + WINDOW >= len(batch.recipients)]


def _raw(path: Path) -> float:
    """The same rows with no counters, no times, no check of what is there already."""
    connection = connect(path)
    connection.execute(
        "CREATE TABLE delivery(mailing INTEGER, address INTEGER, outcome INTEGER, batch INTEGER, attempt INTEGER, at INTEGER, reason TEXT,"
        " PRIMARY KEY (mailing, address)) WITHOUT ROWID"
    )
    start = time.perf_counter()
    for first in range(0, ROWS, RAW_GROUP):
        connection.execute("BEGIN IMMEDIATE")
        rows = [(1, address, 1, 1, 1, NOW, None) for address in range(first, first + RAW_GROUP)]
        connection.executemany("INSERT INTO delivery VALUES (?,?,?,?,?,?,?)", rows)
        connection.execute("COMMIT")
    took = time.perf_counter() - start
    connection.close()
    return ROWS / took
