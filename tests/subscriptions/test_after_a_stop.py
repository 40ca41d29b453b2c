"""An address that ended by a STOP, heard by us or by its provider: what brings it back, and how much of what was before."""

from __future__ import annotations

from typing import Any

import pytest

from subscriptions.errors import LinkExpired, LinkInvalid
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
    """The phone, as it is now."""
    ((number, sealed),) = await residents.rows("SELECT id, sealed FROM address WHERE channel='sms'")
    return Tried(number, sealed, residents.clock(), opted_out)


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
    """S28."""
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


async def sign_up_anew(residents: Residents, by: str) -> None:
    """In the Bronx, in French; and answer our letter by its link or by a word."""
    wanted = request(channels=[PHONE], places=[{"borough": "Bronx"}], language="fr", minimum_severity="Moderate")
    await residents.enrolment.subscribe(wanted, client="c", source="web")
    if by == "link":
        await residents.confirm_newest("sms")
    else:
        await start(residents)


@pytest.mark.parametrize("by", ["link", "word"])
async def test_signing_up_anew_keeps_the_address_that_alerts_know_and_nothing_else(residents: Residents, by: str) -> None:
    await join(residents, language="es")
    await own(residents).change("sms", NUMBER, SubscriptionChange(minimum_severity="Severe", drills=True), source="sms")
    ((number, before),) = await residents.rows("SELECT id, subscriber FROM address")
    await stop(residents)
    await sign_up_anew(residents, by)
    view = await own(residents).view("sms", NUMBER)
    assert view is not None
    assert (view.places, view.language, view.minimum_severity, view.drills) == ((THERE,), "fr", "Moderate", False)
    ((address, owner),) = await residents.rows("SELECT id, subscriber FROM address WHERE state='active'")
    assert address == number
    assert await residents.column("SELECT id FROM subscriber") == [owner]
    assert (await residents.column("SELECT subscriber FROM audience_change"))[-2:] == [before, owner]
    actions = await residents.rows("SELECT action, source FROM consent ORDER BY id DESC LIMIT 3")
    assert actions == [("confirmed", "link" if by == "link" else "sms"), ("asked", "web"), ("stopped", "sms")]


async def test_a_number_that_is_another_persons_by_now_leads_neither_to_the_other(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[PHONE, MAIL]), client="c", source="web")
    old = (await residents.confirm_newest("sms")).manage
    letter = (await residents.letters("email"))[-1]
    assert old is not None
    await stop(residents)
    residents.clock.now += DAY
    await residents.enrolment.subscribe(request(channels=[PHONE], places=[{"borough": "Bronx"}]), client="c", source="web")
    new = (await residents.confirm_newest("sms")).manage
    assert new is not None
    theirs = await residents.enrolment.view(old)
    assert (theirs.places, [channel.kind for channel in theirs.channels]) == ((HERE,), ["email"])
    assert (await residents.enrolment.confirm(residents.token("confirm", letter))).view.places == ("11201",)
    export = await residents.enrolment.export(new)
    assert [(one.kind, one.state) for one in export.addresses if one.state != "merged"] == [("sms", "active")]
    await residents.enrolment.end(old, source="web")
    view = await own(residents).view("sms", NUMBER)
    assert view is not None
    assert view.places == (THERE,)


async def test_what_is_signed_up_anew_with_a_mail_is_one_subscription(residents: Residents) -> None:
    await join(residents)
    await stop(residents)
    await residents.enrolment.subscribe(request(channels=[PHONE, MAIL]), client="c", source="web")
    await residents.confirm_newest("sms")
    manage = (await residents.confirm_newest("email")).manage
    assert manage is not None
    assert {channel.kind for channel in (await residents.enrolment.view(manage)).channels} == {"sms", "email"}
    await residents.enrolment.end(manage, source="web")
    assert await own(residents).view("sms", NUMBER) is None


async def test_the_link_of_an_old_message_ends_what_was_signed_up_anew_and_explains_nothing_of_it(residents: Residents) -> None:
    await join(residents)
    ((number, before),) = await residents.rows("SELECT id, subscriber FROM address")
    links = {purpose: residents.links.token(purpose, before, number, 1) for purpose in ("unsubscribe", "why")}
    await stop(residents)
    await residents.enrolment.subscribe(request(channels=[PHONE]), client="c", source="web")
    await residents.confirm_newest("sms")
    with pytest.raises(LinkExpired):
        await residents.enrolment.why(links["why"])
    await residents.enrolment.unsubscribe(links["unsubscribe"])
    assert await own(residents).view("sms", NUMBER) is None
    assert await residents.column("SELECT count(*) FROM subscriber") == [0]


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
