"""A text that is cut ends between characters as readers see them, and holds every link whole or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import slot
from channels.cutting import cut_place, with_ellipsis

CHARACTERS = {
    "accent": "e\u0301\u0323",
    "vowel sign": "কি",
    "conjunct": "ক্ষ",
    "Devanagari conjunct": "स्त्री",
    "vowel points": "נָּ",
    "Arabic marks": "لّٰ",
    "Hangul in parts": "\u1112\u1161\u11ab",
    "family": "👩‍👩‍👧‍👦",
    "skin tone": "👍🏽",
    "keycap": "1️⃣",
    "flag": "🇺🇸",
    "flag of tags": "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "rainbow flag": "🏳️‍🌈",
}
LINK = "https://www1.example.gov/ready/zones.page?id=1&lang=zz"
AROUND = {
    "words": ("See ", " for zones"),
    "script without spaces": ("详情见", "。请上楼"),
    "quotes of it": ("“", "”请"),
    "brackets": ("(", ") now"),
    "Bengali": ("দেখুন ", "। যান"),
}


@pytest.mark.parametrize("character", CHARACTERS.values(), ids=CHARACTERS)
def test_a_cut_is_never_inside_a_character(character: str) -> None:
    text = character * 3
    whole = [len(character) * count for count in range(4)]
    for end in range(len(text) + 1):
        assert cut_place(text, end) == max(length for length in whole if length <= end)


@pytest.mark.parametrize(("before", "after"), AROUND.values(), ids=AROUND)
@pytest.mark.parametrize("link", [LINK, LINK.upper(), "www.example.gov/zones", "example.gov/zones", "http://10.0.0.1/"])
def test_a_link_is_whole_or_left_out(link: str, before: str, after: str) -> None:
    text = before + link + after
    for end in range(len(text) + 1):
        kept = text[: cut_place(text, end)]
        assert before.startswith(kept) or kept.startswith(before + link)


def test_a_link_that_is_the_whole_text_goes_whole() -> None:
    assert cut_place(LINK, len(LINK) - 1) == 0
    assert cut_place(LINK, len(LINK)) == len(LINK)


def test_an_ellipsis_touches_no_link() -> None:
    assert with_ellipsis(f"Zones: {LINK}") == f"Zones: {LINK} …"
    assert with_ellipsis(f"详情见{LINK}") == f"详情见{LINK} …"
    assert with_ellipsis(f"详情见{LINK}。请") == f"详情见{LINK}。请…"
    assert with_ellipsis(f"{LINK} shows the zones") == f"{LINK} shows the zones…"
    assert with_ellipsis("") == "…"


def test_words_and_numbers_that_only_look_like_a_link_may_be_cut() -> None:
    for text in ("9 p.m.today", "and/or", "24/7", "x" * 50, "a.b.c.d"):
        assert [cut_place(text, end) for end in range(len(text))] == list(range(len(text)))


@given(st.lists(st.sampled_from([*CHARACTERS.values(), LINK, slot("why"), "x", " ", "\n", "水", "。"]), max_size=12))
def test_a_later_end_never_keeps_less(pieces: list[str]) -> None:
    """What looks for the longest text that fits by halving counts on it."""
    text = "".join(pieces)
    places = [cut_place(text, end) for end in range(len(text) + 1)]
    assert places == sorted(places)
    assert all(found <= end for end, found in enumerate(places))
    assert places[-1] == len(text)
    assert all(cut_place(text, found) == found for found in places)
