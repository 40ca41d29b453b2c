"""Another city is a folder of GeoJSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from subscriptions.areas import open_city
from subscriptions.errors import CityUnreadable, UnknownArea
from subscriptions.matching import Target, reached_areas


def square(west: float, south: float, side: float = 0.02) -> dict[str, Any]:
    east, north = west + side, south + side
    return {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}


def feature(geometry: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def write(folder: Path, layer: str, *features: dict[str, Any]) -> Path:
    (folder / f"{layer}.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder


def test_layers_names_and_the_table_come_from_the_files(tmp_path: Path) -> None:
    write(tmp_path, "district", feature(square(7.0, 51.0, 0.06), id="d", name="Mitte", population=9, same="000001"))
    write(
        tmp_path,
        "zip",
        feature(square(7.0, 51.0), id=44135, name="44135", aliases=["44137"]),
        feature(square(7.02, 51.0), id="44139", name="44139"),
    )
    city = open_city(str(tmp_path))
    assert city.layers == ("zip", "district")
    assert [area.key for area in city.areas] == ["zip:44135", "zip:44139", "district:d"]
    assert city.resolve("zip", "44137").key == "zip:44135"
    district = city.by_same("000001")
    assert district is not None
    assert (district.name, district.population) == ("Mitte", 9)
    assert city.overlapping(0).tolist() == [0, 2]
    assert [area.name for area in city.adjacent([0])] == ["44139"]
    assert city.covering(7.03, 51.01, "zip") is city.areas[1]
    with pytest.raises(UnknownArea):
        city.resolve("zip", "11201")


def test_areas_that_cover_each_other_are_measured_as_one(tmp_path: Path) -> None:
    """Laid side by side, the inside of both would count as outside."""
    write(tmp_path, "zone", feature(square(7.0, 51.0), id="a", name="a"), feature(square(7.01, 51.0), id="b", name="b"))
    city = open_city(str(tmp_path))
    assert city.union([0, 1]).is_valid
    assert city.union([0, 1]).covers(city.areas[0].metric.intersection(city.areas[1].metric).buffer(-1))


def test_a_small_drawing_that_hardly_crosses_a_border_does_not_reach_across_it(tmp_path: Path) -> None:
    """A dozen metres wide, a fortieth of it on the other side; then a tenth."""
    city = open_city(
        str(write(tmp_path, "zone", feature(square(7.0, 51.0), id="a", name="a"), feature(square(7.02, 51.0), id="b", name="b")))
    )
    width = 0.00017
    for share, reached in ((0.025, [0]), (0.1, [0, 1])):
        west = 7.02 - width * (1 - share)
        drawn = shapely.box(west, 51.01, west + width, 51.01011)
        assert reached_areas(city, Target(polygons=(drawn,), topics=1, severity=0)).tolist() == reached


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ([feature({"type": "Point", "coordinates": [7, 51]}, id="p", name="p")], "feature 0 (p): expected a Polygon"),
        ([feature({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}, id="p", name="p")], "Self-intersection"),
        ([feature({"type": "Polygon", "coordinates": []}, id="p", name="p")], "not empty"),
        ([feature(square(7, 51), id="p")], "name"),
        ([feature(square(7, 51), id="p", name="p", colour="red")], "colour"),
        ([feature(square(7, 51), id="p", name="p"), feature(square(8, 51), id="p", name="q")], "same id"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_feature(tmp_path: Path, features: list[dict[str, Any]], said: str) -> None:
    with pytest.raises(CityUnreadable) as refusal:
        open_city(str(write(tmp_path, "zone", *features)))
    assert "zone.geojson" in str(refusal.value)
    assert said in str(refusal.value)


def test_a_folder_without_layers_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CityUnreadable, match=r"no \*\.geojson"):
        open_city(str(tmp_path / "nowhere"))


def test_a_file_that_is_no_geojson_is_named(tmp_path: Path) -> None:
    (tmp_path / "zone.geojson").write_text("{")
    with pytest.raises(CityUnreadable, match=r"zone\.geojson"):
        open_city(str(tmp_path))
