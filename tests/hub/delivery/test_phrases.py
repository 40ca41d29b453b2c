"""Times, places and lists as people say them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.delivery.words.phrases import Phrases
from tests.hub.delivery.published import CITY, NOW


@pytest.mark.parametrize(
    ("end", "english"),
    [
        (NOW.replace(hour=21, minute=0), "9:00 PM today, Nov 22"),
        (NOW.replace(hour=2, minute=30) + timedelta(days=1), "2:30 AM tomorrow, Nov 23"),
        (NOW.replace(day=24, hour=9, minute=5), "9:05 AM on Tue, Nov 24"),
        (NOW.replace(year=2027, month=1, day=4, hour=12, minute=0), "12:00 PM on Mon, Jan 4, 2027"),
        (NOW.replace(day=23, hour=0, minute=0), "11:59 PM today, Nov 22"),
    ],
)
def test_an_end_is_said_in_the_citys_time_with_its_day_and_midnight_belongs_to_the_day_that_ends(end, english):
    phrases = Phrases("en", CITY, "US")
    assert phrases.end(end.timestamp(), NOW.timestamp()) == english


@pytest.mark.parametrize(
    ("names", "most", "said"),
    [
        (("Astoria",), 3, "Astoria"),
        (("11201", "11205"), 3, "ZIP 11201 and 11205"),
        (("11201", "11205", "Gowanus", "Red Hook"), 3, "ZIP 11201, 11205, Gowanus, and 1 more"),
    ],
)
def test_places_are_listed_as_people_say_them(names, most, said):
    assert Phrases("en", CITY, "US").places(names, most) == said


def test_a_list_never_borrows_its_and_from_another_language():
    assert Phrases("ht", CITY, "US").listed(["dife", "krim"]) == "dife, krim"
    assert Phrases("yi", CITY, "US").listed(["שרפות", "וועטער"]) == "שרפות און וועטער"
