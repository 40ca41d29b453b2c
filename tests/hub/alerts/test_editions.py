"""A source with one document per language reaches each reader once, in that reader's language."""

from __future__ import annotations

import pytest

from hub.alerts.editions import EDITIONS, Edition, edition
from subscriptions.languages import LANGUAGES

MARKS = [
    "English",
    "Spanish",
    "Chinese",
    "Russian",
    "Bengali",
    "Haitian Creole",
    "Korean",
    "Arabic",
    "Urdu",
    "French",
    "Polish",
    "Yiddish",
    "Italian",
]
"""As the city's feed writes them."""


def test_the_editions_of_one_notice_reach_every_reader_exactly_once() -> None:
    readers = [tag for mark in MARKS for tag in edition(f"NYCEM [{mark}]", ("en-US",)).readers or ()]
    assert sorted(readers) == sorted(LANGUAGES)


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        ("NYCEM [English]", Edition("en", ("en",))),
        ("NYCEM [Spanish]", Edition("es", ("es",))),
        ("NYCEM [Chinese]", Edition("zh-Hant", ("zh-Hant", "zh-Hans"))),
        ("NYCEM [Haitian Creole]", Edition("ht", ("ht",))),
        ("nycem [yiddish] ", Edition("yi", ("yi",))),
        ("NYCEM [Español]", Edition("es", ("es",))),
    ],
)
def test_the_mark_overrules_the_stated_language(sender: str, expected: Edition) -> None:
    assert edition(sender, ("en-US",)) == expected


def test_the_english_edition_also_goes_where_the_source_has_no_edition() -> None:
    readers = edition("Elsewhere [English]", ("en-US",), {"elsewhere": ("en", "es")}).readers
    assert set(readers or ()) == set(LANGUAGES) - {"es"}


@pytest.mark.parametrize(
    ("sender", "languages", "readers"),
    [
        ("NWS Upton NY", ("en-US",), None),
        ("", ("en-US",), None),
        ("NWS", ("en-US", "es-US"), None),
        ("NWS", ("es-US",), ("es",)),
        ("Agency [Brooklyn]", ("en",), None),
        ("Agency [Brooklyn]", ("fr-CA",), ("fr",)),
        ("[Spanish] Agency", ("en",), None),
    ],
)
def test_a_document_without_a_mark_goes_to_all_or_to_the_readers_of_its_only_foreign_language(
    sender: str, languages: tuple[str, ...], readers: tuple[str, ...] | None
) -> None:
    assert edition(sender, languages) == Edition(None, readers)


def test_every_edition_is_for_languages_of_this_hub() -> None:
    assert {tag for tags in EDITIONS.values() for tag in tags} == set(LANGUAGES)
