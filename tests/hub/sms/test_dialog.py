"""What is done and answered (safeguards S23, S25, S27), with the real service of subscriptions."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from sqlalchemy import URL

from channels.gsm7 import segments
from hub.sms import words as say
from hub.sms.reading import Reader
from hub.sms.words import SENTENCES, TOPICS, Sentences
from hub.store.database import database_url
from subscriptions.languages import LANGUAGES
from subscriptions.subscriber import PlaceRequest, SubscriptionChange
from subscriptions.topics import EVERYDAY
from tests.hub.sms.conftest import NUMBER, Phone
from tests.subscriptions.residents import DAY, HOUR, Residents, request

NOBODY = "Nobody is watching this. Call or text 911."
PLACEHOLDER = re.compile(r"%\((\w+)\)s")


@pytest.fixture
def store(tmp_path: Path, migrated_sqlite: Path) -> URL:
    """What both databases do alike is seen in `test_inbox` and in the tests of subscriptions."""
    shutil.copy(migrated_sqlite, tmp_path / "tocsin.db")
    return database_url("", tmp_path)


async def test_a_zip_subscribes_and_one_message_says_what_comes_and_how_to_end_it(phone: Phone) -> None:
    said = await phone.text("zip 11201 please")
    assert said is not None
    assert said.startswith("Tocsin: alerts for 11201 will come by text, only when something happens. Text STOP to end")
    assert segments(said).segments == 1
    assert await phone.places() == ["11201"]
    view = await phone.view()
    assert view is not None
    assert (view.language, view.minimum_severity, [channel.kind for channel in view.channels]) == ("en", "Minor", ["sms"])


async def test_more_places_are_added_and_what_is_no_place_is_told_beside_them(phone: Phone) -> None:
    await phone.text("11201")
    said = await phone.text("11205, 11291, Astoria")
    assert said is not None
    assert "11205, Astoria" in said
    assert said.endswith("11291 is not a New York City ZIP. Did you mean 11201?")
    assert await phone.places() == ["11201", "11205", "Astoria"]


async def test_a_slip_changes_nothing_and_asks_what_was_meant(phone: Phone) -> None:
    assert await phone.text("11291") == "Tocsin: 11291 is not a New York City ZIP. Did you mean 11201?"
    assert await phone.text("Astorai") == "Tocsin: astorai is not a place we know. Did you mean Astoria?"
    assert await phone.text("90210") == "Tocsin: 90210 is not a New York City ZIP. Text a 5-digit ZIP code of the city."
    assert await phone.view() is None


@pytest.mark.parametrize(
    "word",
    [
        "STOP",
        "stopall",
        "Opt out!",
        "ALTO",
        "停止",
        "СТОП",
        "বন্ধ",
        "kanpe",
        "수신거부",
        "قف",
        "بند کریں",
        "arrêt",
        "koniec",
        "סטאפ",
        "basta",
    ],
)
async def test_stop_ends_with_one_confirmation_that_offers_danger_to_life_only(phone: Phone, word: str) -> None:
    await phone.text("11201")
    said = await phone.text(word)
    assert said is not None
    assert "unsubscribed" in said
    assert "Reply URGENT" in said
    assert await phone.view() is None
    assert [await phone.text(word) for _ in range(3)] == [None, None, None]


async def test_only_one_stop_of_a_stranger_is_answered(phone: Phone) -> None:
    assert [await phone.text("STOP") for _ in range(3)] == ["Tocsin: no alerts go to this number.", None, None]


async def test_a_stop_whose_answer_was_lost_by_a_crash_is_answered_when_it_comes_again(residents: Residents, phone: Phone) -> None:
    await phone.text("11201")
    assert await residents.enrolment.own_address.stop("sms", NUMBER, source="sms")
    assert await phone.text("STOP") is not None


async def test_a_stop_is_obeyed_when_no_more_answers_are_left(phone: Phone) -> None:
    for _ in range(7):
        await phone.text("11201" if await phone.view() is None else "nothing")
        await phone.text("START")
        await phone.text("STOP")
    assert await phone.view() is None
    assert len([said for said in await phone.answers() if "unsubscribed" in said]) == 5


async def test_urgent_after_stop_brings_only_danger_to_life_and_start_brings_what_there_was(phone: Phone) -> None:
    await phone.text("11201")
    await phone.text("STOP")
    said = await phone.text("urgent")
    assert said is not None
    assert "only alerts of danger to life, for 11201" in said
    assert said.endswith(NOBODY)
    view = await phone.view()
    assert view is not None
    assert view.minimum_severity == "Extreme"
    assert "alerts for 11201 come to this number" in (await phone.text("START") or "")
    view = await phone.view()
    assert view is not None
    assert view.minimum_severity == "Minor"
    await phone.text("STOP")
    assert "alerts for 11201 come to this number" in (await phone.text("UNSTOP") or "")


@pytest.mark.parametrize("word", ["START", "11205"])
async def test_who_is_told_that_alerts_come_is_not_paused_any_more(phone: Phone, word: str) -> None:
    await phone.text("11201")
    await phone.text("PAUSE 30")
    assert "alerts for" in (await phone.text(word) or "")
    view = await phone.view()
    assert view is not None
    assert view.paused_until is None


async def test_a_list_without_room_for_another_place_is_shown_with_how_to_make_room(residents: Residents, phone: Phone) -> None:
    await phone.text("11201")
    many = tuple(PlaceRequest(lat=40.6 + number / 1000, lon=-73.95, radius_m=800.0) for number in range(49))
    own = residents.enrolment.own_address
    await own.change("sms", NUMBER, SubscriptionChange(places=(*many, PlaceRequest(zip="11205"))), source="test")
    said = await phone.text("11231")
    assert said is not None
    assert "your places: " in said
    assert "Text REMOVE and a ZIP to remove it" in said
    assert len(await phone.places()) == 50
    await phone.text("REMOVE 11205")
    assert "alerts for 11231 will come" in (await phone.text("11231") or "")


async def test_a_zip_after_a_strangers_sign_up_is_a_subscription_of_the_phones_own(residents: Residents, phone: Phone) -> None:
    channels = [{"kind": "email", "address": "eve@example.org"}, {"kind": "sms", "address": NUMBER}]
    sign_up = request(channels=channels, places=[{"borough": "Bronx"}], minimum_severity="Extreme")
    await residents.enrolment.subscribe(sign_up, client="c", source="test")
    manage = (await residents.confirm_newest("email")).manage
    assert "alerts for 11201 will come" in (await phone.text("11201") or "")
    assert await phone.places() == ["11201"]
    assert "11201" not in repr(await residents.enrolment.view(manage or ""))


async def test_yes_to_a_sign_up_by_mail_and_phone_brings_its_alerts_to_the_phone(residents: Residents, phone: Phone) -> None:
    channels = [{"kind": "email", "address": "a@example.org"}, {"kind": "sms", "address": NUMBER}]
    await residents.enrolment.subscribe(request(channels=channels, minimum_severity="Severe"), client="c", source="test")
    assert "alerts for 11201 come to this number" in (await phone.text("YES") or "")
    view = await phone.view()
    assert view is not None
    assert (view.status, view.minimum_severity) == ("active", "Severe")
    assert (await residents.confirm_newest("email")).manage is not None
    assert sorted(await residents.column("SELECT channel FROM address WHERE state='active'")) == ["email", "sms"]


async def test_yes_confirms_a_sign_up_on_the_web(residents: Residents, phone: Phone) -> None:
    channels = [{"kind": "sms", "address": NUMBER}]
    await residents.enrolment.subscribe(request(channels=channels, language="es"), client="c", source="test")
    assert await phone.view() is None
    assert (await phone.text("YES") or "").startswith("Tocsin: las alertas de 11201 llegan")
    assert await phone.places() == ["11201"]


@pytest.mark.parametrize("word", ["START", "LIST", "PAUSE", "RESUME", "URGENT", "REMOVE 11201", "DRILLS ON"])
async def test_a_stranger_learns_how_to_begin_and_that_nobody_reads(phone: Phone, word: str) -> None:
    said = await phone.text(word)
    assert said == f"Tocsin: no alerts come to this number. Text your ZIP code to get them. {NOBODY}"
    assert await phone.view() is None


async def test_help_says_who_how_often_how_to_end_what_it_costs_and_that_nobody_reads(phone: Phone) -> None:
    for word in ("HELP", "info", "Ayuda"):
        said = await phone.text(word)
        assert said is not None
        assert said.startswith("Tocsin: ")
    first = (await phone.answers())[0]
    for piece in ("only when something happens", "STOP to end", "Msg&data rates may apply", NOBODY, "https://alerts.example"):
        assert piece in first


@pytest.mark.parametrize("text", ["there is a fire", "help there is a man with a gun at 11201", "911", "👍", ""])
async def test_any_other_text_learns_that_nobody_is_watching_and_only_a_few_times_a_day(
    residents: Residents, phone: Phone, text: str
) -> None:
    assert [await phone.text(text) for _ in range(5)] == [NOBODY, NOBODY, NOBODY, None, None]
    residents.clock.now += DAY
    assert await phone.text(text) == NOBODY
    assert await phone.view() is None


async def test_free_text_is_answered_in_the_language_that_was_asked_for(phone: Phone) -> None:
    residents = phone.residents
    await phone.text("ESPAÑOL")
    assert await phone.text("hay un incendio") == "Nadie está mirando esto. Llame o envíe un mensaje de texto al 911."
    letters = [letter for letter in await residents.letters("sms") if letter.purpose == "answer"]
    assert {letter.language for letter in letters} == {1}


async def test_a_language_is_remembered_for_who_is_not_subscribed_yet(phone: Phone) -> None:
    assert await phone.text("español") == "Tocsin: Español. Mande su ZIP para recibir alertas."
    assert (await phone.text("11201") or "").startswith("Tocsin: va a recibir alertas de 11201")
    view = await phone.view()
    assert view is not None
    assert view.language == "es"
    assert await phone.text("English") == "Tocsin: from now on in English."
    view = await phone.view()
    assert view is not None
    assert view.language == "en"


async def test_list_tells_places_and_choices(phone: Phone) -> None:
    await phone.text("11201, Astoria")
    said = await phone.text("LIST")
    assert said is not None
    assert said.startswith("Tocsin: your places: 11201, Astoria. You get all topics, of every severity, in English.")
    assert segments(said).segments <= 2


async def test_remove_takes_one_place_away_and_the_last_one_ends_everything(phone: Phone) -> None:
    await phone.text("11201, Astoria")
    assert await phone.text("REMOVE 11205") == "Tocsin: 11205 is not among your places. Text LIST to see them."
    assert await phone.text("stop Astoria") == "Tocsin: Astoria is removed. You still get alerts for 11201."
    assert await phone.places() == ["11201"]
    assert "unsubscribed" in (await phone.text("REMOVE 11201") or "")
    assert await phone.view() is None


@pytest.mark.parametrize("text", ["stop les messages", "arrêtez les sms", "stop 11205", "stop Brooklyn", "stop LES"])
async def test_a_stop_that_names_none_of_ones_places_ends_everything(phone: Phone, text: str) -> None:
    await phone.text("11201, Astoria")
    assert await phone.text(text) == f"Tocsin: {Sentences().in_language('en').say(say.STOPPED)}"
    assert await phone.view() is None
    assert await phone.text(text) is None


async def test_a_stop_beside_a_place_takes_only_that_away_from_who_follows_it(phone: Phone) -> None:
    await phone.text("11201, LES")
    assert await phone.text("stop LES") == "Tocsin: Lower East Side is removed. You still get alerts for 11201."
    assert await phone.places() == ["11201"]


async def test_a_pause_says_until_when_and_resume_ends_it(phone: Phone) -> None:
    await phone.text("11201")
    assert "nothing comes until" in (await phone.text("PAUSE 3") or "")
    view = await phone.view()
    assert view is not None
    assert view.paused_until is not None
    assert round(view.paused_until.timestamp() - phone.residents.clock.now) == 3 * DAY
    assert "Paused until" in (await phone.text("LIST") or "")
    assert await phone.text("RESUME") == "Tocsin: alerts come again."
    view = await phone.view()
    assert view is not None
    assert view.paused_until is None


async def test_drills_are_a_choice(phone: Phone) -> None:
    await phone.text("11201")
    for word, wanted in (("DRILLS ON", True), ("drills off", False)):
        await phone.text(word)
        view = await phone.view()
        assert view is not None
        assert view.drills is wanted
        assert view.topics == (*EVERYDAY, "test") if wanted else EVERYDAY


async def test_list_tells_which_topics_have_a_severity_of_their_own(residents: Residents, phone: Phone) -> None:
    await phone.text("11201")
    own = SubscriptionChange(severities={"weather": "Extreme", "fire": "Severe", "crime": "Minor", "health": "Extreme"})
    await residents.enrolment.own_address.change("sms", NUMBER, own, source="test")
    said = await phone.text("LIST") or ""
    assert "all topics, of every severity (fires: severe or worse; weather, health: danger to life only), in English." in said


async def test_who_wants_discreet_messages_is_answered_without_the_name_of_the_hub(residents: Residents, phone: Phone) -> None:
    channels = [{"kind": "sms", "address": NUMBER}]
    await residents.enrolment.subscribe(request(channels=channels, discreet=True), client="c", source="test")
    await phone.text("YES")
    assert "Tocsin" not in (await phone.text("PAUSE") or "Tocsin")


async def test_too_many_changes_are_said_to_be_too_many(residents: Residents, phone: Phone) -> None:
    said = [await phone.text(zip_code) for zip_code in ("11201", "11205", "11231", "10001", "10002", "10003")]
    assert said[-1] == "Tocsin: too many changes just now. Try again in an hour."
    residents.clock.now += HOUR
    assert await phone.text("10003") is not None


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_is_there_in_spanish_with_the_same_blanks(sentence: str) -> None:
    blanks = dict.fromkeys(PLACEHOLDER.findall(sentence), "X")
    english, spanish = (Sentences().in_language(tag).say(sentence, **blanks) for tag in ("en", "es"))
    assert (spanish == english) <= (sentence in {say.LANGUAGE})
    assert spanish.count("X") >= len(blanks)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_answer_fits_three_segments_in_every_language(tag: str) -> None:
    sentences = Sentences().in_language(tag)
    values = {
        "places": sentences.a_few(("11201", "11205", "10118", "11231", "Stuyvesant Heights", "Astoria")),
        "left": sentences.a_few(("11201", "11205", "10118")),
        "said": "11291",
        "near": "11201",
        "city": "New York City",
        "url": "https://alerts.example.gov/manage",
        "topics": sentences.say(say.ALL_TOPICS),
        "severity": sentences.say(say.SEVERITIES["Extreme"]),
        "language": LANGUAGES[tag],
        "when": "11:00 PM tomorrow, November 27",
    }
    for sentence in set(SENTENCES) - set(TOPICS.values()):
        assert segments(f"Tocsin: {sentences.say(sentence, **values)}").segments <= 3, sentence


@pytest.mark.parametrize("tag", [tag for tag in LANGUAGES if tag != "en"])
def test_that_nobody_is_watching_and_how_it_ended_is_said_in_every_language_in_one_piece(tag: str) -> None:
    words, english = Sentences().in_language(tag), Sentences().in_language("en")
    for sentence, most in ((say.NOBODY, 1), (say.STOPPED, 3), (say.JOINED, 3)):
        said = words.say(sentence, places="11201, Astoria")
        assert said != english.say(sentence, places="11201, Astoria")
        assert segments(said).segments <= most
    assert "911" in words.say(say.NOBODY)
    for word in ("URGENT", "START"):
        assert word in words.say(say.STOPPED)


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_words_that_a_stop_offers_work_in_every_language(reader: Reader, tag: str) -> None:
    offered = re.findall(r"\b[A-Z]{5,}", Sentences().in_language(tag).say(say.STOPPED))
    assert [reader.read(word).command for word in offered] == ["urgent", "start"]


@pytest.mark.parametrize("cry", ["urgence", "urgenza", "긴급", "ہنگامی", "紧急"])
async def test_a_cry_for_help_takes_no_alerts_away(phone: Phone, cry: str) -> None:
    await phone.text("11201")
    assert await phone.text(cry) == NOBODY
    view = await phone.view()
    assert view is not None
    assert view.minimum_severity == "Minor"


@pytest.mark.parametrize("tag", LANGUAGES)
async def test_what_names_many_places_and_choices_fits_three_segments_in_every_language(
    residents: Residents, phone: Phone, tag: str
) -> None:
    await phone.text("11201, 11205, 10118, 11231, Bedford-Stuyvesant, Astoria")
    own = SubscriptionChange(language=tag, severities=dict.fromkeys(EVERYDAY, "Extreme"))
    await residents.enrolment.own_address.change("sms", NUMBER, own, source="test")
    for word in ("LIST", "URGENT"):
        said = await phone.text(word) or ""
        assert "11201" in said
        assert segments(said).segments <= 3, said


async def test_a_cry_for_help_in_another_script_is_answered_in_it(phone: Phone) -> None:
    for cry, tag in (("着火了", "zh-Hans"), ("пожар", "ru"), ("불이야", "ko"), ("حريق هنا", "ar"), ("আগুন", "bn"), ("פייער", "yi")):
        sender = Phone(phone.residents, f"+1718555{2000 + len(await phone.answers())}")
        assert await sender.text(cry) == Sentences().in_language(tag).say(say.NOBODY)
