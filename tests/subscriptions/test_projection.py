"""Metres that are metres: the local projection against geodesics, all over the city and in all directions."""

from __future__ import annotations

import numpy as np
import pytest
from geopy.distance import geodesic
from shapely.geometry import LineString, Point

from subscriptions.areas import AreaCatalog


@pytest.mark.parametrize("bearing", [0, 45, 90, 135, 200, 310])
@pytest.mark.parametrize("kilometres", [0.05, 1.0, 20.0])
def test_distances_are_geodesic_to_a_hundred_thousandth(catalog: AreaCatalog, bearing: float, kilometres: float) -> None:
    """A constant number of metres a degree would be off by a quarter, north–south."""
    for lat, lon in [(40.51, -74.24), (40.9, -73.9), (40.6, -73.72), (40.7, -74.0)]:
        there = geodesic(kilometers=kilometres).destination((lat, lon), bearing)
        x, y = catalog.projection.xy([lon, there.longitude], [lat, there.latitude])
        assert np.hypot(x[1] - x[0], y[1] - y[0]) == pytest.approx(1000 * kilometres, rel=1.5e-5)


def test_there_and_back_is_the_same_place(catalog: AreaCatalog) -> None:
    back = catalog.to_lonlat(catalog.to_metric(Point(-73.9, 40.6)))
    assert (back.x, back.y) == pytest.approx((-73.9, 40.6), abs=1e-10)


def test_a_long_edge_stays_straight_in_degrees(catalog: AreaCatalog) -> None:
    """The middle of 24 km along a parallel would be 10 m off a line that is straight in metres."""
    edge = catalog.to_metric(LineString([(-74.15, 40.7), (-73.87, 40.7)]))
    middle = catalog.to_metric(Point(-74.01, 40.7))
    assert edge.distance(middle) < 0.05
    assert LineString([edge.coords[0], edge.coords[-1]]).distance(middle) > 5
