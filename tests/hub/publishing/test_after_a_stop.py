"""What was stopped is what people know still: it is called off in one press, lowered by two, and never goes on by itself.

And what follows an alert is as real as that one.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hub.errors import Conflict, InvalidInput
from hub.staff import audit
from hub.staff.actor import SYSTEM
from hub.store.database import _WRITER
from tests.hub.publishing.conftest import APPROVER, AUTHOR, PUBLISHER, City, document
from tests.waiting import until

ON_ONE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
"""Of rules that are decided before anything is stored."""


async def stopped(city: City, **changes: Any) -> str:
    """An alert that has reached somebody, and was stopped then."""
    await city.people("zip=11201")
    alert = await city.publishing.submit(document(**changes), AUTHOR)
    await city.publishing.approve(alert.id, APPROVER)
    await city.finished(alert.id)
    await city.publishing.stop(alert.id, PUBLISHER)
    return alert.id


async def test_who_stops_a_severe_alert_alone_may_not_lower_it_alone(city: City) -> None:
    """S1."""
    alert = await stopped(city, severity="Extreme")
    for follow in (city.publishing.update, city.publishing.cancel):
        assert (await follow(alert, document(severity="Minor"), PUBLISHER)).status == "awaiting_approval"


async def test_what_was_stopped_is_called_off_in_one_press(city: City) -> None:
    """S3."""
    alert = await stopped(city, severity="Extreme")
    cancel = await city.publishing.call_off(alert, PUBLISHER)
    assert (cancel.status, (await city.finished(cancel.id)).simulated) == ("live", 1)


async def test_a_change_on_top_of_what_a_colleague_has_changed_since_is_written_anew(city: City) -> None:
    await city.people("zip=11201")
    first = await city.publishing.submit(document(), PUBLISHER)
    second = await city.publishing.update(first.id, document(event="Colleague's"), PUBLISHER)
    with pytest.raises(Conflict, match=f"has gone out meanwhile, {second.id}"):
        await city.publishing.preview(document(event="Mine"), PUBLISHER, follows=first.id, kind="Update")
    with pytest.raises(Conflict, match=f"has gone out meanwhile, {second.id}"):
        await city.publishing.update(first.id, document(event="Mine"), PUBLISHER)
    off = await city.publishing.call_off(first.id, PUBLISHER)
    assert (off.document.event, off.document.references) == ("Colleague's", (second.id,))


async def test_what_was_stopped_and_then_updated_is_called_off_as_it_was_told_last(city: City) -> None:
    first = await stopped(city, severity="Moderate")
    second = await city.publishing.update(first, document(event="Since"), PUBLISHER)
    off = await city.publishing.call_off(first, PUBLISHER)
    assert (off.document.event, off.document.references) == ("Since", (second.id,))


async def test_once_two_have_lowered_it_one_may_go_on(city: City) -> None:
    alert = await stopped(city, severity="Extreme")
    lower = await city.publishing.update(alert, document(severity="Minor"), AUTHOR)
    await city.publishing.approve(lower.id, APPROVER)
    assert (await city.publishing.update(lower.id, document(severity="Minor"), PUBLISHER)).status == "live"


async def test_a_stop_holds_even_if_the_hub_dies_in_the_middle_of_it(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """S12."""

    async def dies(_: int) -> int:
        raise ConnectionError

    alert = await city.publishing.submit(document(), PUBLISHER)
    monkeypatch.setattr(city.publishing, "_halt", dies)
    with pytest.raises(ConnectionError):
        await city.publishing.stop(alert.id, PUBLISHER)
    assert await city.table("SELECT a.status, m.state FROM alert a JOIN mailing m ON m.alert=a.number") == [("stopped", "stopped")]


@ON_ONE
@pytest.mark.parametrize("status", ["Actual", "Exercise"])
async def test_what_follows_is_what_it_follows(city: City, status: str) -> None:
    """S2."""
    first = await city.publishing.submit(document(status=status), PUBLISHER)
    later = await city.publishing.update(first.id, document(), PUBLISHER)
    assert later.document.status == status


@ON_ONE
@pytest.mark.parametrize(("first", "then"), [("Exercise", "Actual"), ("Actual", "Test")])
async def test_a_drill_does_not_become_real_nor_a_real_alert_a_test(city: City, first: str, then: str) -> None:
    """S2: not the same people take them."""
    alert = await city.publishing.submit(document(status=first), PUBLISHER)
    for later in (
        city.publishing.update(alert.id, document(status=then), PUBLISHER),
        city.publishing.preview(document(status=then), PUBLISHER, follows=alert.id, kind="Update"),
        city.publishing.submit(document(status=then, msgType="Update", references=[alert.id]), PUBLISHER),
    ):
        with pytest.raises(InvalidInput) as refused:
            await later
        assert [fault.pointer for fault in refused.value.errors] == ["/status"]


async def test_a_stop_does_not_wait_for_a_node_that_hangs_while_it_writes(city: City) -> None:
    """S12. On SQLite there is no other node."""
    await city.people("zip=11201")
    alert = await city.publishing.submit(document(), PUBLISHER)
    database = city.hub.database
    if database.shared:
        async with database.engine.connect() as hung:
            await hung.execute(_WRITER)
            stop = asyncio.create_task(city.publishing.stop(alert.id, PUBLISHER))
            await until(partial(_is_stopped, city))
            assert not stop.done()
            assert await city.table("SELECT status FROM alert") == [("live",)]
        await stop
    else:
        await city.publishing.stop(alert.id, PUBLISHER)
    assert await city.table("SELECT a.status, m.state FROM alert a JOIN mailing m ON m.alert=a.number") == [("stopped", "stopped")]


async def _is_stopped(city: City) -> bool:
    return await city.table("SELECT state FROM mailing") == [("stopped",)]


@ON_ONE
async def test_a_stop_that_could_not_be_written_is_written_as_soon_as_it_can_be_by_whom_it_was_asked_for(city: City) -> None:
    """S12."""
    await city.people("zip=11201")
    alert = await city.publishing.submit(document(), PUBLISHER)
    city.hub.database.writer.execute("PRAGMA query_only=1")
    with pytest.raises(OperationalError):
        await city.publishing.stop(alert.id, PUBLISHER)
    await city.publishing.write_stops()
    assert await city.table("SELECT status FROM alert") == [("live",)]
    city.hub.database.writer.execute("PRAGMA query_only=0")
    await city.publishing.write_stops()
    await city.publishing.write_stops()
    assert await city.table("SELECT a.status, m.state FROM alert a JOIN mailing m ON m.alert=a.number") == [("stopped", "stopped")]
    async with city.hub.database.read(long=True) as connection:
        stops = [entry.actor for entry in await audit.entries(connection) if entry.action == "stop"]
    assert stops == [PUBLISHER.label]


async def test_a_stop_that_broke_off_between_its_steps_is_finished_by_the_hub(city: City) -> None:
    await city.people("zip=11201")
    alert = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(alert.id)
    await city.publishing._end_hand_overs(alert.id, PUBLISHER)
    await city.publishing.finish_stops()
    assert await city.table("SELECT status FROM alert") == [("live",)]  # whoever asked may be at it still
    await city.publishing.finish_stops()
    assert await city.table("SELECT status FROM alert") == [("stopped",)]
    async with city.hub.database.read(long=True) as connection:
        assert [(entry.actor, entry.action) for entry in await audit.entries(connection)][:2] == [
            (SYSTEM.label, "stop counted"),
            (SYSTEM.label, "stop"),
        ]


async def test_what_is_not_sent_because_it_was_changed_is_stopped_by_a_person_and_not_by_the_hub(city: City) -> None:
    """S5: stopped by itself, `tocsin check` would not find any more that it is not what was approved."""
    await city.change_whatever_is_launched("document=replace(document, 'Water rises', 'Run')")
    alert = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(alert.id)
    await city.publishing.finish_stops()
    await city.publishing.finish_stops()
    assert await city.table("SELECT status FROM alert") == [("live",)]
    await city.publishing.stop(alert.id, PUBLISHER)
    assert await city.table("SELECT a.status, m.state FROM alert a JOIN mailing m ON m.alert=a.number") == [("stopped", "stopped")]
