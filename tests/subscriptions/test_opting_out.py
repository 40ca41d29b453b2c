"""Ending by a link, by a word, by a transport's no (S24, S22), and saying why a message came (S26)."""

from __future__ import annotations

import asyncio
import json

import pytest

from subscriptions.columns import CITY_KEY
from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.opting_out import Matched
from subscriptions.store.sql import PlaceRow
from subscriptions.subscriber import PlaceRequest, read_change
from tests.subscriptions.residents import DAY, Residents, request

EMAIL, SMS = {"kind": "email", "address": "a@example.org"}, {"kind": "sms", "address": "+17185550100"}


async def two_channels(residents: Residents) -> str:
    await residents.enrolment.subscribe(request(channels=[EMAIL, SMS]), client="c", source="test")
    manage = (await residents.confirm_newest("email")).manage
    await residents.confirm_newest("sms")
    assert manage is not None
    return manage


async def test_unsubscribing_ends_the_address_that_the_message_went_to(residents: Residents) -> None:
    manage = await two_channels(residents)
    token = residents.links.token("unsubscribe", 1, 1, 0)
    await residents.enrolment.unsubscribe(token)
    view = await residents.enrolment.own_address.view("sms", "+17185550100")
    assert view is not None
    assert [channel.kind for channel in view.channels] == ["sms"]
    with pytest.raises(LinkInvalid):  # it was given to whoever read that address
        await residents.enrolment.view(manage)
    assert (await residents.column("SELECT action FROM consent ORDER BY id"))[-1] == "stopped"
    before = await residents.everything()
    await residents.enrolment.unsubscribe(token)
    assert await residents.everything() == before


async def test_with_the_last_address_the_subscription_ends_and_only_receipts_stay(residents: Residents) -> None:
    await two_channels(residents)
    for address in (1, 2):
        await residents.enrolment.unsubscribe(residents.links.token("unsubscribe", 1, address, 0))
    for table in ("subscriber", "place", "address", "access"):
        assert await residents.rows(f"SELECT * FROM {table}") == []
    assert (await residents.column("SELECT action FROM consent ORDER BY id"))[-2:] == ["stopped", "deleted"]
    await residents.enrolment.unsubscribe(residents.links.token("unsubscribe", 1, 2, 0))


async def test_an_old_messages_link_ends_also_what_was_signed_up_since(residents: Residents) -> None:
    await residents.resident()
    old = residents.links.token("unsubscribe", 1, 1, 0)
    assert await residents.enrolment.own_address.stop("email", "a@example.org", source="test")
    await residents.resident()
    assert await residents.column("SELECT count(*) FROM address WHERE state='active'") == [1]
    await residents.enrolment.unsubscribe(old)
    assert await residents.column("SELECT count(*) FROM address WHERE state='active'") == [0]


async def test_many_mail_programs_may_press_at_once(residents: Residents) -> None:
    await residents.resident()
    token = residents.links.token("unsubscribe", 1, 1, 0)
    await asyncio.gather(*(residents.enrolment.unsubscribe(token) for _ in range(50)))
    assert await residents.rows("SELECT * FROM subscriber") == []
    assert await residents.column("SELECT count(*) FROM consent WHERE action='stopped'") == [1]


async def test_a_forged_link_ends_nobody(residents: Residents) -> None:
    await residents.resident()
    before = await residents.everything()
    for token in ("", "A" * 59, residents.links.token("why", 1, 1, 0)):
        with pytest.raises(LinkInvalid):
            await residents.enrolment.unsubscribe(token)
    assert await residents.everything() == before


async def test_who_reads_in_a_group_or_channel_does_not_end_its_alerts_by_a_link(residents: Residents) -> None:
    places = (PlaceRequest(zip="11201"),)
    for chat in ("-100123", "4242"):
        await residents.enrolment.own_address.join("telegram", chat, places, language="en", source="telegram")
    before = await residents.everything()
    with pytest.raises(LinkInvalid):
        await residents.enrolment.unsubscribe(residents.links.token("unsubscribe", 1, 1, 0))
    assert await residents.everything() == before
    await residents.enrolment.unsubscribe(residents.links.token("unsubscribe", 2, 2, 0))
    assert await residents.column("SELECT id FROM address") == [1]
    assert await residents.enrolment.own_address.stop("telegram", "-100123", source="telegram")


async def test_links_of_an_epoch_that_was_voided_do_nothing(residents: Residents) -> None:
    await residents.resident()
    for ask, purpose in ((residents.enrolment.unsubscribe, "unsubscribe"), (residents.enrolment.why, "why")):
        with pytest.raises(LinkExpired):
            await ask(residents.links.token(purpose, 1, 1, 7))


async def test_stop_on_the_channel_itself_ends_that_address(residents: Residents) -> None:
    manage = await two_channels(residents)
    assert await residents.enrolment.end_address("sms", "+17185550100", source="sms")
    assert not await residents.enrolment.end_address("sms", "+17185550100", source="sms")
    view = await residents.enrolment.own_address.view("email", "a@example.org")
    assert view is not None
    assert [channel.kind for channel in view.channels] == ["email"]
    with pytest.raises(LinkInvalid):
        await residents.enrolment.view(manage)


async def test_a_dead_address_is_closed_and_its_owner_sees_it(residents: Residents) -> None:
    manage = await two_channels(residents)
    await residents.close([1, 1, 999])
    assert [channel.state for channel in (await residents.enrolment.view(manage)).channels] == ["dead", "active"]
    assert await residents.column("SELECT count(*) FROM consent WHERE action='dead'") == [1]
    assert (await residents.column("SELECT subscriber FROM audience_change ORDER BY seq"))[-1] == 1


async def test_a_dead_address_can_be_signed_up_again(residents: Residents) -> None:
    await residents.resident("a@example.org")
    await residents.close([1])
    residents.clock.now += 86_401
    manage = await residents.resident("a@example.org")
    assert [channel.state for channel in (await residents.enrolment.view(manage)).channels] == ["active"]


async def test_why_names_the_place_that_matched_by_its_zip_the_topics_and_the_month(residents: Residents) -> None:
    home = {"lat": 40.6937, "lon": -73.9903, "radius_m": 400, "label": "my home"}
    await residents.resident(places=[home, {"borough": "Bronx"}], topics=["weather"])
    residents.matched = Matched([PlaceRow(None, 40.6937, -73.9903, 400.0, label="my home")])
    view = await residents.enrolment.why(residents.links.token("why", 1, 1, 0, 77))
    assert (view.mailing, view.places, view.topics, view.since) == (77, ("11201",), ("weather",), "2026-09")
    assert not any(secret in repr(view) for secret in ("home", "40.69", "Bronx", "a@example.org", "email"))


async def test_why_names_the_topics_that_the_alert_and_the_person_share(residents: Residents) -> None:
    await residents.resident(topics=["weather", "fire", "crime"])
    residents.matched = Matched([PlaceRow("zip:11201")], ("fire", "health"))
    view = await residents.enrolment.why(residents.links.token("why", 1, 1, 0, 77))
    assert (view.about, view.topics, view.citywide) == ("alert", ("fire",), False)


async def test_why_says_that_the_whole_city_is_followed(residents: Residents) -> None:
    await residents.resident(places=[{"citywide": True}])
    residents.matched = Matched([PlaceRow(CITY_KEY)])
    view = await residents.enrolment.why(residents.links.token("why", 1, 1, 0, 77))
    assert (view.places, view.citywide) == ((CITY_KEY,), True)


async def test_why_tells_a_letter_about_the_subscription_from_an_alert(residents: Residents) -> None:
    await residents.resident()
    residents.matched = None
    view = await residents.enrolment.why(residents.links.token("why", 1, 1, 0, 77))
    assert (view.about, view.places, view.citywide) == ("subscription", (), False)


@pytest.mark.parametrize(("source", "way"), [("web", "web"), ("api", "api"), ("telegram", "telegram"), ("partner", "other")])
async def test_why_says_how_the_address_was_signed_up(residents: Residents, source: str, way: str) -> None:
    await residents.enrolment.subscribe(request(), client="c", source=source)
    await residents.confirm_newest()
    assert (await residents.enrolment.why(residents.links.token("why", 1, 1, 0, 77))).asked == way


async def test_why_speaks_of_the_address_that_got_the_message_and_of_no_other(residents: Residents) -> None:
    manage = await residents.resident()
    residents.clock.now += 20 * DAY
    added = read_change(json.dumps({"add_channels": [SMS]}).encode())
    await residents.enrolment.change(manage, added, source="web")
    await residents.confirm_newest("sms")
    first, second = [await residents.enrolment.why(residents.links.token("why", 1, address, 0, 77)) for address in (1, 2)]
    assert [(view.asked, view.since) for view in (first, second)] == [("other", "2026-09"), ("web", "2026-10")]


async def test_why_says_nothing_once_the_subscription_has_ended(residents: Residents) -> None:
    await residents.enrolment.end(await residents.resident(), source="test")
    with pytest.raises(LinkExpired):
        await residents.enrolment.why(residents.links.token("why", 1, 1, 0, 77))


async def test_the_log_of_changes_has_no_gaps_and_no_repeats_however_many_write_at_once(residents: Residents) -> None:
    tokens = [await residents.resident(f"a{number}@example.org") for number in range(10)]
    edit = read_change(json.dumps({"drills": True}).encode())
    await asyncio.gather(*(residents.enrolment.change(token, edit, source="test") for token in tokens for _ in range(5)))
    assert await residents.column("SELECT seq FROM audience_change ORDER BY seq") == list(range(1, 61))
    assert await residents.column("SELECT seq FROM audience_counter") == [60]
