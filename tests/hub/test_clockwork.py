"""What a running hub does by the clock, with nobody asking for it, and whose clock that may be."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hub import ticking
from hub.application import Hub, open_hub
from hub.clock import Jumps
from hub.delivery.outcome_check import QUIET_S
from hub.errors import SettingsError
from hub.languages.catalogue import LOCALES, catalogue
from subscriptions.subscriber import SubscriptionChange
from tests.databases import rows
from tests.hub.one_node import Hurried, ask_to_join, asked_to_confirm, bring, opened, settings_of
from tests.hub.publishing.conftest import PUBLISHER, document
from tests.peers.http_sink import HttpSink, Reply
from tests.peers.slow import Slow
from tests.waiting import until

DAY_S = 86_400
HOUR_S = 3600


async def has_ended(hub: Hub, alert: str) -> bool:
    found = await hub.alerts.get(alert)
    return found is not None and found.status == "ended"


def count(hub: Hub, query: str) -> int:
    ((number,),) = rows(hub.database.url, query)
    return int(number)


async def test_an_alert_ends_when_its_time_is_over_and_whoever_was_imported_is_taken_in_although_nobody_asks(tmp_path: Path) -> None:
    async with opened(tmp_path) as hub:
        soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
        alert = await hub.publishing.submit(document(expires=soon), PUBLISHER)
        await bring(hub, "email", "a@example.org", "b@example.org")
        await until(lambda: has_ended(hub, alert.id))
        await until(lambda: hub.audience.people_count == 2)


async def test_a_week_later_pauses_are_over_and_what_nobody_confirmed_is_forgotten_by_itself(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(HttpSink())
        async with opened(tmp_path) as hub:
            await ask_to_join(hub, f"{sink.url}/paused")
            manage = (await hub.enrolment.confirm(await asked_to_confirm(sink, "/paused"))).manage
            assert manage is not None
            pause = SubscriptionChange(paused_until=datetime.now(UTC) + timedelta(days=1))
            await hub.enrolment.change(manage, pause, source="test")
            await ask_to_join(hub, f"{sink.url}/never")
            await hub.publishing.submit(document(), PUBLISHER, idempotency_key="once")
        hub = await stack.enter_async_context(opened(tmp_path, clock=f"+{8 * DAY_S}", testing="1"))
        assert (hub.audience.people_count, count(hub, "SELECT count(*) FROM subscriber")) == (0, 2)
        assert count(hub, "SELECT count(*) FROM idempotency") == 1
        clockwork = Hurried(hub)
        stack.enter_context(clockwork)
        clockwork.hurry()
        await until(lambda: hub.audience.people_count == 1)
        await until(lambda: count(hub, "SELECT count(*) FROM subscriber") == 1)
        await until(lambda: count(hub, "SELECT count(*) FROM idempotency") == 0)


async def test_what_is_counted_watched_and_tidied_now_and_then_is_so_by_itself(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        sink, relay = await stack.enter_async_context(HttpSink()), await stack.enter_async_context(HttpSink())
        hub = await stack.enter_async_context(opened(tmp_path, smtp=f"smtp://127.0.0.1:{relay.port}"))
        clockwork = Hurried(hub)
        stack.enter_context(clockwork)
        await until(lambda: hub.providers.status == {"email": "ok"})
        await relay.refuse()
        sink.respond = lambda _: Reply(503)
        await bring(hub, "webhook", f"{sink.url}/1")
        alert = await hub.publishing.submit(document(), PUBLISHER)
        await until(lambda: count(hub, "SELECT count(*) FROM batch WHERE state=0 AND attempt>0"))
        words = vars(catalogue(*last_words()))
        words.pop("_read", None)
        clockwork.hurry()
        await until(lambda: hub.providers.status == {"email": "refused"})
        await until(lambda: b"tocsin_batches_waiting 1.0" in hub.metrics.render())
        await until(lambda: "_read" in words)
        assert not await has_ended(hub, alert.id)
        await hub.enrolment.end_address("webhook", f"{sink.url}/1", source="test")
        await bring(hub, "email", "a@example.org")
        await hub.sync.catch_up()
        assert hub.audience._waiting
        clockwork.hurry()
        await until(lambda: not hub.audience._waiting)


def last_words() -> tuple[str, str]:
    """(domain, language) of the catalogue that is read last of all."""
    file = sorted(LOCALES.glob("*/*.po"))[-1]
    return file.stem, file.parent.name


async def test_an_alert_that_reaches_nobody_for_half_a_minute_becomes_an_alarm_by_itself(tmp_path: Path) -> None:
    slow = Slow()
    async with HttpSink(slow) as sink, opened(tmp_path) as hub:
        await bring(hub, "webhook", f"{sink.url}/1")
        alert = await hub.publishing.submit(document(), PUBLISHER)
        await sink.arrived(1)
        await hub.outcomes.look()
        assert (hub.stalled(), b"tocsin_alerts_stalled 0.0" in hub.metrics.render()) == ((), True)
        hub.outcomes._timer = lambda: time.monotonic() + QUIET_S
        clockwork = Hurried(hub)
        with clockwork:
            clockwork.hurry()
            await until(lambda: b"tocsin_alerts_stalled 1.0" in hub.metrics.render())
        assert [(one.alert, one.channels, one.left) for one in hub.stalled()] == [(alert.id, ("webhook",), 1)]
        assert alert.id in (await hub.readiness())["alerts"]
        slow.go_on.set()


async def test_each_look_comes_as_often_as_it_must(tmp_path: Path) -> None:
    async with opened(tmp_path) as hub:
        clockwork = Hurried(hub)
        with clockwork:
            assert clockwork.intervals() == [
                ("catch_up", 2), ("count_waiting", 5), ("end_expired", 2), ("finish_stops", 15), ("forget_keys", HOUR_S), ("look", 15),
                ("look", 15), ("purge", HOUR_S), ("resume", 30), ("tidy", 2), ("write_stops", 1),
            ]  # fmt: skip


@pytest.mark.parametrize("set_by", [-7200.0, 30.0 * DAY_S])
async def test_whatever_is_done_by_the_clock_is_done_at_once_when_that_is_set(
    tmp_path: Path, set_by: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as hub:
        clockwork = Hurried(hub)
        with clockwork:
            put_off = datetime.now(UTC) + timedelta(hours=2)
            clockwork.hurry(put_off)
            await asyncio.sleep(0)
            monkeypatch.setattr(Jumps, "look", lambda _: set_by)
            await until(lambda: all(due < put_off for due in clockwork.due()))


def test_a_clock_that_was_set_is_found_once_and_by_how_much() -> None:
    ahead = [0.0]
    jumps = Jumps(lambda: time.time() + ahead[0])
    assert jumps.look() == 0
    ahead[0] = -7200.0
    assert (round(jumps.look()), jumps.look()) == (-7200, 0)
    ahead[0] = 60.0
    assert (round(jumps.look()), jumps.look()) == (7260, 0)


def test_a_clock_that_is_put_forward_by_years_is_looked_at_once() -> None:
    """By apscheduler's reckoning each time that was passed over would be one."""
    scheduler = AsyncIOScheduler(timezone="UTC")
    job = scheduler.add_job(time.time, ticking.Every(2))
    now = datetime.now(UTC)
    job._modify(next_run_time=now - timedelta(days=3650))
    assert len(job._get_run_times(now)) == 1


async def test_a_clock_that_is_set_is_refused_where_people_are_warned(tmp_path: Path) -> None:
    for clock in ("+60", "2026-10-02T15:00:00-04:00"):
        with pytest.raises(SettingsError, match="TOCSIN_CLOCK: a hub that warns people keeps real time"):
            async with open_hub(settings_of(tmp_path / "real", clock=clock), demo=False, port=0):
                pass


@pytest.mark.parametrize(("demo", "testing"), [(True, ""), (False, "1")])
async def test_a_demonstration_and_a_test_live_on_another_day(tmp_path: Path, demo: bool, testing: str) -> None:
    async with open_hub(settings_of(tmp_path, clock=f"+{8 * DAY_S}", testing=testing), demo=demo, port=0) as hub:
        assert hub.clock() > time.time() + 7 * DAY_S
