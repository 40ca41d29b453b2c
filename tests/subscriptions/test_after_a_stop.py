"""An address that ended by a STOP, heard by us or by its provider: what brings it back, and how much of what was before."""

from __future__ import annotations

from typing import Any

import pytest

from subscriptions.errors import LinkInvalid
from subscriptions.opting_out import Tried
from subscriptions.own_address import OwnAddress
from subscriptions.subscriber import PlaceRequest, SubscriptionChange, read_change
from tests.subscriptions.residents import DAY, Residents, request

NUMBER = "+17185550100"
PHONE = {"kind": "sms", "address": NUMBER}
MAIL = {"kind": "email", "address": "a@example.org"}
HERE, THERE = PlaceRequest(zip="11201"), PlaceRequest(borough="Bronx")


def own(residents: Residents) -> OwnAddress:
    return residents.enrolment.own_address


async def join(residents: Residents, *places: PlaceRequest, language: str = "en") -> None:
    await own(residents).join("sms", NUMBER, places or (HERE,), language=language, source="sms")


async def stop(residents: Residents) -> None:
    assert await own(residents).stop("sms", NUMBER, source="sms")


async def start(residents: Residents) -> Any:
    return await own(residents).start("sms", NUMBER, source="sms")


async def tried(residents: Residents, *, opted_out: bool = True) -> Tried:
    """The phone, as it is sealed now."""
    ((number, sealed),) = await residents.rows("SELECT id, sealed FROM address WHERE channel='sms'")
    return Tried(number, sealed, opted_out)


async def states(residents: Residents) -> list[str]:
    return await residents.column("SELECT state FROM address ORDER BY id")


async def test_whoever_told_the_provider_has_stopped_and_comes_back_with_everything(residents: Residents) -> None:
    await join(residents)
    await residents.enrolment.close_tried([await tried(residents)])
    assert await states(residents) == ["stopped"]
    assert await residents.column("SELECT action FROM consent ORDER BY id DESC LIMIT 1") == ["stopped"]
    assert not await own(residents).stop("sms", NUMBER, source="sms"), "their own word comes later"
    before = len(await residents.caught_up())
    assert (await start(residents)).places == (HERE,)
    assert len(await residents.caught_up()) > before


async def test_whoever_told_the_provider_is_forgotten_after_a_week(residents: Residents) -> None:
    await join(residents)
    await residents.enrolment.close_tried([await tried(residents)])
    residents.clock.now += 7.1 * DAY
    await residents.enrolment.purge(residents.clock())
    assert await residents.column("SELECT count(*) FROM subscriber") == [0]


async def test_a_number_that_does_not_exist_is_brought_back_by_nobody(residents: Residents) -> None:
    await join(residents)
    await residents.enrolment.close_tried([await tried(residents, opted_out=False)])
    assert await states(residents) == ["dead"]
    assert await start(residents) is None


@pytest.mark.parametrize("opted_out", [True, False])
async def test_a_late_word_about_a_try_before_the_stop_says_nothing_of_whoever_has_come_back(residents: Residents, opted_out: bool) -> None:
    await join(residents)
    before = await tried(residents, opted_out=opted_out)
    await stop(residents)
    await start(residents)
    told = len(await residents.caught_up())
    await residents.enrolment.close_tried([before])
    assert await states(residents) == ["active"]
    assert len(await residents.caught_up()) == told + 1, "which that try did not bring"


async def test_whoever_opted_out_before_they_confirmed_is_still_waited_for(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[PHONE]), client="c", source="web")
    await residents.enrolment.close_tried([await tried(residents)])
    assert await states(residents) == ["unconfirmed"]
    assert (await start(residents)).status == "active"


async def test_the_control_that_the_phone_had_goes_where_other_addresses_stay(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[PHONE, MAIL]), client="c", source="web")
    manage = (await residents.confirm_newest("sms")).manage
    assert manage is not None
    await residents.confirm_newest("email")
    await residents.enrolment.close_tried([await tried(residents)])
    with pytest.raises(LinkInvalid):
        await residents.enrolment.view(manage)


@pytest.mark.parametrize("by", ["link", "word"])
async def test_signing_up_anew_keeps_the_address_that_alerts_know_and_brings_only_what_is_asked_for_now(
    residents: Residents, by: str
) -> None:
    await join(residents, language="es")
    await own(residents).change("sms", NUMBER, SubscriptionChange(minimum_severity="Severe", drills=True), source="sms")
    ((number, owner),) = await residents.rows("SELECT id, subscriber FROM address")
    await stop(residents)
    wanted = request(channels=[PHONE], places=[{"borough": "Bronx"}], language="fr", minimum_severity="Moderate")
    await residents.enrolment.subscribe(wanted, client="c", source="web")
    if by == "link":
        await residents.confirm_newest("sms")
    else:
        await start(residents)
    view = await own(residents).view("sms", NUMBER)
    assert view is not None
    assert (view.places, view.language, view.minimum_severity, view.drills) == ((THERE,), "fr", "Moderate", False)
    assert await residents.rows("SELECT id, subscriber FROM address WHERE state='active'") == [(number, owner)]
    assert (await residents.column("SELECT subscriber FROM audience_change"))[-1] == owner


async def test_what_another_address_gets_all_the_time_is_not_taken_from_it(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[PHONE, MAIL]), client="c", source="web")
    for channel in ("sms", "email"):
        await residents.confirm_newest(channel)
    await stop(residents)
    await residents.enrolment.subscribe(request(channels=[PHONE], places=[{"borough": "Bronx"}]), client="c", source="web")
    await start(residents)
    for channel, address in (("sms", NUMBER), ("email", "a@example.org")):
        view = await own(residents).view(channel, address)
        assert view is not None
        assert view.places == (HERE, THERE)


async def test_a_phone_that_its_own_settings_ask_for_again_loses_no_place(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[PHONE]), client="c", source="web")
    manage = (await residents.confirm_newest("sms")).manage
    assert manage is not None
    await stop(residents)
    await residents.enrolment.change(
        manage, read_change(f'{{"add_channels": [{{"kind": "sms", "address": "{NUMBER}"}}]}}'.encode()), source="web"
    )
    await start(residents)
    view = await own(residents).view("sms", NUMBER)
    assert view is not None
    assert view.places == (HERE,)
