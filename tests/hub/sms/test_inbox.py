"""Heard once, answered once, never to a machine and never more than a person would want (safeguards S23, S25)."""

from __future__ import annotations

import asyncio

import pytest

from hub.sms.inbox import Inbound
from subscriptions.answering import Answer, Part, Written
from subscriptions.subscriber import PlaceRequest
from tests.hub.sms.conftest import NUMBER, OWN, Phone
from tests.subscriptions.residents import DAY, HOUR, Residents

NOBODY = "Nobody is watching this. Call or text 911."
MINUTE = 60.0


@pytest.mark.parametrize(
    "sender", [OWN, OWN[1:], "88377", "311", "Tocsin", "BANK-INFO", "", "+447911123456", "+19005550100", "anonymous", "+1718555"]
)
async def test_our_own_number_short_codes_names_and_other_countries_are_never_answered(residents: Residents, sender: str) -> None:
    phone = Phone(residents, sender)
    for words in ("11201", "hello", "STOP"):
        assert await phone.text(words) is None
    assert await residents.rows("SELECT * FROM address") == []


@pytest.mark.parametrize("spelling", [NUMBER, NUMBER[1:], NUMBER[2:]])
async def test_a_number_is_the_same_however_the_provider_writes_it(residents: Residents, spelling: str) -> None:
    await Phone(residents).text("11201", id="SM1")
    assert "unsubscribed" in (await Phone(residents, spelling).text("STOP", id="SM2") or "")


async def test_a_repeat_by_its_id_is_not_answered_for_a_day(residents: Residents, phone: Phone) -> None:
    assert await phone.text("11201", id="SM1") is not None
    for _ in range(3):
        assert await phone.text("11201", id="SM1") is None
    assert await phone.text("11201", id="SM2") is not None
    residents.clock.now += 23 * HOUR
    assert await phone.text("STOP", id="SM1") is None
    assert await phone.view() is not None


async def test_without_an_id_the_same_words_again_are_a_repeat_for_five_minutes(residents: Residents, phone: Phone) -> None:
    assert await phone.text("11201", id="") is not None
    assert await phone.text("11201", id="") is None
    residents.clock.now += 5 * MINUTE
    assert await phone.text("11201", id="") is not None


async def test_without_an_id_other_words_between_make_it_a_new_message(phone: Phone) -> None:
    await phone.text("11201", id="")
    for words in ("STOP", "START", "STOP"):
        assert await phone.text(words, id="") is not None
    assert await phone.view() is None


@pytest.mark.parametrize("words", ["STOP", "Stop, please", "STOP STOP"])
async def test_a_stop_is_obeyed_in_silence_when_it_may_be_a_repeat(residents: Residents, phone: Phone, words: str) -> None:
    own, places = residents.enrolment.own_address, (PlaceRequest(zip="11201"),)
    await phone.text("11201", id="")
    assert await phone.text(words, id="") is not None
    await own.join("sms", NUMBER, places, language="en", source="web")
    assert await phone.text(words, id="") is None
    assert await phone.view() is None
    assert await phone.text("START", id="") is not None
    assert await phone.text("START", id="") is None
    assert await phone.view() is not None


async def test_the_same_message_at_two_places_at_once_is_answered_once(residents: Residents, phone: Phone) -> None:
    other = Phone(residents)
    message = Inbound(NUMBER, "11201", id="SM1")
    await asyncio.gather(*(node.inbox.receive(message) for node in (phone, other) for _ in range(3)))
    assert len(await phone.answers()) == 1


async def test_parts_in_any_order_make_one_message(phone: Phone) -> None:
    words = {1: "11201, ", 2: "11205, ", 3: "Asto", 4: "ria"}
    for number in (3, 1, 4):
        assert await phone.text(words[number], id="", part=Part(7, 4, number)) is None
    said = await phone.text(words[2], id="", part=Part(7, 4, 2))
    assert said is not None
    assert await phone.places() == ["11201", "11205", "Astoria"]
    assert await phone.text(words[2], id="", part=Part(7, 4, 2)) is None


async def test_parts_of_two_people_and_of_two_messages_are_not_mixed(residents: Residents, phone: Phone) -> None:
    other = Phone(residents, "+17185550124")
    await phone.text("112", id="", part=Part(7, 2, 1))
    assert await other.text("01", id="", part=Part(7, 2, 2)) is None
    assert await phone.text("05", id="", part=Part(8, 2, 2)) is None
    residents.clock.now += 10 * MINUTE
    assert await phone.text("01", id="", part=Part(7, 2, 2)) is None
    assert await phone.view() is None


async def test_what_people_wrote_is_not_kept_in_clear(residents: Residents, phone: Phone) -> None:
    await phone.text("my name is Rumpelstiltskin", id="", part=Part(7, 2, 1))
    await phone.text("Rumpelstiltskin again", id="")
    stored = str(await residents.everything())
    assert "Rumpelstiltskin" not in stored
    assert NUMBER[1:] not in stored


async def test_one_number_gets_ten_answers_an_hour_and_thirty_a_day(residents: Residents, phone: Phone) -> None:
    for expected in (10, 20, 30, 30):
        for _ in range(12):
            await phone.text("HELP")
        assert len(await phone.answers()) == expected
        residents.clock.now += HOUR


async def test_a_block_of_numbers_gets_three_hundred_answers_an_hour(residents: Residents) -> None:
    answering = residents.enrolment.answering

    async def answered(number: str) -> bool:
        sender = answering.sender("sms", number)
        assert sender is not None
        return await answering.answer(Written(sender, "hello"), Answer(NOBODY, "en", "nobody"))

    assert [await answered(f"+1718555{1000 + last}") for last in range(302)] == [True] * 300 + [False] * 2
    assert await answered("+12125551000")


async def test_a_passer_bys_number_is_forgotten_within_a_day_of_its_last_message(residents: Residents, phone: Phone) -> None:
    await phone.text("hello")
    assert await residents.rows("SELECT s.status, a.state FROM subscriber s JOIN address a ON a.subscriber=s.id") == [
        ("passing", "answered")
    ]
    residents.clock.now += 12 * HOUR
    await phone.text("HELP")
    residents.clock.now += 12 * HOUR
    await residents.enrolment.purge(residents.clock.now)
    assert await residents.column("SELECT state FROM address") == ["answered"]
    residents.clock.now += 10 * HOUR + 1
    await residents.enrolment.purge(residents.clock.now)
    assert await residents.rows("SELECT * FROM address") == await residents.rows("SELECT * FROM subscriber") == []


async def test_what_was_heard_is_forgotten_too(residents: Residents, phone: Phone) -> None:
    await phone.text("hello", id="")
    await phone.text("hel", id="", part=Part(7, 2, 1))
    residents.clock.now += DAY
    await residents.enrolment.purge(residents.clock.now)
    assert await residents.rows("SELECT * FROM heard") == []


async def test_a_passer_by_is_no_audience_and_a_subscriber_after_the_first_zip(residents: Residents, phone: Phone) -> None:
    await phone.text("hello")
    assert residents.audience_calls == 0
    await phone.text("11201")
    assert await residents.column("SELECT status FROM subscriber ORDER BY id") == ["passing", "active"]
    letters = await residents.letters("sms")
    assert [letter.subscriber for letter in letters] == [1, 2]


async def test_what_the_provider_has_answered_itself_is_obeyed_in_silence(phone: Phone) -> None:
    await phone.text("11201")
    assert await phone.text("STOP", answered=True) is None
    assert await phone.view() is None
