"""What follows an alert: its updates and its call-off, who may send them and whom they reach."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub.alerts.cap_reader import cap_time
from hub.errors import Conflict, InvalidInput
from hub.publishing.records import prepared_cancel
from tests.hub.alerts.cap_documents import cap
from tests.hub.publishing.conftest import APPROVER, AUTHOR, PUBLISHER, City, document
from tests.waiting import progressed


async def test_an_update_replaces_and_reaches_both_the_new_area_and_whoever_had_the_first(city: City) -> None:
    await city.people("zip=11201", "zip=10301")
    first = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(first.id)
    second = await city.publishing.update(first.id, document(area={"zips": ["10301"]}), PUBLISHER)
    assert (second.document.msgType, second.chain) == ("Update", first.id)
    state = await city.finished(second.id)
    assert (state.matched, state.simulated) == (2, 2)
    replaced = await city.hub.alerts.get(first.id)
    assert replaced is not None
    assert replaced.status == "ended"


async def test_an_alert_does_not_wait_for_an_update_that_must_wait(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """S15: an earlier version is still in some sender's hands."""
    looked, may = asyncio.Event(), asyncio.Event()
    in_hand = city.hub.ledger.in_hand

    async def hangs(mailings: Sequence[int]) -> int:
        looked.set()
        await may.wait()
        return await in_hand(mailings)

    await city.people("zip=11201")
    first = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(first.id)
    monkeypatch.setattr(city.hub.ledger, "in_hand", hangs)
    update = await city.publishing.update(first.id, document(), PUBLISHER)
    await looked.wait()
    other = await city.publishing.submit(document(event="Other"), PUBLISHER)
    assert (await city.finished(other.id)).simulated == 1
    assert (await city.publishing.progress(update.id)).planned == 0
    may.set()
    assert (await city.finished(update.id)).simulated == 1


async def test_a_cancel_goes_to_whoever_had_it_and_to_nobody_else(city: City) -> None:
    await city.people("zip=11201")
    first = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(first.id)
    await city.people("zip=11201")
    cancel = await city.publishing.cancel(first.id, document(), PUBLISHER)
    assert (await city.finished(cancel.id)).simulated == 1
    assert [alert.id for alert in await city.hub.alerts.live(int(city.hub.clock() * 1000))] == []


async def test_a_severe_alert_is_called_off_in_one_step_and_by_one_person(city: City) -> None:
    """S3: a false alarm must not wait for a colleague; words of one's own still do."""
    await city.people("zip=11201")
    first = await city.publishing.submit(document(severity="Extreme"), AUTHOR)
    await city.publishing.approve(first.id, APPROVER)
    await city.finished(first.id)
    assert (await city.publishing.call_off(first.id, AUTHOR)).status == "awaiting_approval"
    own = await city.publishing.cancel(first.id, document(severity="Extreme"), PUBLISHER)
    assert own.status == "awaiting_approval"
    off = await city.publishing.call_off(first.id, PUBLISHER)
    assert off.status == "live"
    assert (await city.finished(off.id)).simulated == 1
    ((copy,),) = await city.table("SELECT copy FROM outbox ORDER BY id DESC LIMIT 1")
    text = msgspec.json.decode(copy)["parts"]["text"]
    assert "Flash flooding" in text
    assert "Go up." not in text
    with pytest.raises(Conflict):
        await city.publishing.call_off(first.id, PUBLISHER)


async def test_a_call_off_in_mid_alert_reaches_everyone_whom_the_alert_reached(city: City) -> None:
    """S3: nobody keeps a false alarm because it was still on its way when it was taken back."""
    await city.people(*["zip=11201"] * 3000)
    first = await city.publishing.submit(document(), PUBLISHER)
    await progressed(city.publishing, first.id, lambda state: state.simulated >= 200)
    off = await city.publishing.call_off(first.id, PUBLISHER)
    state = await city.finished(off.id)
    reached = "SELECT address FROM delivery WHERE mailing={} AND outcome IN (1, 2, 4, 7)"
    had, told = await city.table(reached.format(1)), await city.table(reached.format(2))
    assert {row[0] for row in had} == {row[0] for row in told}
    assert 200 <= state.simulated == len(had) < 3000


async def test_two_who_call_off_at_once_make_one_call_off(city: City) -> None:
    await city.people("zip=11201")
    first = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(first.id)
    offs = await asyncio.gather(*(city.publishing.call_off(first.id, actor) for actor in (PUBLISHER, APPROVER)), return_exceptions=True)
    assert sorted(type(off).__name__ for off in offs) == ["Conflict", "StoredAlert"]


async def test_an_update_that_waited_is_not_approved_after_its_alert_was_called_off(city: City) -> None:
    await city.people("zip=11201")
    first = await city.publishing.submit(document(), PUBLISHER)
    update = await city.publishing.update(first.id, document(severity="Severe"), PUBLISHER)
    assert update.status == "awaiting_approval"
    await city.publishing.call_off(first.id, PUBLISHER)
    with pytest.raises(Conflict):
        await city.publishing.approve(update.id, APPROVER)


async def test_nobody_lowers_a_severe_alert_alone(city: City) -> None:
    """S1: an update or a cancel in one's own words, however mild it calls itself, needs whoever its alert needed."""
    first = await city.publishing.submit(document(severity="Extreme"), AUTHOR)
    await city.publishing.approve(first.id, APPROVER)
    for follow in (city.publishing.update, city.publishing.cancel):
        assert (await follow(first.id, document(severity="Minor"), PUBLISHER)).status == "awaiting_approval"
    live = await city.hub.alerts.get(first.id)
    assert live is not None
    assert live.status == "live"


async def test_only_what_people_were_told_can_be_followed_and_not_after_its_end(city: City) -> None:
    draft = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    for follow in (city.publishing.update, city.publishing.cancel):
        with pytest.raises(Conflict):
            await follow(draft.id, document(), PUBLISHER)
    first = await city.publishing.submit(document(), PUBLISHER)
    await city.publishing.call_off(first.id, PUBLISHER)
    with pytest.raises(Conflict):
        await city.publishing.update(first.id, document(), PUBLISHER)


async def test_what_follows_may_not_contradict_itself(city: City) -> None:
    first = await city.publishing.submit(document(), PUBLISHER)
    for fields, pointer in (({"msgType": "Cancel", "references": [first.id]}, "/msgType"), ({"references": ["al_other"]}, "/references")):
        with pytest.raises(InvalidInput) as refused:
            await city.publishing.update(first.id, document(**fields), PUBLISHER)
        assert pointer in [fault.pointer for fault in refused.value.errors]


async def test_the_preview_of_what_follows_shows_who_really_gets_it(city: City) -> None:
    """S3, S6: a cancel goes to those who were reached, so that is what its preview and its review count."""
    await city.people("zip=11201")
    first = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(first.id)
    await city.people("zip=11201", "zip=10301")
    cancel = await city.publishing.preview(document(), PUBLISHER, follows=first.id, kind="Cancel")
    update = await city.publishing.preview(document(area={"zips": ["10301"]}), PUBLISHER, follows=first.id, kind="Update")
    assert (cancel.people, update.people) == (1, 2)
    assert "Cancelled" in cancel.messages["email"]["en"]["subject"]
    severe = await city.publishing.cancel(first.id, document(severity="Severe"), PUBLISHER)
    assert (await city.publishing.review(severe.id)).people == severe.audience == 1


async def test_the_preview_says_that_a_second_person_must_agree_to_lower_an_alarm_and_that_a_call_off_needs_none(city: City) -> None:
    """S1."""
    await city.people("zip=11201", "zip=11201")
    alert = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    await city.publishing.approve(alert.id, APPROVER)
    await city.finished(alert.id)
    shown = await city.publishing.preview(document(severity="Minor"), PUBLISHER, follows=alert.id, kind="Update")
    assert shown.approval_needed
    named = document(severity="Minor", msgType="Cancel", references=[alert.id], area={"zips": ["10001"]})
    shown = await city.publishing.preview(named, PUBLISHER)
    assert (shown.people, shown.approval_needed) == (2, True)
    off = await city.publishing.preview(prepared_cancel(alert), PUBLISHER, follows=alert.id, kind="Cancel")
    assert (off.people, off.approval_needed) == (2, False)


async def test_an_update_of_one_languages_edition_is_for_its_readers_unless_it_is_written_for_more(city: City) -> None:
    await city.people("zip=11201", language="es")
    await city.people("zip=11201")
    edition = cap(
        ("<language>en-US</language>", "<language>es</language>"),
        ("2026-11-22T13:50:00-05:00", cap_time(datetime.now(UTC) - timedelta(hours=1))),
        ("2026-11-22T14:30:00-05:00", cap_time(datetime.now(UTC))),
        ("2026-11-22T20:00:00-05:00", cap_time(datetime.now(UTC) + timedelta(hours=1))),
        ("<severity>Severe", "<severity>Moderate"),
    )
    alert = await city.publishing.submit(edition, PUBLISHER, source="cap")
    assert (await city.finished(alert.id)).matched == 1
    spanish = {"language": "es", "headline": "Inundación", "description": "d", "instruction": "i"}
    update = await city.publishing.update(alert.id, document(infos=[spanish]), PUBLISHER)
    assert (await city.finished(update.id)).matched == 1
    english = {"language": "en", "headline": "Flood", "description": "d", "instruction": "i"}
    both = await city.publishing.update(update.id, document(infos=[english, spanish]), PUBLISHER)
    assert (await city.finished(both.id)).matched == 2
