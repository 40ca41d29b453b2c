"""Languages of the pages: which one is chosen, which strings each of them has, and that what is filled in is escaped."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import make_mocked_request

from hub.languages.catalogue import catalogue
from hub.web.chat import chat
from hub.web.language import page_language, split_address, words
from subscriptions.languages import LANGUAGES
from tests.hub.web.page_strings import all_strings

PLACEHOLDER = re.compile(r"%\(\w+\)s|\{\w+\}")
TAG = re.compile(r"<[^>]*>")
SAME_IN_SPANISH = {"Error %(code)s", "Error:", "Telegram", "Webhook"}
TRANSLATED = sorted(set(LANGUAGES) - {"en"})


def asked(path: str = "/", accept: str | None = None) -> str:
    return page_language(make_mocked_request("GET", path, headers={"Accept-Language": accept} if accept else {}))


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("en-US,es;q=0.5", "en"),
        ("de-DE,es;q=0.4,en;q=0.3", "es"),
        ("de, zh", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("ht;q=0.9, en;q=0.8", "ht"),
        ("es;q=0", "en"),
        ("es;q=nonsense, en", "en"),
        ("*", "en"),
    ],
)
def test_the_browser_says_which_language(accept: str | None, language: str) -> None:
    assert asked(accept=accept) == language


def test_a_chosen_language_wins_and_an_unknown_one_is_no_choice() -> None:
    assert asked("/?lang=es", "en") == "es"
    assert asked("/?lang=zh-hans", "en") == "zh-Hans"
    assert asked("/?lang=xx", "es") == "es"


@pytest.mark.parametrize(
    ("address", "language"),
    [("/es/", "es"), ("/bn/subscribe", "bn"), ("/zh-Hans/alerts/al_1", "zh-Hans"), ("/zh-hant/", "zh-Hant"), ("/xx/", "fr")],
)
def test_the_language_in_the_address_wins(address: str, language: str) -> None:
    assert asked(f"{address}?lang=it" if language != "fr" else address, "fr") == language


def test_an_address_is_split_into_its_language_and_the_page() -> None:
    assert split_address("/es/alerts/al_1") == ("es", "/alerts/al_1")
    assert split_address("/es/") == ("es", "/")
    assert [split_address(path) for path in ("/es", "/alerts/es", "/")] == [(None, "/es"), (None, "/alerts/es"), (None, "/")]


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_language_has_every_string_of_the_residents_pages_and_none_is_left_over(language: str) -> None:
    assert set(catalogue("pages", language).entries) == all_strings()


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_keeps_the_blanks_and_the_links(language: str) -> None:
    for text, entry in catalogue("pages", language).entries.items():
        for form in entry.forms:
            assert set(PLACEHOLDER.findall(form)) <= set(PLACEHOLDER.findall(text)) | {"%(n)s"}, text
            assert set(PLACEHOLDER.findall(form)) | {"%(n)s"} >= set(PLACEHOLDER.findall(text)), text
            assert TAG.findall(form) == TAG.findall(text), text


def test_nothing_is_left_in_english_in_spanish() -> None:
    assert {text for text, entry in catalogue("pages", "es").entries.items() if entry.forms[0] == text} <= SAME_IN_SPANISH


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
