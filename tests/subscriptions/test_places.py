"""Places: read strictly against the real city, and named to others without giving a home away."""

from __future__ import annotations

from typing import Any

import pytest

from subscriptions.areas import AreaCatalog
from subscriptions.documents import Faults
from subscriptions.errors import InvalidSubscription
from subscriptions.places import in_a_few_words, public_names, read_places
from subscriptions.store.sql import PlaceRow
from tests.subscriptions.residents import request


def read(catalog: AreaCatalog, *places: dict[str, Any]) -> list[PlaceRow]:
    faults = Faults()
    found = read_places(request(places=list(places)).places, catalog, faults)
    faults.check()
    return found


def fault(catalog: AreaCatalog, *places: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidSubscription) as caught:
        read(catalog, *places)
    return {error.pointer: error.detail for error in caught.value.errors}


def test_each_kind_of_place_is_kept_as_what_it_is(catalog: AreaCatalog) -> None:
    found = read(
        catalog,
        {"zip": "11201"},
        {"neighborhood": "Astoria", "label": " work "},
        {"borough": "The Bronx"},
        {"lat": 40.683_126_7, "lon": -73.97, "radius_m": 1600, "label": "school"},
        {"citywide": True},
    )
    assert found == [
        PlaceRow("zip:11201"),
        PlaceRow(catalog.resolve("neighborhood", "Astoria").key, label="work"),
        PlaceRow(catalog.resolve("borough", "Bronx").key),
        PlaceRow(None, 40.68313, -73.97, 1600.0, "school"),
        PlaceRow("city"),
    ]


def test_a_place_named_twice_is_kept_once(catalog: AreaCatalog) -> None:
    assert read(catalog, {"borough": "Kings"}, {"borough": "Brooklyn", "label": "home"}) == [PlaceRow("borough:3")]


@pytest.mark.parametrize(
    ("place", "pointer", "words"),
    [
        ({"zip": "11291"}, "/places/0/zip", "Did you mean"),
        ({"zip": "99999"}, "/places/0/zip", "not a ZIP of this city"),
        ({"zip": ""}, "/places/0/zip", "not a ZIP"),
        ({"neighborhood": "Astria"}, "/places/0/neighborhood", "Astoria"),
        ({"borough": "Broklyn"}, "/places/0/borough", "Brooklyn"),
        ({"address": "350 5th Ave, New York", "radius_m": 800}, "/places/0/address", "can't be looked up here: give a ZIP"),
        ({"citywide": False}, "/places/0/citywide", "expected true"),
        ({"lat": 40.68}, "/places/0/lon", "missing"),
        ({"lon": -73.97, "radius_m": 100}, "/places/0/lat", "missing"),
        ({"lat": 40.68, "lon": -73.97}, "/places/0/radius_m", "from 50 to 20000"),
        ({"lat": 40.68, "lon": -73.97, "radius_m": 49}, "/places/0/radius_m", "from 50 to 20000"),
        ({"lat": 40.68, "lon": -73.97, "radius_m": 20_001}, "/places/0/radius_m", "from 50 to 20000"),
        ({"lat": -73.97, "lon": 40.68, "radius_m": 100}, "/places/0/lat", "swapped"),
        ({"lat": 41.9, "lon": -87.6, "radius_m": 100}, "/places/0/lat", "not in the city"),
        ({"lat": 1e300, "lon": -73.97, "radius_m": 100}, "/places/0/lat", "not in the city"),
        ({"zip": "11201", "radius_m": 100}, "/places/0/radius_m", "leave it out"),
        ({"zip": "11201", "borough": "Bronx"}, "/places/0", "zip and borough"),
        ({}, "/places/0", "exactly one kind"),
        ({"label": "home"}, "/places/0", "exactly one kind"),
        ({"zip": "11201", "label": "x" * 81}, "/places/0/label", "up to 80"),
        ({"zip": "11201", "label": "a\nb"}, "/places/0/label", "printable"),
    ],
)
def test_a_wrong_place_is_refused_with_how_to_mend_it(catalog: AreaCatalog, place: dict[str, Any], pointer: str, words: str) -> None:
    found = fault(catalog, place)
    assert found.keys() == {pointer}
    assert words in found[pointer]


def test_none_and_too_many_places_are_refused(catalog: AreaCatalog) -> None:
    assert fault(catalog).keys() == {"/places"}
    assert "/places" in fault(catalog, *[{"zip": "11201"}] * 51)


def test_faults_of_several_places_are_told_together(catalog: AreaCatalog) -> None:
    assert fault(catalog, {"zip": "x"}, {"zip": "11201"}, {"borough": "x"}).keys() == {"/places/0/zip", "/places/2/borough"}


def test_a_point_is_named_to_others_by_its_zip_and_never_by_label_or_coordinates(catalog: AreaCatalog) -> None:
    places = [PlaceRow(None, 40.6937, -73.9903, 300.0, "my home"), PlaceRow("zip:11201"), PlaceRow("borough:3", label="aunt")]
    assert public_names(places, catalog) == ("11201", "Brooklyn")


def test_the_whole_city_is_named_only_where_it_was_chosen_and_a_park_has_no_name(catalog: AreaCatalog) -> None:
    in_a_park = PlaceRow(None, 40.6602, -73.969, 400.0)
    assert public_names([PlaceRow("zip:11201"), in_a_park, PlaceRow("city")], catalog) == ("city",)
    assert public_names([in_a_park], catalog) == ()
    assert public_names([in_a_park, PlaceRow("zip:11201")], catalog) == ("11201",)


def test_a_letter_names_a_few_places_and_counts_the_rest() -> None:
    assert (in_a_few_words(()), in_a_few_words(("city",))) == ("", "city")
    assert in_a_few_words(("11201", "Astoria")) == "11201, Astoria"
    assert in_a_few_words(("1", "2", "3", "4", "5")) == "1, 2, 3 +2"
