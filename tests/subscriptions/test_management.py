"""Managing: control comes with a token, is asked for at a confirmed address, and a change is whole or not at all."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec
import pytest

from subscriptions.errors import InvalidSubscription, LinkExpired, LinkInvalid, TooManyRequests
from subscriptions.limits import TESTS_OF_SUBSCRIPTION
from subscriptions.management import SAME_PRESS_MS
from subscriptions.store import sql
from subscriptions.store.sql import PlaceRow
from subscriptions.subscriber import PLACES_AT_MOST, read_change
from subscriptions.views import SubscriptionView
from tests.subscriptions.residents import DAY, HOUR, Residents

PLACES = [{"zip": "11201"}, {"neighborhood": "Astoria", "label": "work"}, {"lat": 40.68, "lon": -73.97, "radius_m": 800, "label": "home"}]


async def change(residents: Residents, manage: str, **fields: Any) -> SubscriptionView:
    return await residents.enrolment.change(manage, read_change(json.dumps(fields).encode()), source="test")


async def test_the_owner_sees_everything_and_may_send_the_places_back_as_they_are(residents: Residents) -> None:
    hours = {"from": "22:00", "to": "07:00", "timezone": "America/New_York"}
    manage = await residents.resident(places=[*PLACES, {"citywide": True}], topics=["crime"], quiet_hours=hours, drills=True)
    view = await residents.enrolment.view(manage)
    document = json.loads(msgspec.json.encode(view))
    assert document["places"] == [*PLACES, {"citywide": True}]
    assert (document["quiet_hours"], document["drills"], document["topics"], document["status"]) == (hours, True, ["crime"], "active")
    assert [(channel["kind"], channel["hint"], channel["state"]) for channel in document["channels"]] == [
        ("email", "a…@example.org", "active")
    ]
    assert (await change(residents, manage, places=document["places"])).places == view.places


async def test_a_change_touches_what_it_names_and_leaves_the_rest(residents: Residents) -> None:
    manage = await residents.resident(topics=["crime"], language="es")
    view = await change(residents, manage, minimum_severity="Severe")
    assert (view.minimum_severity, view.topics, view.language) == ("Severe", ("crime",), "es")
    view = await change(residents, manage, topics=["fire", "weather"], drills=True, language="fr")
    assert (view.minimum_severity, view.topics, view.language, view.drills) == ("Severe", ("fire", "weather"), "fr", True)
    assert await residents.column("SELECT subscriber FROM audience_change") == [1, 1, 1]


async def test_only_a_new_place_brings_what_is_live_there(residents: Residents) -> None:
    manage = await residents.resident(places=[{"zip": "11201"}, {"borough": "Bronx"}])
    await change(residents, manage, places=[{"zip": "11201"}])
    assert await residents.caught_up() == [1]
    await change(residents, manage, places=[{"zip": "11201"}, {"zip": "10001"}])
    assert await residents.caught_up() == [1, 1]


async def test_other_quiet_hours_bring_what_the_former_ones_hold_back(residents: Residents) -> None:
    manage = await residents.resident()
    hours = {"from": "22:00", "to": "07:00", "timezone": "America/New_York"}
    brought = []
    for chosen in (hours, hours, {**hours, "severe": False}, {**hours, "to": "06:00"}, None, None):
        await change(residents, manage, quiet_hours=chosen)
        brought.append(len(await residents.caught_up()))
    assert brought == [1, 1, 2, 3, 4, 4]


async def test_a_change_with_a_fault_changes_nothing(residents: Residents) -> None:
    manage = await residents.resident()
    before = await residents.everything()
    with pytest.raises(InvalidSubscription) as caught:
        await change(residents, manage, topics=["nope"], places=[{"zip": "0"}], language="es", remove_channels=["77"])
    assert {error.pointer for error in caught.value.errors} >= {"/topics/0", "/places/0/zip", "/remove_channels/0"}
    assert await residents.everything() == before


async def test_an_added_channel_must_confirm_and_then_belongs_to_the_subscription(residents: Residents) -> None:
    manage = await residents.resident()
    view = await change(residents, manage, add_channels=[{"kind": "sms", "address": "+17185550100"}, {"kind": "telegram"}])
    assert [(channel.kind, channel.state) for channel in view.channels] == [
        *(("email", "active"), ("sms", "unconfirmed"), ("telegram", "unconfirmed")),
    ]
    assert view.channels[2].link is not None
    assert view.channels[1].hint == "…00"
    await residents.confirm_newest("sms")
    assert [channel.state for channel in (await residents.enrolment.view(manage)).channels] == ["active", "active", "unconfirmed"]


async def test_a_channel_can_be_removed_but_not_the_last(residents: Residents) -> None:
    manage = await residents.resident()
    await change(residents, manage, add_channels=[{"kind": "sms", "address": "+17185550100"}])
    await residents.confirm_newest("sms")
    email, sms = (channel.id for channel in (await residents.enrolment.view(manage)).channels)
    for ids in ([email, sms], [email, email], ["nope"]):
        with pytest.raises(InvalidSubscription):
            await change(residents, manage, remove_channels=ids)
    assert [channel.kind for channel in (await change(residents, manage, remove_channels=[email])).channels] == ["sms"]
    with pytest.raises(InvalidSubscription):
        await change(residents, manage, remove_channels=[sms])


async def test_nobody_can_remove_anothers_channel(residents: Residents) -> None:
    other = await residents.resident("other@example.org")
    foreign = (await residents.enrolment.view(other)).channels[0].id
    manage = await residents.resident("mine@example.org")
    with pytest.raises(InvalidSubscription):
        await change(residents, manage, remove_channels=[foreign])
    assert len((await residents.enrolment.view(other)).channels) == 1


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 5000, "é"])
async def test_an_unknown_token_gives_no_control(residents: Residents, token: str) -> None:
    await residents.resident()
    with pytest.raises(LinkInvalid):
        await residents.enrolment.view(token)
    with pytest.raises(LinkInvalid):
        await change(residents, token, drills=True)
    with pytest.raises(LinkInvalid):
        await residents.enrolment.end(token, source="test")


async def test_links_in_messages_give_no_control(residents: Residents) -> None:
    await residents.resident()
    for purpose in ("why", "unsubscribe", "confirm", "access"):
        with pytest.raises(LinkInvalid):
            await residents.enrolment.view(residents.links.token(purpose, 1, 1, 0))


async def test_control_ends_after_thirty_days(residents: Residents) -> None:
    manage = await residents.resident()
    residents.clock.now += 30 * DAY - 1
    await residents.enrolment.view(manage)
    residents.clock.now += 1
    with pytest.raises(LinkExpired):
        await residents.enrolment.view(manage)
    await residents.enrolment.purge(residents.clock.now + 31 * DAY)
    with pytest.raises(LinkInvalid):
        await residents.enrolment.view(manage)


async def test_ending_deletes_everything_but_the_receipts_which_name_nobody(residents: Residents) -> None:
    manage = await residents.resident("distinctive@example.org")
    public_id = (await residents.enrolment.view(manage)).id
    await residents.enrolment.end(manage, source="test")
    for table in ("subscriber", "place", "address", "access"):
        assert await residents.rows(f"SELECT * FROM {table}") == []
    assert await residents.rows("SELECT DISTINCT subscriber_public_id FROM consent") == [(public_id,)]
    assert (await residents.column("SELECT action FROM consent ORDER BY id"))[-1] == "deleted"
    with pytest.raises(LinkInvalid):
        await residents.enrolment.end(manage, source="test")


async def test_a_number_is_never_given_to_another_person(residents: Residents) -> None:
    """An old message's link must not end, and the ledger must not silence, whoever comes next."""
    await residents.enrolment.end(await residents.resident("first@example.org"), source="test")
    await residents.resident("second@example.org")
    assert await residents.rows("SELECT subscriber, id FROM address") == [(2, 2)]


async def test_control_is_sent_to_a_confirmed_address_and_works_once(residents: Residents) -> None:
    manage = await residents.resident()
    await residents.enrolment.request_access(" A@example.org ", client="c")
    letter = (await residents.letters())[-1]
    assert (letter.purpose, letter.channel, letter.parameters.keys()) == ("access", "email", {"serial"})
    token = residents.token("access", letter)
    before = await residents.everything()
    await residents.enrolment.look_at_access(token)
    assert await residents.everything() == before
    fresh = await residents.enrolment.redeem(token)
    assert fresh != manage
    assert await residents.enrolment.view(fresh) == await residents.enrolment.view(manage)
    with pytest.raises(LinkExpired):
        await residents.enrolment.look_at_access(token)
    residents.clock.now += SAME_PRESS_MS / 1000
    with pytest.raises(LinkExpired):
        await residents.enrolment.redeem(token)
    assert token not in repr(await residents.everything())


async def test_a_double_press_opens_the_settings_too(residents: Residents) -> None:
    """A browser shows the second answer, so it must not be that the link was used; how long it may be used counts from the first press."""
    manage = await residents.resident()
    await residents.enrolment.request_access("a@example.org", client="c")
    token = residents.token("access", (await residents.letters())[-1])
    for _ in range(2):
        assert await residents.enrolment.view(await residents.enrolment.redeem(token)) == await residents.enrolment.view(manage)
        residents.clock.now += SAME_PRESS_MS / 2000
    with pytest.raises(LinkExpired):
        await residents.enrolment.redeem(token)


async def test_a_one_use_link_lives_an_hour_and_cannot_be_made_from_what_is_stored(residents: Residents) -> None:
    await residents.resident()
    await residents.enrolment.request_access("a@example.org", client="c")
    token = residents.token("access", (await residents.letters())[-1])
    with pytest.raises(LinkExpired):
        await residents.enrolment.redeem(residents.links.token("access", 1, 1, 1))
    residents.clock.now += HOUR
    with pytest.raises(LinkExpired):
        await residents.enrolment.redeem(token)


@pytest.mark.parametrize("text", ["unknown@example.org", "pending@example.org", "not an address", "", "+17185550199", "x" * 10_000])
async def test_asking_for_control_tells_nothing_and_sends_nothing_where_nobody_is_confirmed(residents: Residents, text: str) -> None:
    await residents.resident()
    await residents.subscribe("pending@example.org")
    before = len(await residents.letters())
    await residents.enrolment.request_access(text, client="c")
    assert len(await residents.letters()) == before


async def test_asking_for_control_is_limited_by_address_in_silence_and_by_client_aloud(limited: Residents) -> None:
    await limited.resident()
    before = len(await limited.letters())
    for number in range(20):
        await limited.enrolment.request_access("a@example.org", client=f"192.0.2.{number}")
        await limited.enrolment.request_access("b@example.org", client="c")
    assert len(await limited.letters()) == before + 3
    with pytest.raises(TooManyRequests):
        await limited.enrolment.request_access("b@example.org", client="c")


async def test_changes_are_limited(limited: Residents) -> None:
    manage = await limited.resident()
    for _ in range(60):
        await change(limited, manage, drills=True)
    with pytest.raises(TooManyRequests):
        await change(limited, manage, drills=True)


async def test_a_test_goes_to_each_confirmed_address_marked_and_to_nobody_else(residents: Residents) -> None:
    manage = await residents.resident()
    await change(residents, manage, add_channels=[{"kind": "sms", "address": "+17185550100"}])
    assert await residents.enrolment.send_test(manage) == ("email",)
    letter = (await residents.letters())[-1]
    assert (letter.purpose, letter.channel, dict(letter.parameters)) == ("notice", "email", {"notice": "test"})


async def test_tests_are_limited_by_the_hour(limited: Residents) -> None:
    manage = await limited.resident()
    for _ in range(TESTS_OF_SUBSCRIPTION.count):
        await limited.enrolment.send_test(manage)
    with pytest.raises(TooManyRequests):
        await limited.enrolment.send_test(manage)
    limited.clock.now += HOUR + 1
    assert await limited.enrolment.send_test(manage) == ("email",)


async def test_a_test_needs_the_token_that_gives_control(residents: Residents) -> None:
    await residents.resident()
    with pytest.raises(LinkInvalid):
        await residents.enrolment.send_test(residents.links.token("why", 1, 1, 0))


async def test_with_an_address_goes_all_control_but_the_token_in_use(residents: Residents) -> None:
    """Whoever reads the mail of an address that was removed can't open the settings by what lies there."""
    manage = await residents.resident()
    await change(residents, manage, add_channels=[{"kind": "sms", "address": "+17185550100"}])
    phones = (await residents.confirm_newest("sms")).manage
    assert phones is not None
    await residents.enrolment.request_access("a@example.org", client="c")
    one_use = residents.token("access", (await residents.letters("email"))[-1])
    others = await residents.resident("other@example.org")
    await change(residents, phones, drills=True)
    assert await residents.enrolment.view(manage) == await residents.enrolment.view(phones)
    email = (await residents.enrolment.view(phones)).channels[0].id
    await change(residents, phones, remove_channels=[email])
    with pytest.raises(LinkInvalid):
        await residents.enrolment.view(manage)
    with pytest.raises(LinkExpired):
        await residents.enrolment.redeem(one_use)
    await residents.enrolment.view(phones)
    await residents.enrolment.view(others)


@pytest.mark.parametrize(
    ("until", "fault"),
    [
        ("9999-12-31T23:59:59-05:00", "too far"),
        ("2027-09-25T00:00:00Z", "too far"),
        ("0001-01-01T00:00:00+05:00", "has passed"),
        ("2026-09-19T00:00:00Z", "has passed"),
        ("2027-09-20T00:00:00-04:00", None),
        ("2026-09-21T00:00:00Z", None),
    ],
)
async def test_a_pause_ends_within_a_year(residents: Residents, until: str, fault: str | None) -> None:
    """These tests begin on 2026-09-21 at 14:13 UTC."""
    manage = await residents.resident()
    if fault is None:
        assert (await change(residents, manage, paused_until=until)).paused_until == datetime.fromisoformat(until)
        await residents.subscribe("b@example.org", paused_until=until)
        return
    with pytest.raises(InvalidSubscription, match=fault) as caught:
        await change(residents, manage, paused_until=until)
    assert [error.pointer for error in caught.value.errors] == ["/paused_until"]
    with pytest.raises(InvalidSubscription, match=fault):
        await residents.subscribe("b@example.org", paused_until=until)
    assert (await residents.enrolment.view(manage)).paused_until is None


async def test_who_has_too_many_places_can_still_take_some_away(residents: Residents) -> None:
    manage = await residents.resident(places=[{"zip": "11201"}])
    more = [PlaceRow(None, 40.6 + number / 1000, -73.95, 800.0) for number in range(PLACES_AT_MOST + 5)]
    async with residents.database.write() as connection:
        await sql.add_places(connection, 1, more)
    places = json.loads(msgspec.json.encode(await residents.enrolment.view(manage)))["places"]
    named = [place | {"label": "home"} for place in places]
    assert {place.label for place in (await change(residents, manage, places=named)).places} == {"home"}
    assert len((await change(residents, manage, places=places[:-1])).places) == PLACES_AT_MOST + 5
    with pytest.raises(InvalidSubscription, match="from 1 to 55 places"):
        await change(residents, manage, places=places)
    assert len((await change(residents, manage, places=places[:2])).places) == 2
    with pytest.raises(InvalidSubscription, match="from 1 to 50 places"):
        await change(residents, manage, places=places)
