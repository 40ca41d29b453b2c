"""What a preview says of an area without anybody being asked who lives there."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely

from hub.alerts.alert import Area, Circle
from hub.alerts.area import resolve
from hub.publishing.preview import adjacent_names
from subscriptions.areas import AreaCatalog, open_city


@pytest.fixture(scope="module")
def catalog() -> AreaCatalog:
    return open_city("nyc")


def over(catalog: AreaCatalog, *zips: str) -> dict[str, Any]:
    """A polygon that meets these ZIPs."""
    middles = [catalog.resolve("zip", name).geometry.representative_point() for name in zips]
    drawn: dict[str, Any] = json.loads(shapely.to_geojson(shapely.convex_hull(shapely.union_all(middles))))
    return drawn


def beside(catalog: AreaCatalog, **area: Any) -> list[str]:
    return adjacent_names(resolve(Area(**area), catalog), catalog)


def test_what_a_drawn_shape_meets_is_not_told_nothing(catalog: AreaCatalog) -> None:
    around = ("11205", "11217", "11231")
    assert set(around) <= set(beside(catalog, zips=("11201",)))
    told_nothing = beside(catalog, zips=("11201",), polygon=over(catalog, *around))
    assert "11238" in told_nothing  # next to 11217
    assert not {"11201", *around} & set(told_nothing)


def test_around_what_was_only_drawn_are_the_neighborhoods_that_it_does_not_meet(catalog: AreaCatalog) -> None:
    for area in ({"polygon": over(catalog, "11205", "11217", "11231")}, {"circle": Circle(lat=40.6937, lon=-73.9903, radius_m=300)}):
        named = resolve(Area(**area), catalog).names
        told_nothing = beside(catalog, **area)
        assert "Lower East Side" in told_nothing or "Prospect Heights" in told_nothing
        assert not set(named) & set(told_nothing)


def test_beside_the_whole_city_is_nothing(catalog: AreaCatalog) -> None:
    assert beside(catalog, citywide=True) == []
