"""What the bot does for whoever writes to it: following places, choosing, leaving, and saying that nobody listens (S27)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest

from subscriptions.subscriber import PlaceRequest, SubscriptionChange
from tests.hub.bot.conftest import Phone
from tests.peers.bot_api import BotApi
from tests.subscriptions.residents import Residents, request

NOBODY = "Nobody is watching this. Call or text 911."
DUMBO = (40.70321, -73.98932)


async def start_token(residents: Residents) -> str:
    answer = await residents.enrolment.subscribe(request(channels=[{"kind": "telegram"}]), client="c", source="test")
    return parse_qs(urlsplit(answer.telegram or "").query)["start"][0]


async def followed(residents: Residents) -> list[str]:
    return await residents.column("SELECT area FROM place ORDER BY id")


async def test_a_sign_ups_link_confirms_repeats_alike_and_is_no_other_chats(residents: Residents, api: BotApi, phone: Phone) -> None:
    token = await start_token(residents)
    for _ in range(2):
        assert (await phone.say(f"/start {token}")).startswith("Done.")
    assert await residents.column("SELECT state FROM address") == ["active"]
    other = Phone(api, 6666)
    for payload in (token, "forged", "A" * 59):
        assert "used or is too old" in await other.say(f"/start {payload}")


async def test_a_sign_ups_link_that_is_opened_after_a_stop_starts_the_alerts_again(residents: Residents, phone: Phone) -> None:
    token = await start_token(residents)
    await phone.say(f"/start {token}")
    await phone.say("/stop")
    answer = await phone.say(f"/start {token}")
    assert answer.startswith("Done.")
    assert "ZIP 11201" in answer
    assert await residents.column("SELECT state FROM address") == ["active"]


@pytest.mark.parametrize(
    ("payload", "area"),
    [
        ("11201", "zip:11201"),
        ("borough-3", "borough:3"),
        ("neighborhood-BK0101", "neighborhood:BK0101"),
        ("park-slope", "neighborhood:BK0602"),
    ],
)
async def test_a_posters_link_follows_its_place_in_one_tap(residents: Residents, phone: Phone, payload: str, area: str) -> None:
    assert "From now on this chat gets alerts" in await phone.say(f"/start {payload}")
    assert await followed(residents) == [area]
    assert await residents.column("SELECT state FROM address") == ["active"]


async def test_who_follows_another_place_in_a_pause_gets_alerts_from_then_on(residents: Residents, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    until = datetime.fromtimestamp(residents.clock.now + 86_400, UTC)
    await residents.enrolment.own_address.change("telegram", str(phone.chat), SubscriptionChange(paused_until=until), source="test")
    answer = await phone.say("/subscribe 10001")
    assert "From now on this chat gets alerts" in answer
    assert "Paused" not in answer
    assert await residents.column("SELECT paused_until FROM subscriber") == [None]


async def test_start_says_what_the_bot_does_and_that_it_takes_no_reports(phone: Phone) -> None:
    welcome = await phone.say("/start")
    assert NOBODY in welcome
    assert "/subscribe 11201" in welcome
    assert await phone.say("/help") == welcome


async def test_places_are_followed_one_after_the_other_in_any_scripts_digits(residents: Residents, phone: Phone) -> None:
    assert "ZIP 11201" in await phone.say("/subscribe ١١٢٠١")
    both = await phone.say("/subscribe Astoria (Central), brooklyn")
    assert "ZIP 11201; Astoria (Central); Brooklyn" in both
    await phone.say("/SUBSCRIBE@tocsin_test_bot 11201")
    assert len(await followed(residents)) == 3
    assert await residents.column("SELECT COUNT(*) FROM subscriber") == [1]


@pytest.mark.parametrize(
    ("typed", "areas"),
    [
        ("11201 11205", ["zip:11201", "zip:11205"]),
        ("zip 11201 please", ["zip:11201"]),
        ("Brooklyn, NY 11201", ["zip:11201"]),
        ("Brooklyn and Queens", ["borough:3", "borough:4"]),
        ("BK, QN", ["borough:3", "borough:4"]),
        ("布鲁克林和皇后区", ["borough:3", "borough:4"]),
    ],
)
async def test_places_are_read_as_in_a_text_message(residents: Residents, phone: Phone, typed: str, areas: list[str]) -> None:
    assert NOBODY in await phone.say(typed)
    assert len(phone.buttons) == len(areas)
    await phone.say(f"/subscribe {typed}")
    assert await followed(residents) == areas


@pytest.mark.parametrize(
    ("typed", "unknown"),
    [
        ("zip 11291", "11291"),
        ("11201 11291", "11291"),
        ("Astorai, 11201", "Astorai"),
        ("a fire at 11201", "a fire at 11201"),
        ("11201 " * 200, "11201 " * 13),
    ],
)
async def test_where_one_word_is_no_place_none_is_followed(residents: Residents, phone: Phone, typed: str, unknown: str) -> None:
    assert f"“{unknown}" in await phone.say(f"/subscribe {typed}")
    assert await followed(residents) == []


async def test_a_near_miss_is_answered_with_what_was_meant_as_buttons(residents: Residents, phone: Phone) -> None:
    answer = await phone.say("/subscribe 11291")
    assert "“11291” is no ZIP code" in answer
    assert NOBODY in answer
    assert "ZIP 11201" in phone.buttons
    assert "ZIP 11201" in await phone.press_and_hear("ZIP 11201")
    assert await followed(residents) == ["zip:11201"]


async def test_what_is_no_place_while_one_is_asked_for_is_told_that_nobody_watches(residents: Residents, phone: Phone) -> None:
    assert "Which place?" in await phone.say("/subscribe")
    assert NOBODY in await phone.say("help <b>there is a fire</b>")
    assert "<b>there" not in phone.shown["text"]
    assert (await phone.say("11201")).startswith(NOBODY)
    await phone.say("/subscribe")
    assert "ZIP 11201" in await phone.say("11201")
    assert await followed(residents) == ["zip:11201"]


async def test_a_shared_location_is_followed_within_the_distance_that_is_pressed(residents: Residents, phone: Phone) -> None:
    assert "Alerts within which distance" in await phone.share(*DUMBO)
    assert all(len(data.encode()) <= 64 for data in phone.buttons.values())
    assert "half a mile around a point in 11201" in await phone.press_and_hear("half a mile")
    assert await residents.rows("SELECT lat, lon, radius_m FROM place") == [(round(DUMBO[0], 3), round(DUMBO[1], 3), 800.0)]
    assert "not in New York City" in await phone.share(51.5, -0.1)
    await phone.say("/settings")
    await phone.press_and_see("Places")
    await phone.press_and_see("1 mile")
    assert await residents.column("SELECT radius_m FROM place") == [1600.0]


async def test_every_choice_is_a_button_that_shows_what_is_so_now(residents: Residents, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    await phone.say("/settings")
    await phone.press_and_see("Topics")
    assert "Topics: Emergencies" in await phone.press_and_see("Events")
    assert "✓ Events" not in phone.buttons
    await phone.press_and_see("‹ Back")
    await phone.press_and_see("How serious")
    assert "Only when lives are in danger" in await phone.press_and_see("Only when lives")
    await phone.press_and_see("Quiet hours")
    assert "Quiet hours: 10:00 PM – 7:00 AM" in await phone.press_and_see("10:00 PM")
    await phone.press_and_see("Pause")
    assert "Paused until" in await phone.press_and_see("1 day")
    assert "Drills come too" in await phone.press_and_see("Drills too")
    assert "discreet" in await phone.press_and_see("Discreet")
    await phone.press_and_see("Language")
    spanish = await phone.press_and_see("Español")
    assert "Idioma: Español" in spanish
    rows = await residents.rows("SELECT minimum_severity, drills, discreet, paused_until, quiet, language FROM subscriber")
    assert rows == [(4, 1, 1, int(residents.clock() + 24 * 3600) * 1000, 1, 1)]
    assert "Nadie está mirando esto." in await phone.say("hola")


async def test_a_single_topic_has_a_level_of_its_own_until_it_is_as_the_others_again(residents: Residents, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    await phone.say("/settings")
    await phone.press_and_see("How serious")
    await phone.press_and_see("Another level")
    await phone.press_and_see("Weather")
    assert "✓ As above" in phone.buttons
    assert "How serious: Everything (Weather: Only danger to people or homes)" in await phone.press_and_see("Only danger")
    assert "Weather: Only danger to people or homes" in phone.buttons
    await phone.press_and_see("‹ Back")
    assert "How serious: What may disturb my day (Weather: Only danger" in await phone.press_and_see("What may disturb")
    await phone.press_and_see("How serious")
    await phone.press_and_see("Another level")
    await phone.press_and_see("Weather: Only danger")
    assert "✓ Only danger to people or homes" in phone.buttons
    assert "(" not in await phone.press_and_see("As above")
    assert await residents.rows("SELECT minimum_severity, severities FROM subscriber") == [(2, 0)]


async def test_quiet_hours_of_ones_own_are_typed(residents: Residents, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    for typed, said in (("22.30 to 6", NOBODY), ("25-7", "These are no hours"), ("22:30 – 6:45", "Quiet hours: 10:30 PM – 6:45 AM")):
        await phone.say("/settings")
        await phone.press_and_see("Quiet hours")
        await phone.press_and_hear("Other hours")
        assert said in await phone.say(typed)


async def test_the_last_topic_and_the_last_place_stay(residents: Residents, phone: Phone) -> None:
    await phone.say("/subscribe 11201, 11205")
    await phone.say("/settings")
    await phone.press_and_see("Places")
    await phone.press_and_see("✕ ZIP 11201")
    assert await followed(residents) == ["zip:11205"]
    assert "/stop" in await phone.toast("✕ ZIP 11205")
    await residents.enrolment.own_address.change("telegram", "4242", SubscriptionChange(topics=("weather",)), source="test")
    await phone.say("/settings")
    await phone.press_and_see("Topics")
    assert await phone.toast("Weather") == "Choose at least one topic."


async def test_stop_ends_answers_alike_and_offers_only_danger_to_life_or_all_again(residents: Residents, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    first = await phone.say("/stop")
    assert await residents.column("SELECT state FROM address") == ["stopped"]
    assert await phone.say("/stop") == first
    assert "Only when lives are in danger" in await phone.press_and_hear("Only when lives")
    assert await residents.column("SELECT minimum_severity FROM subscriber") == [4]
    await phone.say("/stop")
    assert "on again" in await phone.say("/start")
    assert await residents.column("SELECT state FROM address") == ["active"]


async def test_without_a_subscription_each_command_says_how_to_begin(phone: Phone) -> None:
    for command in ("/settings", "/list", "/alerts", "/why", "/language es"):
        assert "Begin for instance with /subscribe 11201" in await phone.say(command)
    phone.send_back("choose|drills|1")
    await phone.api.until(lambda: phone.api.toasts)
    assert "no alerts yet" in phone.api.toasts[0]["text"]


@pytest.mark.parametrize("text", ["help, there is a fire", "   ", "/startle", "stop", "\0", None])
async def test_anything_else_learns_at_once_that_nobody_is_watching(residents: Residents, phone: Phone, text: str | None) -> None:
    before = await residents.everything()
    assert (await phone.say(text)).startswith(NOBODY)
    assert await residents.everything() == before


async def test_buttons_that_nobody_made_change_nothing(residents: Residents, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    before = await residents.everything()
    hostile = [
        "choose|severity|Worst",
        "choose|pause|999999999999",
        "topic|x|1",
        "level|x|Severe",
        "level|weather|Worst",
        "read:é",
        "read:" + "z" * 40,
        "read:1",
        "nothing",
        "circle|nan|1|5",
    ]
    for count, data in enumerate(hostile, 1):
        phone.send_back(data)
        await phone.api.until(lambda count=count: len(phone.api.toasts) >= count)
    phone.send_back("circle|10.0|10.0|5")
    await phone.api.until(lambda: len(phone.api.toasts) > len(hostile))
    assert (await phone.say("hello")).startswith(NOBODY)
    assert await residents.everything() == before


async def test_a_list_of_fifty_places_with_long_names_fits_into_one_message(residents: Residents, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    many = tuple(PlaceRequest(lat=40.6 + n / 1000, lon=-73.95, radius_m=800.0, label=f"{n} {'&' * 70}") for n in range(50))
    await residents.enrolment.own_address.change("telegram", "4242", SubscriptionChange(places=many), source="test")
    assert (await phone.say("/list")).endswith("…")
    await phone.say("/settings")
    assert "A chat can follow 50 places at most" in await phone.say("/subscribe 11205")


async def test_a_subscription_in_spanish_is_answered_in_spanish_whatever_the_phone_speaks(
    residents: Residents, api: BotApi, bot: object
) -> None:
    phone = Phone(api, 77, language="es-MX")
    assert "Desde ahora" in await phone.say("/subscribe 11201")
    phone.language = "en"
    assert "Nadie está mirando esto." in await phone.say("hello")
