"""Confirming: only the holder of the letter, once, and a second sign-up of a known address adds its places and nothing else."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.subscriber import PLACES_AT_MOST, read_change
from tests.subscriptions.residents import DAY, Residents, request

EMAIL, SMS = {"kind": "email", "address": "a@example.org"}, {"kind": "sms", "address": "+17185550100"}


async def test_looking_shows_what_would_be_confirmed_and_changes_nothing(residents: Residents) -> None:
    places = [{"lat": 40.6937, "lon": -73.9903, "radius_m": 400, "label": "my home"}, {"borough": "Bronx"}]
    await residents.subscribe("a@example.org", places=places, topics=["fire"], language="es")
    before = await residents.everything()
    [letter] = await residents.letters()
    view = await residents.enrolment.look_at_confirmation(residents.token("confirm", letter))
    assert (view.channel, view.places, view.topics, view.language, view.confirmed) == ("email", ("11201", "Bronx"), ("fire",), "es", False)
    assert "home" not in repr(view)
    assert "40.69" not in repr(view)
    assert await residents.everything() == before


async def test_confirming_makes_the_subscription_active_and_sends_what_is_live(residents: Residents) -> None:
    await residents.subscribe("a@example.org")
    confirmed = await residents.confirm_newest()
    assert confirmed.view.confirmed
    assert confirmed.manage is not None
    assert len(confirmed.manage) >= 43
    assert await residents.rows("SELECT s.status, a.state FROM subscriber s JOIN address a ON a.subscriber=s.id") == [("active", "active")]
    assert await residents.caught_up() == [1]
    assert residents.audience_calls == 1
    assert await residents.rows("SELECT seq, subscriber FROM audience_change") == [(1, 1)]
    assert await residents.column("SELECT action FROM consent ORDER BY id") == ["asked", "confirmed"]


async def test_a_repeat_answers_alike_and_gives_no_second_token(residents: Residents) -> None:
    await residents.subscribe("a@example.org")
    first = await residents.confirm_newest()
    after_first = await residents.everything()
    second = await residents.confirm_newest()
    assert (second.view, second.manage) == (first.view, None)
    assert await residents.everything() == after_first


async def test_two_hundred_confirmations_at_once_confirm_once(residents: Residents) -> None:
    await residents.subscribe("a@example.org")
    token = residents.token("confirm", (await residents.letters())[0])
    answers = await asyncio.gather(*(residents.enrolment.confirm(token) for _ in range(200)))
    assert sum(answer.manage is not None for answer in answers) == 1
    assert all(answer.view == answers[0].view for answer in answers)
    assert await residents.column("SELECT action FROM consent ORDER BY id") == ["asked", "confirmed"]
    assert await residents.column("SELECT count(*) FROM access") == [1]
    assert await residents.column("SELECT count(*) FROM audience_change") == [1]


async def test_tokens_that_give_control_are_kept_only_as_hashes(residents: Residents) -> None:
    manage = await residents.resident()
    assert manage.encode() not in await residents.on_disk()
    assert manage not in repr(await residents.everything())


@pytest.mark.parametrize("token", ["", "x", "A" * 59, "A" * 5000])
async def test_a_forged_link_is_refused(residents: Residents, token: str) -> None:
    await residents.subscribe("a@example.org")
    for ask in (residents.enrolment.look_at_confirmation, residents.enrolment.confirm):
        with pytest.raises(LinkInvalid):
            await ask(token)


async def test_a_link_that_unsubscribes_does_not_confirm(residents: Residents) -> None:
    await residents.subscribe("a@example.org")
    with pytest.raises(LinkInvalid):
        await residents.enrolment.confirm(residents.links.token("unsubscribe", 1, 1, 1))


async def test_after_seven_days_the_link_is_dead_and_then_the_data_is_gone(residents: Residents) -> None:
    await residents.subscribe("a@example.org")
    residents.clock.now += 7 * DAY
    with pytest.raises(LinkExpired):
        await residents.confirm_newest()
    residents.clock.now += 1
    await residents.enrolment.purge(residents.clock.now)
    for table in ("subscriber", "place", "address", "consent"):
        assert await residents.rows(f"SELECT * FROM {table}") == []
    with pytest.raises(LinkExpired):
        await residents.confirm_newest()


async def test_a_purge_leaves_the_confirmed_and_the_fresh(residents: Residents) -> None:
    await residents.resident("old@example.org")
    residents.clock.now += 8 * DAY
    await residents.subscribe("fresh@example.org")
    await residents.enrolment.purge(residents.clock.now)
    assert await residents.column("SELECT state FROM address ORDER BY id") == ["active", "unconfirmed"]


async def test_only_the_confirmed_address_of_several_becomes_active(residents: Residents) -> None:
    await residents.enrolment.subscribe(request(channels=[EMAIL, SMS]), client="c", source="test")
    await residents.confirm_newest("sms")
    assert await residents.rows("SELECT channel, state FROM address ORDER BY id") == [("email", "unconfirmed"), ("sms", "active")]
    await residents.confirm_newest("email")
    assert await residents.column("SELECT state FROM address") == ["active", "active"]
    assert await residents.column("SELECT count(*) FROM subscriber") == [1]


async def test_confirming_a_known_address_adds_places_and_choices_to_the_subscription_that_has_it(residents: Residents) -> None:
    manage = await residents.resident(topics=["fire"], minimum_severity="Severe", language="es")
    await residents.subscribe("A@example.org", places=[{"zip": "11201"}, {"borough": "Bronx"}], topics=["crime"], language="en")
    confirmed = await residents.confirm_newest()
    assert confirmed.view.places == ("11201", "Bronx")
    assert confirmed.manage is not None
    for token in (manage, confirmed.manage):
        view = await residents.enrolment.view(token)
        assert [(place.zip, place.borough) for place in view.places] == [("11201", None), (None, "Bronx")]
        assert (view.topics, view.minimum_severity, view.language) == (("crime", "fire"), "Minor", "es")
        assert [channel.state for channel in view.channels] == ["active"]
    assert await residents.caught_up() == [1, 1]
    again = await residents.confirm_newest()
    assert (again.view, again.manage) == (confirmed.view, None)


async def test_a_strangers_address_never_joins_the_subscription_whose_owner_confirms(residents: Residents) -> None:
    """Somebody signs up with another's e-mail and their own phone: the e-mail's owner gets places, the phone gets nothing of theirs."""
    owner = await residents.resident("a@example.org")
    await residents.enrolment.subscribe(request(channels=[EMAIL, SMS], places=[{"borough": "Bronx"}]), client="c", source="test")
    await residents.confirm_newest("email")
    stranger = await residents.confirm_newest("sms")
    assert [channel.kind for channel in (await residents.enrolment.view(owner)).channels] == ["email"]
    assert stranger.manage is not None
    theirs = await residents.enrolment.view(stranger.manage)
    assert [channel.kind for channel in theirs.channels] == ["sms"]
    assert [place.borough for place in theirs.places] == ["Bronx"]


@pytest.mark.parametrize("first", ["email", "sms"])
async def test_whoever_confirms_alone_shares_nothing_with_the_other_addresses_of_a_sign_up(residents: Residents, first: str) -> None:
    """Somebody signs up with their own address and another's who is new here: that one is told, and can have what is theirs alone."""
    await residents.enrolment.subscribe(request(channels=[EMAIL, SMS], topics=["fire"], language="es"), client="c", source="test")
    if first == "sms":
        stranger = (await residents.confirm_newest("sms")).manage
    letter = residents.token("confirm", (await residents.letters("email"))[-1])
    assert (await residents.enrolment.look_at_confirmation(letter)).shared
    own = (await residents.enrolment.confirm(letter, alone=True)).manage
    if first == "email":
        text = residents.token("confirm", (await residents.letters("sms"))[-1])
        assert not (await residents.enrolment.look_at_confirmation(text)).shared
        stranger = (await residents.confirm_newest("sms")).manage
    assert own is not None
    assert stranger is not None
    await residents.enrolment.change(own, read_change(b'{"places": [{"zip": "11201"}, {"borough": "Bronx"}]}'), source="test")
    views = [await residents.enrolment.view(token) for token in (own, stranger)]
    assert [[channel.kind for channel in view.channels] for view in views] == [["email"], ["sms"]]
    assert [[place.zip or place.borough for place in view.places] for view in views] == [["11201", "Bronx"], ["11201"]]
    assert [(view.topics, view.language, view.status) for view in views] == [(("fire",), "es", "active")] * 2
    assert (await residents.enrolment.confirm(letter)).manage is None


async def test_who_confirms_the_only_address_is_asked_nothing_more(residents: Residents) -> None:
    await residents.subscribe("a@example.org")
    letter = residents.token("confirm", (await residents.letters())[-1])
    assert not (await residents.enrolment.look_at_confirmation(letter)).shared
    await residents.enrolment.confirm(letter, alone=True)
    assert await residents.column("SELECT count(*) FROM subscriber") == [1]


async def test_confirming_again_ends_a_pause_and_nothing_asked_for_stays_away(residents: Residents) -> None:
    """What the page promised: from now on alerts come, drills too, and weather of every severity."""
    manage = await residents.resident(paused_until="2026-09-30T00:00:00Z", severities={"weather": "Extreme", "fire": "Severe"})
    await residents.subscribe("a@example.org", topics=["weather", "transit"], severities={"transit": "Severe"}, drills=True)
    await residents.confirm_newest()
    view = await residents.enrolment.view(manage)
    assert (view.paused_until, view.drills, view.severities) == (None, True, {"fire": "Severe"})


async def test_an_address_is_active_in_one_subscription_only(residents: Residents) -> None:
    """Two sign-ups before either is confirmed: whichever confirms second goes into the first, so one alert comes once (S9)."""
    await residents.subscribe("a@example.org")
    residents.clock.now += DAY
    await residents.subscribe("a@example.org", places=[{"borough": "Bronx"}])
    first, second = await residents.letters()
    await asyncio.gather(*(residents.enrolment.confirm(residents.token("confirm", letter)) for letter in (second, first)))
    assert sorted(await residents.column("SELECT state FROM address")) == ["active", "merged"]
    assert await residents.column("SELECT count(*) FROM place p JOIN address a ON a.subscriber=p.subscriber WHERE a.state='active'") == [2]


async def test_pressing_start_in_the_bot_confirms_that_chat(residents: Residents) -> None:
    token = await _telegram_sign_up(residents)
    assert await residents.enrolment.attach_telegram(token, "4242")
    row = (await residents.rows("SELECT state, key_id, sealed FROM address"))[0]
    assert (row[0], residents.keyring.open("telegram", row[1], row[2])) == ("active", "4242")
    assert await residents.caught_up() == [1]


async def test_a_start_link_belongs_to_the_chat_that_used_it_first(residents: Residents) -> None:
    token = await _telegram_sign_up(residents)
    assert await residents.enrolment.attach_telegram(token, "4242")
    before = await residents.everything()
    assert await residents.enrolment.attach_telegram(token, "4242")
    assert not await residents.enrolment.attach_telegram(token, "6666")
    assert not await residents.enrolment.attach_telegram("forged", "6666")
    assert await residents.everything() == before


async def test_a_chat_that_is_known_gets_the_new_places_in_its_subscription(residents: Residents) -> None:
    await residents.enrolment.attach_telegram(await _telegram_sign_up(residents), "4242")
    await residents.enrolment.attach_telegram(await _telegram_sign_up(residents, places=[{"borough": "Bronx"}]), "4242")
    assert await residents.rows("SELECT subscriber, state FROM address ORDER BY id") == [(1, "active"), (2, "merged")]
    assert await residents.column("SELECT area FROM place WHERE subscriber=1") == ["zip:11201", "borough:2"]


@pytest.mark.parametrize("ended", ["stopped", "dead"])
async def test_a_link_does_not_say_that_alerts_come_where_they_have_ended(residents: Residents, ended: str) -> None:
    await residents.subscribe("a@example.org")
    token = residents.token("confirm", (await residents.letters())[0])
    await residents.enrolment.confirm(token)
    await residents.close([1], ended)
    before = await residents.everything()
    for ask in (residents.enrolment.look_at_confirmation, residents.enrolment.confirm):
        with pytest.raises(LinkExpired):
            await ask(token)
    assert await residents.everything() == before


async def test_the_link_of_a_second_sign_up_ends_with_the_subscription_that_it_went_to(residents: Residents) -> None:
    await residents.resident()
    await residents.subscribe("a@example.org", places=[{"borough": "Bronx"}])
    assert (await residents.confirm_newest()).view.confirmed
    await residents.close([1])
    with pytest.raises(LinkExpired):
        await residents.confirm_newest()


async def test_a_letter_that_bounced_can_not_be_confirmed_by_it(residents: Residents) -> None:
    await residents.subscribe("a@example.org")
    await residents.close([1])
    with pytest.raises(LinkExpired):
        await residents.confirm_newest()


async def test_a_start_link_that_is_opened_again_after_a_stop_starts_again(residents: Residents) -> None:
    token = await _telegram_sign_up(residents)
    await residents.enrolment.attach_telegram(token, "4242")
    await residents.enrolment.own_address.stop("telegram", "4242", source="telegram")
    assert not await residents.enrolment.attach_telegram(token, "6666")
    assert await residents.column("SELECT state FROM address") == ["stopped"]
    assert await residents.enrolment.attach_telegram(token, "4242")
    assert await residents.column("SELECT state FROM address") == ["active"]
    assert await residents.caught_up() == [1, 1]


async def test_a_start_link_of_a_chat_that_is_gone_is_over(residents: Residents) -> None:
    token = await _telegram_sign_up(residents)
    await residents.enrolment.attach_telegram(token, "4242")
    await residents.close([1])
    assert not await residents.enrolment.attach_telegram(token, "4242")


async def test_places_of_a_second_sign_up_are_taken_as_far_as_there_is_room(residents: Residents) -> None:
    many = [{"lat": 40.6 + number / 1000, "lon": -73.95, "radius_m": 800} for number in range(PLACES_AT_MOST - 1)]
    manage = await residents.resident(places=many)
    await residents.subscribe("a@example.org", places=[many[0], {"zip": "11201"}, {"borough": "Bronx"}])
    await residents.confirm_newest()
    places = (await residents.enrolment.view(manage)).places
    assert (len(places), places[-1].zip) == (PLACES_AT_MOST, "11201")


async def _telegram_sign_up(residents: Residents, **fields: object) -> str:
    answer = await residents.enrolment.subscribe(request(channels=[{"kind": "telegram"}], **fields), client="c", source="test")
    return parse_qs(urlsplit(answer.telegram or "").query)["start"][0]
