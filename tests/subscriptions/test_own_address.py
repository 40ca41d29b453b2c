"""Whoever writes from an address proves it: joining, changing, stopping and starting again without a letter or a link."""

from __future__ import annotations

import pytest

from subscriptions.errors import InvalidSubscription, NotSubscribed, TooManyRequests
from subscriptions.own_address import OwnAddress
from subscriptions.subscriber import PlaceRequest, SubscriptionChange
from subscriptions.topics import EVERYDAY
from tests.subscriptions.residents import DAY, Residents, request

NUMBER = "+17185550100"
HERE = (PlaceRequest(zip="11201"),)


def own(residents: Residents) -> OwnAddress:
    return residents.enrolment.own_address


async def joined(residents: Residents, *places: PlaceRequest, language: str = "en") -> None:
    await own(residents).join("sms", NUMBER, places or HERE, language=language, source="sms")


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
