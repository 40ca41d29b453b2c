"""People who sleep: what waits for their morning, what wakes them, what they are told of the rest (S8, S11); discreet words (S29)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from subscriptions.quiet_hours import QuietHours
from subscriptions.severity import rank
from subscriptions.store import sql
from tests.hub.alerts.cap_documents import area, cap, geocode
from tests.hub.publishing.conftest import APPROVER, PUBLISHER, City, document
from tests.waiting import progressed, until

SECOND = msgspec.structs.replace(APPROVER, id=4, name="second approver")


def asleep(*, severe: bool = True) -> str:
    """Quiet hours, in force for two more hours."""
    now = datetime.now(UTC)
    start, end = (now - timedelta(hours=1)).strftime("%H:%M"), (now + timedelta(hours=2)).strftime("%H:%M")
    return msgspec.json.encode(QuietHours(start=start, end=end, timezone="UTC", severe=severe)).decode()


async def choose(city: City, person: int, *, quiet: str | None = None, **columns: Any) -> None:
    async with city.hub.database.write() as connection:
        if quiet is not None:
            await sql.set_quiet(connection, person, quiet)
        await sql.change_subscriber(connection, person, **columns)
        await sql.note_changes(connection, [person])


async def morning(city: City, *, over: bool = False) -> None:
    """The quiet hours end; with `over` the alert has run out meanwhile."""
    async with city.hub.database.write() as connection:
        await connection.exec_driver_sql("UPDATE subscriber SET quiet=NULL")
        await connection.exec_driver_sql("UPDATE batch SET due_at=1 WHERE held=1")
        if over:
            await connection.exec_driver_sql("UPDATE mailing SET expires_at=2 WHERE purpose='alert'")
    city.hub.coordinator.wake()


async def others_have_it(city: City, alert: str, *, held: int) -> Any:
    """Progress, once all but those who sleep were reached."""
    state = await progressed(city.publishing, alert, lambda state: bool(state.planned) and state.settled >= state.planned - held)
    assert (state.held, state.finished) == (held, not held)
    return state


async def test_a_mild_alert_waits_for_the_morning_of_those_who_sleep_alone(city: City) -> None:
    await city.people("zip=11201", "zip=11201")
    await choose(city, 2, quiet=asleep())
    alert = await city.publishing.submit(document(), PUBLISHER)
    state = await others_have_it(city, alert.id, held=1)
    assert (state.matched, state.planned, state.simulated) == (2, 2, 1)
    await morning(city)
    state = await city.finished(alert.id)
    assert (state.held, state.simulated) == (0, 2)


async def test_what_ran_out_overnight_is_not_sent_but_told_once_for_all_of_it(city: City) -> None:
    """S8."""
    await city.people("zip=11201")
    await choose(city, 1, quiet=asleep())
    alerts = [await city.publishing.submit(document(event=event), PUBLISHER) for event in ("Flood Watch", "Wind Advisory")]
    for alert in alerts:
        await others_have_it(city, alert.id, held=1)
    await morning(city, over=True)
    for alert in alerts:
        state = await city.finished(alert.id)
        assert (state.held, state.held_expired, state.simulated) == (0, 1, 0)
    copies = await until(lambda: city.table("SELECT copy FROM outbox"))
    ((copy,),) = copies
    assert copy.count("Flash flooding (until") == 2 * len(("text", "html"))
    assert "over" in copy


async def test_a_drill_that_was_missed_is_called_one(city: City) -> None:
    """S2: on every channel, and in what is told of it afterwards."""
    await city.people("zip=11201", more="drills=1")
    await choose(city, 1, quiet=asleep())
    alert = await city.publishing.submit(document(status="Exercise"), PUBLISHER)
    await others_have_it(city, alert.id, held=1)
    await morning(city, over=True)
    await city.finished(alert.id)
    copies = await until(lambda: city.table("SELECT copy FROM outbox"))
    ((copy,),) = copies
    assert "EXERCISE: Flash flooding (until" in copy


async def test_danger_to_life_wakes_and_so_does_its_call_off(city: City) -> None:
    """S11: and whoever was woken learns at once that it was nothing."""
    await city.people("zip=11201")
    await choose(city, 1, quiet=asleep(severe=False))
    alert = await city.publishing.submit(document(severity="Extreme"), APPROVER)
    await city.publishing.approve(alert.id, SECOND)
    assert (await city.finished(alert.id)).simulated == 1
    off = await city.publishing.call_off(alert.id, APPROVER)
    assert (await city.finished(off.id)).simulated == 1


async def test_a_severe_and_immediate_alert_wakes_unless_the_person_said_no(city: City) -> None:
    await city.people("zip=11201", "zip=11201")
    await choose(city, 1, quiet=asleep())
    await choose(city, 2, quiet=asleep(severe=False))
    alert = await city.publishing.submit(document(severity="Severe"), APPROVER)
    await city.publishing.approve(alert.id, SECOND)
    assert (await others_have_it(city, alert.id, held=1)).simulated == 1


async def test_a_parade_that_its_source_calls_extreme_wakes_nobody(city: City) -> None:
    """S11: what a foreign source claims is kept, and our own grade decides."""
    await city.people("zip=11201", "zip=11201")
    await choose(city, 2, quiet=asleep())
    now = datetime.now(UTC)
    words = ("<headline>Flash flooding near the canal", "<headline>Notify NYC - Flag Day Parade and Festival")
    times = [("2026-11-22T13:50:00-05:00", _cap_time(now)), ("2026-11-22T20:00:00-05:00", _cap_time(now + timedelta(hours=2)))]
    parade = cap(
        words,
        *times,
        ("<onset>2026-11-22T14:30:00-05:00</onset>", ""),
        ("Flash Flood Warning", "Civil Emergency Message"),
        ("<severity>Severe", "<severity>Extreme"),
        area(geocode("ZIP", "11201")),
    )
    alert = await city.publishing.submit(parade, APPROVER, source="cap")
    await city.publishing.approve(alert.id, SECOND)
    assert (await others_have_it(city, alert.id, held=1)).simulated == 1
    assert (alert.document.severity, alert.grade) == ("Extreme", rank("Minor"))


def _cap_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S-00:00")


async def test_a_stop_takes_back_what_waits_for_the_morning(city: City) -> None:
    await city.people("zip=11201")
    await choose(city, 1, quiet=asleep())
    alert = await city.publishing.submit(document(), PUBLISHER)
    await others_have_it(city, alert.id, held=1)
    stopped = await city.publishing.stop(alert.id, PUBLISHER)
    assert (stopped.handed_over, stopped.withheld) == (0, 1)
    assert (await city.publishing.progress(alert.id)).held == 0
    await morning(city)
    assert await city.table("SELECT count(*) FROM outbox") == [(0,)]


async def test_what_was_stopped_is_not_told_as_over_even_if_the_hub_died_in_between(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """S12: the stop is on disk, what waits for the morning was not struck out yet."""

    async def dies(_: int) -> int:
        raise ConnectionError

    await city.people("zip=11201")
    await choose(city, 1, quiet=asleep())
    alert = await city.publishing.submit(document(), PUBLISHER)
    await others_have_it(city, alert.id, held=1)
    monkeypatch.setattr(city.publishing, "_halt", dies)
    with pytest.raises(ConnectionError):
        await city.publishing.stop(alert.id, PUBLISHER)
    await morning(city, over=True)
    await until(lambda: city.table("SELECT 1 FROM counter WHERE outcome='withheld'"))
    assert await city.table("SELECT count(*) FROM mailing WHERE purpose='notice'") == [(0,)]
    assert (await city.publishing.progress(alert.id)).held == 0


async def test_an_update_takes_the_place_of_what_still_waits(city: City) -> None:
    await city.people("zip=11201")
    await choose(city, 1, quiet=asleep())
    alert = await city.publishing.submit(document(), PUBLISHER)
    await others_have_it(city, alert.id, held=1)
    update = await city.publishing.update(alert.id, document(event="Flood Advisory"), PUBLISHER)
    await others_have_it(city, update.id, held=1)
    await morning(city)
    assert (await city.finished(update.id)).simulated == 1
    assert await city.table("SELECT count(*) FROM outbox") == [(1,)]


async def test_whoever_joins_at_night_is_told_what_is_live_in_the_morning(city: City) -> None:
    alert = await city.publishing.submit(document(), PUBLISHER)
    assert (await city.finished(alert.id)).planned == 0
    await city.people("zip=11201")
    await choose(city, 1, quiet=asleep())
    async with city.hub.database.write() as connection:
        await connection.exec_driver_sql("INSERT INTO catch_up(subscriber) VALUES (1)")
    city.hub.planner.wake()
    await others_have_it(city, alert.id, held=1)


async def test_what_is_held_comes_at_once_when_the_quiet_hours_are_taken_off(city: City) -> None:
    await city.people("zip=11201", "zip=11201")
    for person in (1, 2):
        await choose(city, person, quiet=asleep())
    alert = await city.publishing.submit(document(), PUBLISHER)
    await progressed(city.publishing, alert.id, lambda state: state.held == 2)
    async with city.hub.database.write() as connection:
        await sql.set_quiet(connection, 1, None)
        await sql.note_changes(connection, [1])
        await connection.exec_driver_sql("INSERT INTO catch_up(subscriber) VALUES (1)")
    city.hub.planner.wake()
    state = await others_have_it(city, alert.id, held=1)
    assert (state.planned, state.simulated) == (2, 1)
    assert await city.table("SELECT address FROM outbox") == [(1,)]


async def test_the_preview_counts_only_those_who_get_it_at_once_for_the_time_it_takes(city: City) -> None:
    await city.people("zip=11201", "zip=11201", "zip=11201")
    await choose(city, 2, quiet=asleep())
    preview = await city.publishing.preview(document(), PUBLISHER)
    assert preview.people == 3
    assert preview.forecast.by_channel["email"].deliveries == 2


async def test_nothing_comes_in_a_pause_and_what_is_live_comes_at_its_end(city: City) -> None:
    await city.people("zip=11201")
    await choose(city, 1, paused_until=4_000_000_000_000)
    alert = await city.publishing.submit(document(), PUBLISHER)
    assert (await city.finished(alert.id)).matched == 0
    await choose(city, 1, paused_until=1)
    await city.hub.enrolment.resume()
    await until(lambda: city.table("SELECT 1 FROM outbox"))
    assert await city.table("SELECT count(*) FROM outbox") == [(1,)]
    assert await city.table("SELECT paused_until FROM subscriber") == [(None,)]


async def test_discreet_words_tell_whoever_looks_over_the_shoulder_nothing(city: City) -> None:
    """S29."""
    await city.people("zip=11201")
    await choose(city, 1, discreet=1)
    alert = await city.publishing.submit(document(), PUBLISHER)
    assert (await city.finished(alert.id)).simulated == 1
    ((copy,),) = await city.table("SELECT copy FROM outbox")
    assert "You have a new message." in copy
    assert not [word for word in ("Flood", "flood", "11201", "Tocsin", "New York") if word in copy]
