"""The chain: appended with what it tells about, and broken by any change, gap or reordering."""

from __future__ import annotations

import hashlib
import json

import msgspec
import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import IntegrityError

from hub.staff import audit
from hub.store.tables import audit as table


async def _fill(database, count: int = 5) -> None:
    async with database.write() as connection:
        for number in range(1, count + 1):
            await audit.append(
                connection, 1_790_000_000_000 + number, "staff:1 desk", "alert.submit", f"alert:{number}", {"n": number, "ß": "ж"}
            )


async def _broken(database) -> int | None:
    async with database.read(long=True) as connection:
        return await audit.verify(connection)


async def test_an_untouched_chain_holds_and_an_empty_one_too(database) -> None:
    assert await _broken(database) is None
    await _fill(database)
    assert await _broken(database) is None


async def test_a_stranger_can_check_an_entry_from_what_the_api_shows(database) -> None:
    await _fill(database)
    async with database.read() as connection:
        shown = [msgspec.to_builtins(entry) for entry in await audit.entries(connection)]
    for entry, before in zip(shown, [*shown[1:], None], strict=True):
        claimed = entry.pop("hash")
        canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(canonical.encode()).hexdigest() == claimed
        assert entry["previous"] == (before["hash"] if before else audit.GENESIS)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", 1),
        ("at", -(10**17)),
        ("actor", "staff:2 other"),
        ("action", "alert.approve"),
        ("subject", "alert:9"),
        ("details", '{"n":4}'),
        ("details", "not json"),
        ("previous", "1" * 64),
        ("hash", "1" * 64),
    ],
)
async def test_a_change_of_any_field_is_found_at_its_entry(database, column: str, value: object) -> None:
    await _fill(database)
    async with database.write() as connection:
        await connection.execute(update(table).where(table.c.seq == 3).values({column: value}))
    assert await _broken(database) == 3


async def test_a_removed_entry_is_found_at_the_next(database) -> None:
    await _fill(database)
    async with database.write() as connection:
        await connection.execute(delete(table).where(table.c.seq == 2))
    assert await _broken(database) == 3


async def test_entries_that_changed_places_are_found(database) -> None:
    await _fill(database)
    async with database.write() as connection:
        await connection.execute(text("UPDATE audit SET seq = 99 WHERE seq = 2"))
        await connection.execute(text("UPDATE audit SET seq = 2 WHERE seq = 3"))
        await connection.execute(text("UPDATE audit SET seq = 3 WHERE seq = 99"))
    assert await _broken(database) == 2


async def _append_and_fail(database) -> None:
    async with database.write() as connection:
        await audit.append(connection, 1, "staff:1 desk", "x", "y")
        row = "INSERT INTO video(id, incident, url, manage_hash, receipt, created_at) VALUES ('v', 'none', '', :hash, '', 0)"
        await connection.execute(text(row), {"hash": b"h"})  # no such incident


async def test_an_entry_vanishes_with_the_transaction_it_tells_about(database) -> None:
    await _fill(database, 1)
    with pytest.raises(IntegrityError):
        await _append_and_fail(database)
    async with database.read() as connection:
        assert [entry.seq for entry in await audit.entries(connection)] == [1]


async def test_pages_go_back_from_the_newest(database) -> None:
    await _fill(database)
    async with database.read() as connection:
        first = await audit.entries(connection, limit=2)
        second = await audit.entries(connection, before=first[-1].seq, limit=2)
    assert [entry.seq for entry in first + second] == [5, 4, 3, 2]
