"""Every commit that has returned survives a power failure, with the pragmas of the hub."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

import pytest

from hub.store.database import connect
from tests.faults.power_loss import cut_power, read_log
from tests.warm import CONTEXT

ROWS = 40


def write(database: Path, committed: Connection) -> None:
    connection = connect(database)
    connection.execute("CREATE TABLE line(number INTEGER, text BLOB)")
    number = 0
    while True:
        number += 1
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO line VALUES (?, ?)", [(number, b"x" * 300)] * ROWS)
        connection.execute("COMMIT")
        committed.send(number)


@pytest.mark.parametrize("seed", range(4))
def test_what_was_committed_is_there_after_a_power_failure(tmp_path: Path, seed: int) -> None:
    random, database = Random(seed), tmp_path / "tocsin.db"
    ours, theirs = CONTEXT.Pipe(duplex=False)
    writer = CONTEXT.Process(target=write, args=(database, theirs))
    writer.start()
    enough, last = random.randint(1, 300), 0
    while last < enough:
        last = ours.recv()
    writer.kill()
    writer.join()
    while ours.poll():
        last = ours.recv()
    before = read_log(database)
    cut_power(database, random)
    connection = connect(database)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = connection.execute("SELECT number, count(*) FROM line GROUP BY number ORDER BY number").fetchall()
    connection.close()
    assert [number for number, _ in found][:last] == list(range(1, last + 1))
    assert {count for _, count in found} == {ROWS}
    assert before.synced > 0
