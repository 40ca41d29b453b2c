"""Whoever writes from an address proves it: joining, changing, stopping and starting again without a letter or a link."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from subscriptions.errors import InvalidSubscription, LinkInvalid, NotSubscribed, TooManyRequests
from subscriptions.own_address import OwnAddress
from subscriptions.quiet_hours import QuietHours
from subscriptions.store import sql
from subscriptions.subscriber import PLACES_AT_MOST, PlaceRequest, SubscriptionChange, read_change
from subscriptions.topics import EVERYDAY
from tests.subscriptions.residents import DAY, START, Residents, request

NUMBER = "+17185550100"
HERE = (PlaceRequest(zip="11201"),)
BOTH = [{"kind": "email", "address": "eve@example.org"}, {"kind": "sms", "address": NUMBER}]
LATER = datetime.fromtimestamp(START + 300 * DAY, UTC)


def own(residents: Residents) -> OwnAddress:
    return residents.enrolment.own_address


async def joined(residents: Residents, *places: PlaceRequest, language: str = "en") -> None:
    await own(residents).join("sms", NUMBER, places or HERE, language=language, source="sms")


@pytest.mark.parametrize("others", [True, False])
async def test_with_a_stop_goes_the_control_that_this_address_had_where_others_stay(residents: Residents, others: bool) -> None:
    """Who has nothing else may still open the settings with what they have, and give another address."""
    await residents.enrolment.subscribe(request(channels=BOTH if others else BOTH[1:]), client="c", source="test")
    manage = (await residents.confirm_newest("sms")).manage
    assert manage is not None
    if others:
        await residents.confirm_newest("email")
    await own(residents).stop("sms", NUMBER, source="sms")
    if others:
        with pytest.raises(LinkInvalid):
            await residents.enrolment.view(manage)
    else:
        assert [channel.state for channel in (await residents.enrolment.view(manage)).channels] == ["stopped"]


async def test_a_zip_is_enough_and_is_in_force_at_once(residents: Residents) -> None:
    view = await own(residents).join("sms", NUMBER, HERE, language="es-MX", source="sms")
    assert (view.status, view.places, view.topics, view.language) == ("active", HERE, EVERYDAY, "es")
    assert [(channel.kind, channel.state) for channel in view.channels] == [("sms", "active")]
    assert await residents.letters() == []
    assert await residents.caught_up() == [1]
    assert await residents.column("SELECT subscriber FROM audience_change") == [1]
    assert await residents.rows("SELECT action, channel, source FROM consent ORDER BY id") == [
        ("confirmed", "sms", "sms"), ("changed", "sms", "sms"),
    ]  # fmt: skip
    assert NUMBER.encode() not in await residents.on_disk()


async def test_another_place_is_added_and_the_choices_stay(residents: Residents) -> None:
    await joined(residents, language="es")
    await own(residents).change("sms", NUMBER, SubscriptionChange(minimum_severity="Severe"), source="sms")
    view = await own(residents).join("sms", NUMBER, (*HERE, PlaceRequest(borough="Bronx")), language="en", source="sms")
    assert (view.places, view.minimum_severity, view.language) == ((*HERE, PlaceRequest(borough="Bronx")), "Severe", "es")


async def test_a_wrong_place_changes_nothing(residents: Residents) -> None:
    before = await residents.everything()
    with pytest.raises(InvalidSubscription, match="Did you mean"):
        await joined(residents, PlaceRequest(zip="11291"))
    assert await residents.everything() == before


async def test_nobody_is_flooded_by_joining_again_and_again(limited: Residents) -> None:
    for _ in range(5):
        await joined(limited)
    with pytest.raises(TooManyRequests):
        await joined(limited)


async def test_stopping_ends_all_messages_and_a_word_brings_everything_back(residents: Residents) -> None:
    await joined(residents)
    assert await own(residents).stop("sms", NUMBER, source="sms")
    assert await own(residents).view("sms", NUMBER) is None
    assert await residents.column("SELECT state FROM address") == ["stopped"]
    assert not await own(residents).stop("sms", NUMBER, source="sms")
    view = await own(residents).start("sms", NUMBER, source="sms")
    assert view is not None
    assert view.places == HERE
    assert await residents.column("SELECT subscriber FROM audience_change") == [1, 1, 1]


async def test_only_danger_to_life_may_be_what_comes_back(residents: Residents) -> None:
    await joined(residents)
    await own(residents).change("sms", NUMBER, SubscriptionChange(severities={"crime": "Minor"}), source="sms")
    await own(residents).stop("sms", NUMBER, source="sms")
    view = await own(residents).start("sms", NUMBER, source="sms", only_extreme=True)
    assert view is not None
    assert (view.minimum_severity, view.severities) == ("Extreme", {})


async def test_a_week_after_stop_all_of_it_is_forgotten(residents: Residents) -> None:
    await joined(residents)
    await own(residents).stop("sms", NUMBER, source="sms")
    residents.clock.now += 6.9 * DAY
    await residents.enrolment.purge(residents.clock())
    assert await residents.column("SELECT count(*) FROM subscriber") == [1]
    residents.clock.now += 0.2 * DAY
    await residents.enrolment.purge(residents.clock())
    assert [await residents.column(f"SELECT count(*) FROM {table}") for table in ("subscriber", "address", "place")] == [[0], [0], [0]]
    assert await own(residents).start("sms", NUMBER, source="sms") is None


async def test_stopping_one_address_leaves_the_others_of_a_person(residents: Residents) -> None:
    channels = [{"kind": "email", "address": "a@example.org"}, {"kind": "sms", "address": NUMBER}]
    await residents.enrolment.subscribe(request(channels=channels), client="c", source="test")
    await residents.confirm_newest("email")
    await residents.confirm_newest("sms")
    await own(residents).stop("sms", NUMBER, source="sms")
    residents.clock.now += 8 * DAY
    await residents.enrolment.purge(residents.clock())
    assert await residents.column("SELECT channel FROM address") == ["email"]
    assert await residents.column("SELECT status FROM subscriber") == ["active"]


async def test_a_sign_up_that_waits_is_confirmed_by_a_word_from_its_number(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[{"kind": "sms", "address": NUMBER}]), client="c", source="web")
    view = await own(residents).start("sms", NUMBER, source="sms")
    assert view is not None
    assert view.status == "active"


async def test_stop_strikes_out_a_sign_up_that_waits(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[{"kind": "sms", "address": NUMBER}]), client="c", source="web")
    await own(residents).stop("sms", NUMBER, source="sms")
    assert await own(residents).start("sms", NUMBER, source="sms") is None


async def test_whoever_is_not_subscribed_is_told_so(residents: Residents) -> None:
    assert await own(residents).view("sms", NUMBER) is None
    assert await own(residents).start("sms", NUMBER, source="sms") is None
    with pytest.raises(NotSubscribed):
        await own(residents).change("sms", NUMBER, SubscriptionChange(language="es"), source="sms")


async def strangers(residents: Residents, **fields: Any) -> str:
    """Somebody signs up with their own mail and the phone of another, and confirms their mail; returns their manage token."""
    asked = {"places": [{"borough": "Bronx"}], "minimum_severity": "Extreme", "paused_until": LATER.isoformat()} | fields
    await residents.enrolment.subscribe(request(channels=BOTH, **asked), client="c", source="web")
    manage = (await residents.confirm_newest("email")).manage
    assert manage is not None
    return manage


async def test_a_zip_from_a_phone_never_joins_a_strangers_sign_up(residents: Residents) -> None:
    eve = await strangers(residents)
    view = await own(residents).join("sms", NUMBER, HERE, language="en", source="sms")
    assert (view.places, view.minimum_severity, view.paused_until) == (HERE, "Minor", None)
    assert [channel.kind for channel in view.channels] == ["sms"]
    theirs = await residents.enrolment.view(eve)
    assert view.id != theirs.id
    assert [place.zip for place in theirs.places] == [None]
    assert [channel.kind for channel in theirs.channels] == ["email"]
    assert await residents.column("SELECT state FROM address ORDER BY id") == ["active", "active"], "nothing waits any more"


async def test_a_zip_does_not_take_over_what_waits_for_the_phone_alone(residents: Residents) -> None:
    alone = [{"kind": "sms", "address": NUMBER}]
    await residents.enrolment.subscribe(request(channels=alone, minimum_severity="Extreme"), client="c", source="web")
    view = await own(residents).join("sms", NUMBER, HERE, language="en", source="sms")
    assert (view.places, view.minimum_severity) == (HERE, "Minor")
    assert await residents.column("SELECT state FROM address") == ["active"]


async def test_a_word_gives_the_phone_a_copy_of_a_sign_up_with_other_addresses(residents: Residents) -> None:
    hours = {"from": "22:00", "to": "07:00", "timezone": "America/New_York"}
    eve = await strangers(residents, minimum_severity="Severe", quiet_hours=hours, severities={"fire": "Minor"}, language="es")
    view = await own(residents).start("sms", NUMBER, source="sms")
    assert view is not None
    assert (view.places, view.minimum_severity, view.severities, view.language) == (
        *((PlaceRequest(borough="Bronx"),), "Severe", {"fire": "Minor"}, "es"),
    )
    assert isinstance(view.quiet_hours, QuietHours)
    assert (view.status, view.paused_until, [channel.kind for channel in view.channels]) == ("active", None, ["sms"])
    await own(residents).join("sms", NUMBER, HERE, language="en", source="sms")
    theirs = await residents.enrolment.view(eve)
    assert [channel.kind for channel in theirs.channels] == ["email"]
    assert [place.zip for place in theirs.places] == [None]
    assert theirs.paused_until == LATER


async def test_a_phone_that_was_added_to_a_running_subscription_gets_its_own_by_a_word(residents: Residents) -> None:
    """It may be the only address left of it, while a token that was given earlier is still about."""
    manage = await residents.resident()
    added = read_change(f'{{"add_channels": [{{"kind": "sms", "address": "{NUMBER}"}}]}}'.encode())
    await residents.enrolment.change(manage, added, source="test")
    await residents.close([1])
    async with residents.database.write() as connection:
        await sql.delete_address(connection, 1)
    assert await own(residents).start("sms", NUMBER, source="sms") is not None
    assert [channel.kind for channel in (await residents.enrolment.view(manage)).channels] == []


async def test_of_several_sign_ups_that_of_the_phone_alone_is_taken_as_it_is(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[BOTH[1]], language="es"), client="c", source="web")
    await strangers(residents)
    view = await own(residents).start("sms", NUMBER, source="sms")
    assert view is not None
    assert (view.language, view.minimum_severity, view.places) == ("es", "Minor", (*HERE, PlaceRequest(borough="Bronx")))


async def test_start_brings_back_what_only_danger_to_life_had_replaced(residents: Residents) -> None:
    await joined(residents)
    chosen = SubscriptionChange(minimum_severity="Moderate", severities={"crime": "Severe"})
    await own(residents).change("sms", NUMBER, chosen, source="sms")
    for _ in range(2):
        await own(residents).stop("sms", NUMBER, source="sms")
        for _ in range(2):
            view = await own(residents).start("sms", NUMBER, source="sms", only_extreme=True)
            assert view is not None
            assert (view.minimum_severity, view.severities) == ("Extreme", {})
        view = await own(residents).start("sms", NUMBER, source="sms")
        assert view is not None
        assert (view.minimum_severity, view.severities) == ("Moderate", {"crime": "Severe"})


async def test_start_leaves_only_danger_to_life_to_whoever_chose_it(residents: Residents) -> None:
    await joined(residents)
    for only_extreme in (True, False):
        await own(residents).start("sms", NUMBER, source="sms", only_extreme=only_extreme)
    await own(residents).change("sms", NUMBER, SubscriptionChange(minimum_severity="Extreme"), source="sms")
    view = await own(residents).start("sms", NUMBER, source="sms")
    assert view is not None
    assert view.minimum_severity == "Extreme"


async def test_whatever_ends_a_pause_brings_what_is_live(residents: Residents) -> None:
    await joined(residents)
    for again in ("start", "urgent", "zip", "resume"):
        await own(residents).change("sms", NUMBER, SubscriptionChange(paused_until=LATER), source="sms")
        before = len(await residents.caught_up())
        if again == "zip":
            await joined(residents)
        elif again == "resume":
            await own(residents).change("sms", NUMBER, SubscriptionChange(paused_until=None), source="sms")
        else:
            await own(residents).start("sms", NUMBER, source="sms", only_extreme=again == "urgent")
        assert await residents.column("SELECT paused_until FROM subscriber") == [None]
        assert len(await residents.caught_up()) > before


async def test_there_is_room_for_so_many_places_and_no_more_are_added(residents: Residents) -> None:
    many = tuple(PlaceRequest(lat=40.6 + n / 1000, lon=-73.95, radius_m=800.0) for n in range(PLACES_AT_MOST))
    await joined(residents, *many)
    before = await residents.everything()
    with pytest.raises(InvalidSubscription, match="up to 50 places"):
        await joined(residents)
    assert await residents.everything() == before
    await joined(residents, many[0])
    assert await residents.column("SELECT count(*) FROM place") == [PLACES_AT_MOST]
