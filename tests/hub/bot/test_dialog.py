"""What the bot answers: Start confirms, Stop ends, and anything else learns that nobody is watching (S27)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from hub.bot.dialog import Dialog
from hub.bot.words import Words
from tests.subscriptions.residents import Residents, request

CHAT, URL = "4242", "https://alerts.example/subscribe"
NOBODY = "Nobody is watching this. Call or text 911."


@pytest.fixture
def dialog(residents: Residents) -> Dialog:
    return Dialog(residents.enrolment, Words(), "Tocsin", URL)


async def start_token(residents: Residents) -> str:
    answer = await residents.enrolment.subscribe(request(channels=[{"kind": "telegram"}]), client="c", source="test")
    return parse_qs(urlsplit(answer.telegram or "").query)["start"][0]


async def test_start_with_the_links_token_confirms_and_repeats_alike(residents: Residents, dialog: Dialog) -> None:
    token = await start_token(residents)
    for _ in range(2):
        assert (await dialog.answer(CHAT, f"/start {token}", "en")).startswith("Done.")
    assert await residents.column("SELECT state FROM address") == ["active"]


async def test_start_with_a_used_or_forged_token_says_how_to_get_another(residents: Residents, dialog: Dialog) -> None:
    token = await start_token(residents)
    await dialog.answer(CHAT, f"/start {token}", "en")
    for text, chat in ((f"/start {token}", "6666"), ("/start forged", CHAT), ("/start " + "A" * 59, CHAT)):
        answer = await dialog.answer(chat, text, "en")
        assert "used or is too old" in answer
        assert URL in answer


async def test_start_alone_says_where_to_choose_places(dialog: Dialog) -> None:
    assert URL in await dialog.answer(CHAT, "/start", "en")


async def test_stop_ends_and_answers_alike_when_there_was_nothing(residents: Residents, dialog: Dialog) -> None:
    await dialog.answer(CHAT, f"/start {await start_token(residents)}", "en")
    first = await dialog.answer(CHAT, "/STOP@tocsin_test_bot", "en")
    assert await residents.rows("SELECT * FROM subscriber") == []
    assert first == await dialog.answer(CHAT, "/stop", "en")
    assert first.startswith("Stopped.")


@pytest.mark.parametrize("text", ["help, there is a fire", "", "   ", "/help", "/startle", "stop", "\0"])
async def test_anything_else_learns_at_once_that_nobody_is_watching(residents: Residents, dialog: Dialog, text: str) -> None:
    before = await residents.everything()
    assert await dialog.answer(CHAT, text, "en") == NOBODY
    assert await residents.everything() == before


async def test_every_sentence_is_there_in_spanish(residents: Residents, dialog: Dialog) -> None:
    for text in ("help", "/start", "/start forged", "/stop"):
        assert await dialog.answer(CHAT, text, "es-MX") != await dialog.answer(CHAT, text, "en")
    done = [await dialog.answer(CHAT, f"/start {await start_token(residents)}", language) for language in ("es", "en")]
    assert done[0].startswith("Listo.")
    assert done[1].startswith("Done.")


async def test_a_language_without_a_translation_reads_english(dialog: Dialog) -> None:
    for language in ("ko", "tlh", ""):
        assert await dialog.answer(CHAT, "hello", language) == NOBODY
