"""The languages that residents can choose."""

from __future__ import annotations

import pytest

from subscriptions.languages import LANGUAGES, listed, nearest


@pytest.mark.parametrize(
    ("tag", "list_"),
    [("en", "a, b, c"), ("es", "a, b, c"), ("zh-Hans", "a、b、c"), ("zh-Hant", "a、b、c"), ("ar", "a، b، c"), ("ur", "a، b، c")],
)
def test_a_list_has_the_languages_own_comma(tag: str, list_: str) -> None:
    assert listed(iter("abc"), tag) == list_
    assert listed((), tag) == ""


@pytest.mark.parametrize(
    ("wanted", "tag"),
    [("en-US", "en"), ("ES_mx", "es"), ("zh", "zh-Hans"), ("zh-TW", "zh-Hant"), ("zh-Hant-HK", "zh-Hant"), ("tlh", None), ("", None)],
)
def test_any_tag_finds_the_nearest_language(wanted: str, tag: str | None) -> None:
    assert nearest(wanted) == tag
    assert tag is None or tag in LANGUAGES
