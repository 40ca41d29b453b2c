"""Where an alert holds: wrong shapes are refused and never widened (S5), names are found, and what is matched is what was approved."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from shapely.geometry import shape

from hub.alerts.alert import Area, Circle
from hub.alerts.area import ResolvedArea, geojson, resolve, target
from hub.alerts.validation import read_alert
from hub.errors import InvalidInput
from subscriptions import languages, topics
from subscriptions.areas import AreaCatalog
from tests.hub.alerts.documents import NOW, SQUARE, encode, minimal

LON, LAT = -73.98, 40.69


def around(lon: float, lat: float, half: float, points: int = 4) -> list[list[float]]:
    """A closed ring around a point, in degrees."""
    ring = [[lon + half * math.cos(2 * math.pi * k / points), lat + half * math.sin(2 * math.pi * k / points)] for k in range(points)]
    return [*ring, ring[0]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def faults(area: Area, catalog: AreaCatalog) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        resolve(area, catalog)
    return {error.pointer: error.detail for error in refused.value.errors}


BOW_TIE = [[-73.99, 40.68], [-73.97, 40.70], [-73.97, 40.68], [-73.99, 40.70], [-73.99, 40.68]]
NEWARK = around(-74.17, 40.735, 0.01)
SWAPPED = [[lat, lon] for lon, lat in SQUARE]


@pytest.mark.parametrize(
    ("drawn", "said"),
    [
        (polygon(), "is empty"),
        (polygon([]), "has 0 points"),
        (polygon(SQUARE[:2] + SQUARE[:1]), "has 3 points"),
        (polygon(SQUARE[:4]), "is not closed"),
        (polygon(BOW_TIE), "crosses itself"),
        (polygon([*SQUARE[:3], [-73.98, 40.66], *SQUARE[3:]], BOW_TIE), "crosses itself"),
        (polygon([[LON, LAT]] * 4), "not a proper shape"),
        (polygon([[LON, LAT], [LON + 0.01, LAT], [LON + 0.02, LAT], [LON, LAT]]), "crosses itself"),
        (polygon(SQUARE, around(-73.95, 40.60, 0.001)), "not a proper shape"),
        (polygon(NEWARK), "lies outside the city"),
        (polygon(around(2.35, 48.85, 0.01)), "lies outside the city"),
        (polygon(around(106.0, -40.7, 0.01)), "lies outside the city"),
        (polygon(SWAPPED), "latitude and longitude swapped"),
        (polygon(around(-74.06, 40.73, 0.05)), "for the most part outside the city"),
        (polygon(around(-73.98, 40.7, 40)), "for the most part outside the city"),
        (polygon([[-179, -80], [179, -80], [179, 80], [-179, 80], [-179, -80]]), "for the most part outside the city"),
        (polygon(around(LON, LAT, 0.01, points=10_000)), "10,001 points"),
        ({"type": "MultiPolygon", "coordinates": []}, "is empty"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "is empty"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE]]}, "crosses itself"),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE]] * 201}, "201 separate parts"),
        ({"type": "Feature", "geometry": polygon(SQUARE), "properties": {}}, "is a Feature: send its geometry alone"),
        ({"type": "FeatureCollection", "features": []}, "is a FeatureCollection"),
        ({"type": "LineString", "coordinates": SQUARE}, "must be Polygon or MultiPolygon"),
    ],
)
def test_shape_that_is_not_right_is_refused_and_never_widened(drawn: dict[str, Any], said: str, catalog: AreaCatalog) -> None:
    found = faults(Area(polygon=drawn), catalog)
    assert any(said in detail for detail in found.values()), found
    assert all(pointer.startswith("/area/polygon") for pointer in found)


@pytest.mark.parametrize(
    "drawn",
    [
        polygon(SQUARE),
        polygon(SQUARE[::-1]),
        polygon(SQUARE, around(-73.98, 40.69, 0.003)),
        polygon(around(-74.0, 40.70, 0.012)),
        polygon(around(LON, LAT, 0.01, points=9_999)),
        {"type": "MultiPolygon", "coordinates": [[SQUARE], [around(-73.85, 40.84, 0.01)]]},
    ],
)
def test_shape_that_is_right_is_kept_exactly_as_it_was_drawn(drawn: dict[str, Any], catalog: AreaCatalog) -> None:
    """Either winding, with a hole, over the East River, in two boroughs."""
    assert resolve(Area(polygon=drawn), catalog).polygon is drawn


@pytest.mark.parametrize(
    ("circle", "said"),
    [
        (Circle(lat=40.735, lon=-74.17, radius_m=800), "lies outside the city"),
        (Circle(lat=-40.7, lon=106.0, radius_m=800), "lies outside the city"),
        (Circle(lat=LON, lon=LAT, radius_m=800), "latitude and longitude swapped"),
        (Circle(lat=40.735, lon=-74.10, radius_m=8000), "for the most part outside the city"),
        (Circle(lat=90, lon=0, radius_m=10), "lies outside the city"),
    ],
)
def test_circle_elsewhere_is_refused(circle: Circle, said: str, catalog: AreaCatalog) -> None:
    assert said in faults(Area(circle=circle), catalog)["/area/circle"]


def test_names_are_found_in_any_spelling_and_kept_as_keys(catalog: AreaCatalog) -> None:
    resolved = resolve(Area(zips=("11201", "11205-0001"), boroughs=("the bronx",)), catalog)
    assert resolved.keys == ("zip:11201", "zip:11205", "borough:2")
    assert resolved.names == ("11201", "11205", "Bronx")


def test_drawn_shape_is_told_by_the_neighbourhoods_it_lies_in(catalog: AreaCatalog) -> None:
    names = resolve(Area(polygon=polygon(SQUARE)), catalog).names
    assert any("Brooklyn" in name or "Fort Greene" in name or "Carroll Gardens" in name for name in names), names
    assert 0 < len(names) <= 6


def test_drawn_shape_over_many_neighbourhoods_is_told_by_its_boroughs(catalog: AreaCatalog) -> None:
    assert resolve(Area(polygon=polygon(around(-73.95, 40.65, 0.05))), catalog).names == ("Brooklyn",)


def test_whole_city_has_no_names_and_no_keys(catalog: AreaCatalog) -> None:
    assert resolve(Area(citywide=True), catalog) == ResolvedArea(citywide=True)


def test_resolved_area_survives_storage_as_json(catalog: AreaCatalog) -> None:
    area = Area(zips=("11201",), polygon=polygon(SQUARE), circle=Circle(lat=LAT, lon=LON, radius_m=500))
    resolved = resolve(area, catalog)
    assert msgspec.json.decode(msgspec.json.encode(resolved), type=ResolvedArea) == resolved


def test_target_carries_the_area_and_who_wants_it(catalog: AreaCatalog) -> None:
    document = minimal(
        topics=["fire", "weather"],
        area={"zips": ["11201"], "polygon": polygon(SQUARE), "circle": {"lat": LAT, "lon": LON, "radius_m": 500}},
    )
    alert = read_alert(encode(document), catalog, NOW)
    made = target(resolve(alert.area, catalog), alert, 2, catalog)
    found = catalog.get("zip:11201")
    assert found is not None
    assert made.areas == (found.index,)
    assert made.polygons[0].equals(shape(polygon(SQUARE)))
    assert made.circles == ((LON, LAT, 500.0),)
    assert (made.citywide, made.topics, made.severity, made.languages, made.drill) == (
        False,
        topics.mask(["fire", "weather"]),
        2,
        None,
        False,
    )


def test_target_of_an_edition_is_its_readers_and_of_a_drill_its_takers(catalog: AreaCatalog) -> None:
    alert = read_alert(encode(minimal(status="Exercise", area={"citywide": True})), catalog, NOW)
    alert = msgspec.structs.replace(alert, audience_languages=("zh-Hant", "zh-Hans"))
    made = target(resolve(alert.area, catalog), alert, 3, catalog)
    assert made.citywide
    assert made.drill
    assert made.languages == {languages.number("zh-Hans"), languages.number("zh-Hant")}


def test_map_shows_named_areas_drawn_shapes_and_circles(catalog: AreaCatalog) -> None:
    area = Area(zips=("11201",), polygon=polygon(SQUARE), circle=Circle(lat=LAT, lon=LON, radius_m=500))
    features = geojson(resolve(area, catalog), catalog)["features"]
    kinds = [feature["properties"]["kind"] for feature in features]
    assert kinds == ["zip:11201", "polygon", "circle"]
    disk = catalog.to_metric(shape(features[2]["geometry"]))
    assert disk.area == pytest.approx(math.pi * 500**2, rel=0.01)


def test_map_shows_the_whole_city_as_its_boroughs(catalog: AreaCatalog) -> None:
    features = geojson(ResolvedArea(citywide=True), catalog)["features"]
    assert {feature["properties"]["name"] for feature in features} == {"Manhattan", "Bronx", "Brooklyn", "Queens", "Staten Island"}
