"""Names of areas: one spelling for all spellings."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscriptions import area_names
from subscriptions.area_names import NameIndex, fold


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("The Bronx", "bronx"),
        ("The", "the"),
        ("St. George", "st george"),
        ("Saint  George", "st george"),
        ("Throgs Neck–Schuylerville", "throgs neck schuylerville"),
        ("Mariner's Harbor", "mariners harbor"),
        ("Peña", "pena"),
        ("North & South", "north south"),
        ("North and South", "north south"),
        ("११२०१", "11201"),
        ("11201 - 1832", "11201"),
        ("", ""),
        ("…", ""),
    ],
)
def test_spellings_fold(written: str, folded: str) -> None:
    assert fold(written) == folded


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """Whatever is typed; a stored alias and a question meet in the same form."""
    assert fold(fold(text)) == fold(text)


def test_an_own_name_wins_over_an_alias_and_two_aliases_find_nothing() -> None:
    names = NameIndex([("n", 0, "Flatbush", ()), ("n", 1, "East Flatbush", ("Flatbush", "Both")), ("n", 2, "Midwood", ("Both",))])
    assert names.find("n", "flatbush") == 0
    assert names.find("n", "both") is None
    assert names.sharing("n", "both") == {1, 2}


def test_what_begins_with_the_text_is_found_before_what_only_holds_it() -> None:
    names = NameIndex(
        [
            ("n", 0, "Ditmas Park-Parkville", ("Ditmas Park", "Parkville")),
            ("n", 1, "Rego Park", ()),
            ("n", 2, "Parkchester Gardens", ()),
            ("n", 3, "Park Slope", ("Slope",)),
            ("n", 4, "Green", ("Park",)),
        ]
    )
    assert names.search("park", 10) == [4, 3, 2, 0, 1]
    assert names.search("slope", 10) == [3]


def test_the_examples_of_the_module_hold() -> None:
    assert doctest.testmod(area_names).failed == 0
