"""A source corrects or takes back what nobody here has approved yet: what it says no more must not go out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from hub.alerts.cap_reader import cap_time
from hub.alerts.store import StoredAlert
from hub.errors import Conflict, InvalidInput
from tests.hub.alerts.cap_documents import cap
from tests.hub.publishing.conftest import APPROVER, AUTHOR, PUBLISHER, City, document

BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
OTHER_AGENCY = msgspec.structs.replace(PUBLISHER, id=9, agency="another")


def told(
    identifier: str, kind: str = "Alert", *, severity: str = "Severe", of: str = "OEM-1", ends: timedelta = timedelta(hours=2)
) -> bytes:
    """What the source says; everything but an Alert is about these alerts."""
    named = " ".join(f"oem@example.gov,{one},{cap_time(BEGAN)}" for one in of.split())
    reference = "" if kind == "Alert" else f"<references>{named}</references>"
    return cap(
        ("<identifier>OEM-1<", f"<identifier>{identifier}<"),
        ("<msgType>Alert", f"<msgType>{kind}"),
        ("Public</scope>", f"Public</scope>{reference}"),
        ("2026-11-22T13:50:00-05:00", cap_time(BEGAN)),
        ("2026-11-22T14:30:00-05:00", cap_time(BEGAN)),
        ("2026-11-22T20:00:00-05:00", cap_time(BEGAN + ends)),
        ("<severity>Severe", f"<severity>{severity}"),
    )


async def imported(city: City, *args: str, **kwargs: Any) -> StoredAlert:
    return await city.publishing.submit(told(*args, **kwargs), PUBLISHER, source="cap")


async def status(city: City, alert: StoredAlert) -> str:
    found = await city.hub.alerts.get(alert.id)
    assert found is not None
    return found.status


async def test_what_its_source_has_called_off_can_not_be_approved_any_more(city: City) -> None:
    await city.people("citywide=1")
    first = await imported(city, "OEM-1")
    assert first.status == "awaiting_approval"
    cancel = await imported(city, "OEM-2", "Cancel")
    assert (cancel.status, cancel.chain, await status(city, first)) == ("ended", first.chain, "ended")
    with pytest.raises(Conflict, match="has ended"):
        await city.publishing.approve(first.id, APPROVER)
    assert await city.table("SELECT count(*) FROM mailing WHERE alert IS NOT NULL") == [(0,)]
    assert await city.table("SELECT count(*) FROM audit WHERE action='superseded'") == [(1,)]


async def test_its_correction_takes_the_place_of_what_waits_and_reaches_people_once_approved(city: City) -> None:
    await city.people("citywide=1")
    first = await imported(city, "OEM-1")
    second = await imported(city, "OEM-2", "Update")
    assert (second.status, await status(city, first)) == ("awaiting_approval", "ended")
    await city.publishing.approve(second.id, APPROVER)
    assert (await city.finished(second.id)).simulated == 1


async def test_a_correction_so_mild_that_nobody_must_approve_it_goes_out(city: City) -> None:
    await city.people("citywide=1")
    first = await imported(city, "OEM-1")
    second = await imported(city, "OEM-2", "Update", severity="Moderate")
    assert (second.status, await status(city, first)) == ("live", "ended")
    assert (await city.finished(second.id)).simulated == 1


async def test_what_was_rejected_stays_so_and_its_correction_is_looked_at_anew(city: City) -> None:
    first = await imported(city, "OEM-1")
    await city.publishing.reject(first.id, APPROVER, "not here")
    second = await imported(city, "OEM-2", "Update")
    assert (second.status, await status(city, first)) == ("awaiting_approval", "draft")


async def test_only_its_own_source_takes_it_back(city: City) -> None:
    first = await imported(city, "OEM-1")
    with pytest.raises(Conflict, match="never published"):
        await city.publishing.submit(told("OEM-2", "Cancel"), OTHER_AGENCY, source="cap")
    written = await city.publishing.submit(document(severity="Severe"), AUTHOR)
    with pytest.raises(Conflict, match="never published"):
        await city.publishing.cancel(written.id, document(), PUBLISHER)
    assert [await status(city, alert) for alert in (first, written)] == ["awaiting_approval"] * 2


async def test_what_people_were_told_is_called_off_to_them_as_ever(city: City) -> None:
    await city.people("citywide=1")
    first = await imported(city, "OEM-1", severity="Moderate")
    await city.finished(first.id)
    cancel = await imported(city, "OEM-2", "Cancel", severity="Moderate")
    assert (cancel.status, await status(city, first)) == ("live", "ended")
    assert (await city.finished(cancel.id)).simulated == 1


@pytest.mark.parametrize(("kind", "severity"), [("Cancel", "Severe"), ("Update", "Severe"), ("Update", "Moderate")])
async def test_a_word_that_has_run_out_itself_still_ends_what_it_is_about(city: City, kind: str, severity: str) -> None:
    """Whoever asks the source had been off for a while. A cancel may run out in the moment in which it is sent."""
    await city.people("citywide=1")
    first = await imported(city, "OEM-1", severity=severity)
    late = await imported(city, "OEM-2", kind, ends=timedelta(0) if kind == "Cancel" else timedelta(minutes=1))
    assert (late.status, late.chain, await status(city, first)) == ("ended", first.chain, "ended")
    assert await city.table("SELECT count(*) FROM mailing WHERE alert IS NOT NULL AND state='launched'") == [(0,)]
    if severity == "Severe":
        with pytest.raises(Conflict):
            await city.publishing.approve(first.id, APPROVER)


async def test_a_cancel_that_has_run_out_itself_is_told_to_whoever_believes_what_it_takes_back(city: City) -> None:
    """S3, S13: and for as long as they would."""
    await city.people("citywide=1")
    first = await imported(city, "OEM-1", severity="Moderate")
    await city.finished(first.id)
    cancel = await imported(city, "OEM-2", "Cancel", severity="Moderate", ends=timedelta(0))
    assert (cancel.status, cancel.expires_at, await status(city, first)) == ("live", first.expires_at, "ended")
    assert (await city.finished(cancel.id)).simulated == 1


async def test_an_update_of_several_alerts_joins_them_when_it_goes_out_and_not_before(city: City) -> None:
    await city.people("citywide=1")
    alerts = [await imported(city, name, severity="Moderate") for name in ("OEM-1", "OEM-2")]
    for alert in alerts:
        await city.finished(alert.id)
    waiting = [await imported(city, name, "Update", of="OEM-1 OEM-2") for name in ("OEM-3", "OEM-4")]
    await city.publishing.reject(waiting[0].id, APPROVER, "not here")
    for alert in alerts:
        found = await city.hub.alerts.get(alert.id)
        assert found is not None
        assert (found.chain, found.status) == (alert.chain, "live")
    await city.publishing.approve(waiting[1].id, APPROVER)
    assert [await status(city, alert) for alert in alerts] == ["ended"] * 2
    assert {one.id for one in await city.hub.alerts.chain(waiting[1].chain)} >= {*(alert.id for alert in alerts), waiting[1].id}


async def test_a_mild_update_of_a_mild_and_a_grave_alert_needs_a_second_person(city: City) -> None:
    """S1: it takes the place of the grave one too."""
    mild, grave = await imported(city, "OEM-1", severity="Moderate"), await imported(city, "OEM-2")
    await city.publishing.approve(grave.id, APPROVER)
    update = await imported(city, "OEM-3", "Update", of="OEM-1 OEM-2", severity="Minor")
    assert (update.status, await status(city, mild), await status(city, grave)) == ("awaiting_approval", "live", "live")


@pytest.mark.parametrize("named", ["OEM-1 OEM-2", "OEM-2 OEM-1"])
@pytest.mark.parametrize("changed", ["called off", "updated"])
async def test_a_cancel_of_several_ends_what_is_left_although_staff_have_seen_to_one(city: City, named: str, changed: str) -> None:
    await city.people("citywide=1")
    first, second = [await imported(city, name, severity="Moderate") for name in ("OEM-1", "OEM-2")]
    ours = await (
        city.publishing.call_off(first.id, PUBLISHER)
        if changed == "called off"
        else city.publishing.update(first.id, document(), PUBLISHER)
    )
    await city.finished(second.id)
    cancel = await imported(city, "OEM-3", "Cancel", of=named, severity="Moderate")
    assert (cancel.status, await status(city, second)) == ("live", "ended")
    assert await status(city, ours) == ("live" if changed == "called off" else "ended")
    assert (await city.finished(cancel.id)).simulated == 1


async def test_one_cancel_of_several_alerts_ends_them_all_and_tells_whoever_got_any(city: City) -> None:
    await city.people("citywide=1")
    alerts = [await imported(city, name, severity="Moderate") for name in ("OEM-1", "OEM-2")]
    for alert in alerts:
        await city.finished(alert.id)
    cancel = await imported(city, "OEM-3", "Cancel", of="OEM-1 OEM-2", severity="Moderate")
    assert [await status(city, alert) for alert in alerts] == ["ended"] * 2
    assert (await city.finished(cancel.id)).simulated == 1
    assert [one.id for one in await city.hub.alerts.chain(cancel.chain)] == [*(alert.id for alert in alerts), cancel.id]


@pytest.mark.parametrize("kind", ["Cancel", "Update"])
async def test_an_alert_that_comes_after_what_was_said_of_it_since_goes_to_nobody(city: City, kind: str) -> None:
    await city.people("citywide=1")
    later = await imported(city, "OEM-2", kind, severity="Moderate")
    await city.finished(later.id)
    late = await imported(city, "OEM-1", severity="Moderate")
    assert (late.status, late.live_at, late.chain, late.was_public) == ("ended", None, later.chain, False)
    assert (await imported(city, "OEM-3", severity="Moderate")).status == "live"  # what nobody has spoken of


async def test_an_author_writes_about_one_thing_and_about_what_is_there(city: City) -> None:
    alerts = [await city.publishing.submit(document(), PUBLISHER) for _ in range(2)]
    for named in ([alert.id for alert in alerts], [alerts[0].id, "al_none"]):
        with pytest.raises(InvalidInput) as refused:
            await city.publishing.submit(document(msgType="Update", references=named), PUBLISHER)
        assert refused.value.errors[0].pointer.startswith("/references")
    assert [await status(city, alert) for alert in alerts] == ["live"] * 2
