"""Every sentence of the bot is in every language, with its places, and what is filled in is escaped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

from hub import bot
from hub.bot import choices
from hub.bot.words import Words
from hub.languages.catalogue import catalogue
from subscriptions.languages import LANGUAGES

PLACEHOLDER = re.compile(r"%\(\w+\)s")
SENTENCES = {
    sentence for _, _, sentence, *_ in extract_from_dir(str(Path(bot.__file__).parent), [("**.py", "python")], keywords={"N_": None})
}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_a_catalogue_holds_every_sentence_with_its_places_and_nothing_else(language: str) -> None:
    entries = catalogue("bot", language).entries
    assert set(entries) == SENTENCES
    assert len(SENTENCES) > 80
    for sentence, entry in entries.items():
        assert sorted(PLACEHOLDER.findall(entry.forms[0])) == sorted(PLACEHOLDER.findall(sentence))


def test_what_is_filled_in_is_escaped_and_other_languages_read_english() -> None:
    for language in ("en", "tlh", ""):
        assert Words().say("Places: %(places)s", language, places="<b>&") == "Places: &lt;b&gt;&amp;"
    assert Words().say("Places: %(places)s", "es-MX", places="x") == "Lugares: x"


@pytest.mark.parametrize(
    ("typed", "value"),
    [("22-7", "22:00-07:00"), ("22:30 – 6:45", "22:30-06:45"), ("٢٢-٧", "22:00-07:00"), ("9 5", "09:00-05:00"), ("now", None), ("", None)],
)
def test_hours_are_read_as_people_type_them(typed: str, value: str | None) -> None:
    assert choices.read_hours(typed) == value
