"""A hub that was restored is started: what was live in the backup is live, and nobody stops it but a person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import URL

from hub.application import Hub, open_hub
from hub.commands.invariants import broken_twice
from tests.hub.backup.hubs import Home, Place, settled_in
from tests.hub.publishing.conftest import PUBLISHER, document
from tests.waiting import progressed, until


@asynccontextmanager
async def running(home: Home) -> AsyncIterator[Hub]:
    """The hub there, with an outbox behind every channel."""
    async with open_hub(home.settings(outbox="1", senders="1"), demo=False, port=0) as hub:
        yield hub


def status(home: Home) -> list[tuple[str, str]]:
    """Of each alert and its mailing."""
    return home.rows("SELECT a.status, m.state FROM alert a JOIN mailing m ON m.alert=a.number ORDER BY a.number")


@pytest.fixture
async def just_live(store: URL, tmp_path: Path, place: Place) -> Home:
    """A hub of one person, restored from a backup that was taken between an alert's launch and its planning."""
    old = settled_in(Home(tmp_path / "old", store), [("email", "person@example.org")])
    async with running(old) as hub:
        alert = await hub.publishing.submit(document(), PUBLISHER)
        await progressed(hub.publishing, alert.id)
    for table in ("outbox", "delivery", "counter", "pace"):
        old.write(f"DELETE FROM {table}")
    old.write("UPDATE mailing SET state='launched', planned_at=NULL, matched=0")
    await old.back_up(tmp_path / "file")
    restored = await (new := place("new")).restore(tmp_path / "file")
    assert restored.unfinished.unplanned == (alert.id,)
    return new


async def test_an_alert_that_had_just_gone_live_is_not_stopped_by_the_hub(just_live: Home) -> None:
    async with running(just_live) as hub:
        await hub.publishing.finish_stops()
        await hub.publishing.finish_stops()
        assert status(just_live) == [("live", "done")]
        assert just_live.rows("SELECT action FROM audit WHERE action='stop'") == []
        assert {invariant.holds: found.count for invariant, found in (await broken_twice(hub.database)).items() if found.count} == {}


async def test_an_update_of_it_goes_to_whom_it_was_for(just_live: Home) -> None:
    async with running(just_live) as hub:
        (alert,) = just_live.rows("SELECT id FROM alert")[0]
        state = await hub.publishing.progress(alert)
        assert (state.finished, state.planned) == (True, 0)
        update = await hub.publishing.update(alert, document(event="Since"), PUBLISHER)
        assert (await progressed(hub.publishing, update.id)).simulated == 1
        assert status(just_live) == [("ended", "stopped"), ("live", "done")]


async def test_it_goes_to_whoever_joins_or_moves_as_any_other_that_is_live(just_live: Home) -> None:
    async with running(just_live) as hub:
        (alert,) = just_live.rows("SELECT id FROM alert")[0]
        just_live.write("INSERT INTO catch_up(subscriber) VALUES (1)")
        await until(lambda: just_live.rows("SELECT 1 FROM catch_up") == [])
        state = await progressed(hub.publishing, alert)
        assert (state.matched, state.simulated) == (1, 1)


async def test_a_stop_that_had_broken_off_in_the_lost_hub_is_finished_in_the_restored_one(store: URL, tmp_path: Path, place: Place) -> None:
    old = settled_in(Home(tmp_path / "old", store), [("email", "person@example.org")])
    async with running(old) as hub:
        alert = await hub.publishing.submit(document(), PUBLISHER)
        await progressed(hub.publishing, alert.id)
        await hub.publishing._end_hand_overs(alert.id, PUBLISHER)
    await old.back_up(tmp_path / "file")
    await (new := place("new")).restore(tmp_path / "file")
    async with running(new) as hub:
        await hub.publishing.finish_stops()
        await hub.publishing.finish_stops()
        assert status(new) == [("stopped", "stopped")]
