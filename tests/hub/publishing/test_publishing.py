"""The way of an alert through a whole hub, and the safeguards on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts.cap_reader import cap_time
from hub.alerts.cap_writer import reference_to, write_cap
from hub.clock import instant
from hub.delivery.forecast import Forecast
from hub.errors import Conflict, Forbidden, InvalidInput, NotFound
from hub.publishing.preview import too_late
from hub.publishing.publishing import Stopped
from hub.staff import audit
from tests.hub.alerts.cap_documents import cap
from tests.hub.publishing.conftest import APPROVER, AUTHOR, PUBLISHER, City, document
from tests.waiting import until


async def test_a_moderate_alert_goes_out_at_once_to_exactly_those_it_touches(city: City) -> None:
    await city.people("zip=11201", "zip=11201", "zip=11205", "borough=Brooklyn", "zip=10301", "citywide=1")
    alert = await city.publishing.submit(document(), PUBLISHER)
    assert alert.status == "live"
    state = await city.finished(alert.id)
    assert (state.matched, state.planned, state.simulated) == (4, 4, 4)
    reached = await city.table("SELECT s.label FROM outbox o JOIN address a ON a.id=o.address JOIN subscriber s ON s.id=a.subscriber")
    assert {row[0] for row in reached} == {"Sample 1", "Sample 2", "Sample 4", "Sample 6"}


async def test_severe_and_extreme_wait_for_a_second_person_and_reach_nobody_before(city: City) -> None:
    """S1."""
    await city.people("zip=11201")
    for severity in ("Severe", "Extreme"):
        alert = await city.publishing.submit(document(severity=severity), APPROVER)
        assert alert.status == "awaiting_approval"
        with pytest.raises(Forbidden):
            await city.publishing.approve(alert.id, APPROVER)
    assert await city.table("SELECT count(*) FROM mailing") == [(0,)]
    second = msgspec.structs.replace(APPROVER, id=4, name="second approver")
    live = await city.publishing.approve(alert.id, second, expected_hash=alert.hash)
    assert (await city.finished(live.id)).simulated == 1


async def test_a_severe_drill_needs_nobody_and_reaches_only_those_who_take_drills(city: City) -> None:
    """S2."""
    await city.people("zip=11201")
    alert = await city.publishing.submit(document(severity="Extreme", status="Exercise"), PUBLISHER)
    assert alert.status == "live"
    assert (await city.finished(alert.id)).matched == 0


async def test_an_alert_is_live_from_its_writers_turn_on_so_that_none_comes_out_of_order(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, write = [city.publishing._clock()], city.hub.database.write
    monkeypatch.setattr(city.publishing, "_clock", lambda: now[0])

    @asynccontextmanager
    async def after_others(**how: bool) -> AsyncIterator[AsyncConnection]:
        async with write(**how) as connection:
            now[0] += 1.0  # so long it had to wait for its turn
            yield connection

    monkeypatch.setattr(city.hub.database, "write", after_others)
    moderate = await city.publishing.submit(document(), PUBLISHER)
    assert moderate.live_at == int(now[0] * 1000)
    severe = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    assert (await city.publishing.approve(severe.id, APPROVER)).live_at == int(now[0] * 1000)
    before = now[0]
    await city.publishing.stop(severe.id, APPROVER)
    now[0] += (after := 3 * 3600)
    await city.publishing.end_expired()
    (stopped,), (expired,) = await city.table("SELECT ended_at FROM alert ORDER BY ended_at")
    assert before * 1000 < stopped < (before + after) * 1000 < expired == int(now[0] * 1000)


async def test_an_authors_alert_always_waits(city: City) -> None:
    alert = await city.publishing.submit(document(severity="Minor"), AUTHOR)
    assert alert.status == "awaiting_approval"
    assert (await city.publishing.approve(alert.id, APPROVER)).status == "live"


async def test_an_approval_is_bound_to_what_was_seen(city: City) -> None:
    """S5: with another hash, or a row that was changed behind the hub's back, nothing goes."""
    await city.people("zip=11201")
    alert = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    with pytest.raises(Conflict):
        await city.publishing.approve(alert.id, APPROVER, expected_hash="0" * 64)
    async with city.hub.database.write() as connection:
        await connection.exec_driver_sql("UPDATE alert SET document=replace(document, 'Flash flooding', 'All clear')")
    with pytest.raises(Conflict):
        await city.publishing.approve(alert.id, APPROVER)
    assert await city.table("SELECT count(*) FROM mailing") == [(0,)]


async def test_an_alert_that_is_changed_after_its_approval_is_not_sent(city: City) -> None:
    """S5, at the planner: the hash is computed anew from what would really go."""
    await city.people("zip=11201")
    await city.change_whatever_is_launched("document=replace(document, 'Water rises', 'Run')")
    alert = await city.publishing.submit(document(), PUBLISHER)
    state = await city.finished(alert.id)
    assert (state.planned, state.simulated) == (0, 0)
    assert await city.table("SELECT state FROM mailing") == [("refused",)]


async def test_an_audience_that_has_grown_is_looked_at_again(city: City) -> None:
    """S6."""
    await city.people("zip=11201")
    alert = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    await city.people(*["zip=11201"] * 20)
    with pytest.raises(Conflict, match="from 1 to 21 people"):
        await city.publishing.approve(alert.id, APPROVER)
    assert (await city.publishing.approve(alert.id, APPROVER)).status == "live"


async def test_one_idempotency_key_is_one_alert_however_often_and_at_once(city: City) -> None:
    """S9."""
    raw = document()
    made = await asyncio.gather(*(city.publishing.submit(raw, PUBLISHER, idempotency_key="k") for _ in range(20)))
    assert len({alert.id for alert in made}) == 1
    assert await city.table("SELECT count(*) FROM alert") == [(1,)]
    with pytest.raises(InvalidInput):
        await city.publishing.submit(document(event="Other"), PUBLISHER, idempotency_key="k")


async def test_a_person_with_several_matching_places_gets_it_once(city: City) -> None:
    """S9."""
    from channels import catalog  # noqa: PLC0415 - only here
    from subscriptions.csv_import import import_csv  # noqa: PLC0415

    lines = [
        "person,zip,channel,address,consent_source,sample",
        *(f"1,{z},email,one@example.org,test,1" for z in ("11201", "11205", "11217")),
    ]
    await import_csv(city.hub.database, city.hub.keyring, catalog.parsers(), city.hub.catalog, lines)
    alert = await city.publishing.submit(document(area={"boroughs": ["Brooklyn"]}), PUBLISHER)
    state = await city.finished(alert.id)
    assert (state.matched, state.simulated) == (1, 1)


async def test_bad_input_writes_not_one_row(city: City) -> None:
    before = await city.table("SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM audit), (SELECT count(*) FROM mailing)")
    wrong: list[dict[str, Any]] = [
        {"severity": "Bad"},
        {"area": {"zips": ["99999"]}},
        {"extra": 1},
        {"area": {"citywide": True, "zips": ["11201"]}},
    ]
    for fields in wrong:
        with pytest.raises(InvalidInput):
            await city.publishing.submit(document(**fields), PUBLISHER)
        with pytest.raises(InvalidInput):
            await city.publishing.preview(document(**fields), PUBLISHER)
    after = await city.table("SELECT (SELECT count(*) FROM alert), (SELECT count(*) FROM audit), (SELECT count(*) FROM mailing)")
    assert before == after


async def test_a_preview_says_who_how_and_what_and_stores_nothing(city: City) -> None:
    await city.people("zip=11201")
    await city.people("zip=11201", channel="sms", language="es")
    preview = await city.publishing.preview(document(severity="Severe"), AUTHOR)
    assert (preview.people, preview.by_channel, preview.approval_needed) == (2, {"email": 1, "sms": 1}, True)
    assert set(preview.messages) == {"email", "sms", "web_push", "telegram", "apprise", "webhook"}
    assert preview.sms["es"].segments <= 3
    assert any("11205" in name or "11217" in name for name in preview.adjacent), preview.adjacent
    assert preview.area_names
    assert "Spanish" in " ".join(preview.lint)
    assert await city.table("SELECT count(*) FROM alert") == [(0,)]
    assert {channel: one.deliveries for channel, one in preview.forecast.by_channel.items()} == {"email": 1, "sms": 1}
    assert preview.forecast.seconds is not None
    stored = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    review = await city.publishing.review(stored.id)
    assert (review.hash, review.forecast) == (stored.hash, preview.forecast)


@pytest.mark.parametrize(("seconds", "left", "warned"), [(61.0, 60.0, True), (59.0, 60.0, False), (None, 60.0, False)])
def test_who_previews_is_warned_when_it_ends_before_everyone_can_have_it(seconds: float | None, left: float, warned: bool) -> None:
    assert bool(too_late(Forecast(seconds=seconds), left)) is warned


async def test_one_key_for_another_alert_is_refused(city: City) -> None:
    """S9."""
    raw = document()
    first = await city.publishing.submit(raw, PUBLISHER, idempotency_key="k")
    with pytest.raises(InvalidInput):
        await city.publishing.update(first.id, raw, PUBLISHER, idempotency_key="k")


async def test_an_incident_that_is_not_there_is_refused(city: City) -> None:
    with pytest.raises(InvalidInput) as refused:
        await city.publishing.submit(document(incident="inc_nope"), PUBLISHER)
    assert refused.value.errors[0].pointer == "/incident"


async def test_what_reading_an_import_left_out_is_kept_for_whoever_approves_it(city: City) -> None:
    """S5."""
    odd = cap(
        ("2026-11-22T13:50:00-05:00", cap_time(datetime.now(UTC) - timedelta(hours=1))),
        ("2026-11-22T14:30:00-05:00", cap_time(datetime.now(UTC))),
        ("<expires>2026-11-22T20:00:00-05:00</expires>", ""),
    )
    alert = await city.publishing.submit(odd, PUBLISHER, source="cap")
    assert alert.status == "awaiting_approval"
    assert any("expires: is missing" in warning for warning in alert.warnings)
    assert set(alert.warnings) <= set((await city.publishing.review(alert.id)).warnings)


async def test_what_is_stopped_says_how_many_had_gone(city: City) -> None:
    """S12."""
    await city.people("zip=11201", "zip=11201")
    alert = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(alert.id)
    stopped = await city.publishing.stop(alert.id, PUBLISHER)
    assert stopped == Stopped(handed_over=0, simulated=2, withheld=0, unknown=0)  # as its progress says: nobody real was reached
    assert await city.publishing.stop(alert.id, APPROVER) == stopped
    with pytest.raises(NotFound):
        await city.publishing.stop("al_none", PUBLISHER)


async def test_every_step_is_in_the_audit_log_and_the_chain_holds(city: City) -> None:
    alert = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    await city.publishing.reject(alert.id, APPROVER, "say where to go")
    alert = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    await city.publishing.approve(alert.id, APPROVER)
    await city.publishing.stop(alert.id, APPROVER)
    async with city.hub.database.read(long=True) as connection:
        actions = [entry.action for entry in reversed(await audit.entries(connection))]
        assert await audit.verify(connection) is None
    assert actions == ["submitted", "reject", "submitted", "approved", "stop", "stop counted"]


async def test_whoever_joins_is_sent_what_is_still_live_there(city: City) -> None:
    """S28, as the planner pays it."""
    alert = await city.publishing.submit(document(), PUBLISHER)
    assert (await city.finished(alert.id)).matched == 0
    await city.people("zip=11201")
    async with city.hub.database.write() as connection:
        await connection.exec_driver_sql("INSERT INTO catch_up(subscriber) SELECT id FROM subscriber")
    city.hub.planner.wake()
    await until(lambda: city.table("SELECT 1 FROM outbox"))
    assert await city.table("SELECT count(*) FROM outbox") == [(1,)]
    assert await city.table("SELECT count(*) FROM catch_up") == [(0,)]


async def test_one_language_for_its_readers_and_a_frame_for_everyone_else(city: City) -> None:
    await city.people("zip=11201", language="en")
    await city.people("zip=11201", language="es")
    infos = [
        {"language": "en-US", "headline": "Flash flooding", "description": "", "instruction": "Go up."},
        {"language": "es", "headline": "Inundación repentina", "description": "", "instruction": "Suba."},
    ]
    alert = await city.publishing.submit(document(infos=infos), PUBLISHER)
    await city.finished(alert.id)
    copies = await city.table(
        "SELECT s.language, o.copy FROM outbox o JOIN address a ON a.id=o.address JOIN subscriber s ON s.id=a.subscriber"
    )
    texts = {language: msgspec.json.decode(copy)["parts"]["subject"] for language, copy in copies}
    assert "Flash flooding" in texts[0]
    assert "Inundación repentina" in texts[1]


async def exported(city: City, alert_id: str, **changed: str) -> bytes:
    """The alert as this hub's own CAP feed gives it, with some words replaced."""
    alert = await city.hub.alerts.get(alert_id)
    assert alert is not None
    references = [reference_to(earlier, city.hub.public_url) for earlier in await city.hub.alerts.chain(alert.chain) if earlier != alert]
    xml = write_cap(
        alert, city.hub.catalog, public_url=city.hub.public_url, city_name="New York City", references=tuple(references)
    ).decode()
    for old, new in changed.items():
        assert old in xml
        xml = xml.replace(old, new)
    return xml.encode()


async def test_the_hubs_own_export_coming_back_is_the_same_alert_and_reaches_nobody_again(city: City) -> None:
    """S8, S9: an update too, and an alert that it has replaced."""
    await city.people("zip=11201")
    first = await city.publishing.submit(document(area={"zips": ["11201", "11205"]}), PUBLISHER)
    await city.finished(first.id)
    second = await city.publishing.update(first.id, document(), PUBLISHER)
    await city.finished(second.id)
    for alert in (first, second):
        again = await city.publishing.submit(await exported(city, alert.id), PUBLISHER, source="cap")
        assert again.id == alert.id
    assert await city.table("SELECT count(*) FROM alert") == [(2,)]
    assert await city.table("SELECT count(*) FROM mailing WHERE alert IS NOT NULL") == [(2,)]


async def test_the_hubs_own_export_with_other_words_is_refused(city: City) -> None:
    alert = await city.publishing.submit(document(), PUBLISHER)
    with pytest.raises(Conflict, match="with other words"):
        await city.publishing.submit(await exported(city, alert.id, rises="falls"), PUBLISHER, source="cap")
    assert await city.table("SELECT count(*) FROM alert") == [(1,)]


async def test_a_foreign_document_that_only_shares_an_identifier_is_an_alert_of_its_own(city: City) -> None:
    alert = await city.publishing.submit(document(), PUBLISHER)
    assert alert.live_at is not None
    sent = cap_time(instant(alert.live_at // 1000).astimezone(alert.document.expires.tzinfo))
    other = await exported(city, alert.id, **{sent: cap_time(instant(alert.live_at // 1000 - 60))})
    assert (await city.publishing.submit(other, PUBLISHER, source="cap")).id != alert.id


async def test_every_stage_of_an_alerts_way_is_in_the_metrics(city: City) -> None:
    await city.people("zip=11201", "zip=11201")
    await city.people("zip=11201", channel="sms")
    before = city.hub.metrics.render().decode()
    alert = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(alert.id)
    await city.hub.outcomes.look()
    after = city.hub.metrics.render().decode()
    for line in STAGES:
        assert line not in before, line
        assert line in after, line
    assert "example.org" not in after


STAGES = (
    'tocsin_alerts_published_total{source="api",status="Actual"} 1.0',
    "tocsin_publish_seconds_count 1.0",
    'tocsin_render_seconds_count{channel="email"} 1.0',
    "tocsin_first_handover_seconds_count 1.0",
    'tocsin_ledger_seconds_count{step="plan"} 1.0',
    'tocsin_handovers_total{channel="email",outcome="simulated"} 2.0',
    'tocsin_handovers_total{channel="sms",outcome="simulated"} 1.0',
)
"""What one alert to three people leaves."""
