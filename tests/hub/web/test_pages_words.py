"""Languages of the pages: which one is chosen, that Spanish is whole, and that what is filled in is escaped."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import make_mocked_request

from hub.web.chat import chat
from hub.web.language import page_language, words
from tests.hub.web.page_strings import all_strings

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
SAME_IN_SPANISH = {"Error %(code)s", "Error:", "Telegram", "Webhook"}


def asked(path: str = "/", accept: str | None = None) -> str:
    return page_language(make_mocked_request("GET", path, headers={"Accept-Language": accept} if accept else {}))


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en-US,es;q=0.5", "en"),
        ("fr-FR,es;q=0.4,en;q=0.3", "es"),
        ("de, zh", "en"),
        ("es;q=0", "en"),
        ("es;q=nonsense, en", "en"),
        ("*", "en"),
    ],
)
def test_the_browser_says_which_language(accept: str | None, language: str) -> None:
    assert asked(accept=accept) == language


def test_a_chosen_language_wins_and_an_unknown_one_is_no_choice() -> None:
    assert asked("/?lang=es", "en") == "es"
    assert asked("/?lang=xx", "es") == "es"


@pytest.mark.parametrize("text", sorted(all_strings()))
def test_every_string_of_residents_pages_is_in_spanish_with_the_same_blanks(text: str) -> None:
    spanish = words("es")
    translated = spanish.sources.get(text)
    assert translated, "add it to templates/locale/es/pages.po"
    for form in translated:
        assert set(PLACEHOLDER.findall(form)) <= set(PLACEHOLDER.findall(text)) | {"n"}
        assert re.findall(r"<[^>]*>", form) == re.findall(r"<[^>]*>", text)
    assert text in SAME_IN_SPANISH or translated[0] != text


def test_no_translation_has_lost_its_string() -> None:
    assert set(words("es").sources) <= all_strings()


def test_what_is_filled_in_is_escaped_and_our_own_markup_is_not() -> None:
    said = words("en").text('<a href="%(home)s">x</a> %(name)s', home="/", name="<script>")
    assert str(said) == '<a href="/">x</a> &lt;script&gt;'


@pytest.mark.parametrize(("number", "said"), [(0, "0 alertas ahora"), (1, "1 alerta ahora"), (12, "12 alertas ahora")])
def test_one_and_many(number: int, said: str) -> None:
    assert words("es").many("1 alert now", "%(n)s alerts now", number) == said


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<b>Act now</b>\nLeave &lt;now&gt;", "<b>Act now</b>\nLeave &lt;now&gt;"),
        ('<a href="https://x.example/?a=1&amp;b=2">More</a>', '<a href="https://x.example/?a=1&amp;b=2" rel="noreferrer">More</a>'),
        ('<a href="javascript:alert(1)">More</a>', "More"),
        ('<img src=x onerror="alert(1)"><script>alert(1)</script>', "alert(1)"),
        ('<b onclick="x()">b</b>', "<b>b</b>"),
    ],
)
def test_a_chat_message_shows_only_what_telegram_knows(html: str, shown: str) -> None:
    assert str(chat(html)) == shown
