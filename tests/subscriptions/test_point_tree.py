"""The tree's answer is the plain answer: every point measured, for shapes of all sizes, densities and radii."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from subscriptions.areas import AreaCatalog
from subscriptions.point_tree import PointTree
from subscriptions.region import Disc, Shape

COUNT = 40_000


def radii(random: np.random.Generator, kind: str) -> np.ndarray:
    match kind:
        case "choices":
            return random.choice([250.0, 400.0, 800.0, 1600.0, 3200.0], COUNT)
        case "any":
            return np.exp(random.uniform(np.log(5), np.log(20_000), COUNT))
        case _:
            return np.full(COUNT, float(kind))


def plain(tree: PointTree, shape: shapely.Geometry) -> np.ndarray:
    shapely.prepare(shape)
    return np.sort(tree.owner[shapely.dwithin(shape, shapely.points(tree.x, tree.y), tree.radius)])


@pytest.fixture(params=["choices", "any", "5", "20000"])
def tree(request: pytest.FixtureRequest) -> PointTree:
    """Half of the points crowd around one spot, half of these closely; some lie far out, some on top of each other."""
    random = np.random.default_rng(11)
    x, y = random.uniform(-40_000, 40_000, COUNT), random.uniform(-40_000, 40_000, COUNT)
    x[::2], y[::2] = random.normal(-2_000, 1_500, COUNT // 2), random.normal(-1_000, 1_500, COUNT // 2)
    x[::4], y[::4] = random.normal(-2_000, 150, COUNT // 4), random.normal(-1_000, 150, COUNT // 4)
    x[:50], y[:50] = 500.0, 500.0
    return PointTree(x, y, radii(random, request.param), np.arange(COUNT, dtype=np.int32))


@pytest.mark.parametrize(
    "key", ["zip:11201", "zip:10104", "zip:11697", "neighborhood:Astoria", "neighborhood:BK5692", "borough:3", "borough:5"]
)
def test_an_area_reaches_what_measuring_every_point_finds(catalog: AreaCatalog, tree: PointTree, key: str) -> None:
    area = catalog.get(key)
    assert area is not None
    found = np.sort(tree.reached(Shape(area.metric)))
    assert np.array_equal(found, plain(tree, area.metric))


def test_all_boroughs_side_by_side_reach_what_their_union_does(catalog: AreaCatalog, tree: PointTree) -> None:
    side_by_side = np.sort(tree.reached(Shape(catalog.union(catalog.whole))))
    assert np.array_equal(side_by_side, plain(tree, shapely.union_all(catalog.metric[list(catalog.whole)])))


def test_many_zips_side_by_side_reach_what_their_union_does(catalog: AreaCatalog, tree: PointTree) -> None:
    zips = [area.index for area in catalog.areas if area.layer == "zip" and area.borough == "Brooklyn" and area.origin == "mapped"]
    side_by_side = np.sort(tree.reached(Shape(catalog.union(zips))))
    assert np.array_equal(side_by_side, plain(tree, shapely.union_all(catalog.metric[zips])))


@pytest.mark.parametrize("shape", ["ring", "needle", "comb", "grating", "crumb"])
def test_odd_shapes_reach_what_measuring_every_point_finds(tree: PointTree, shape: str) -> None:
    """A hole in the middle, hardly any width, many bays, borders at all places of a cell, hardly any size."""
    odd = {
        "ring": shapely.Point(-2_000, -1_000).buffer(4_000).difference(shapely.Point(-2_000, -1_000).buffer(3_000)),
        "needle": shapely.box(-6_000, -1_000, 5_000, -999.5),
        "comb": shapely.union_all([shapely.box(-4_000 + 400 * tooth, -3_000, -3_900 + 400 * tooth, 1_000) for tooth in range(10)]),
        "grating": shapely.union_all([shapely.box(-2_300 + 37.3 * bar, -1_300, -2_283 + 37.3 * bar, -700) for bar in range(16)]),
        "crumb": shapely.box(-2_000, -1_000, -1_999.99, -999.99),
    }[shape]
    assert np.array_equal(np.sort(tree.reached(Shape(odd))), plain(tree, odd))


@pytest.mark.parametrize(
    ("x", "y", "radius"), [(-2_000.0, -1_000.0, 10.0), (-2_000.0, -1_000.0, 800.0), (30_000.0, 0.0, 12_000.0), (0.0, 0.0, 90_000.0)]
)
def test_a_circle_reaches_whoever_is_nearer_than_both_radii(tree: PointTree, x: float, y: float, radius: float) -> None:
    expected = np.sort(tree.owner[np.hypot(tree.x - x, tree.y - y) <= tree.radius + radius])
    assert np.array_equal(np.sort(tree.reached(Disc(x, y, radius))), expected)


def test_a_tree_without_points_reaches_nobody() -> None:
    nothing = np.zeros(0)
    tree = PointTree(nothing, nothing, nothing, nothing.astype(np.int32))
    assert len(tree.reached(Disc(0, 0, 1e6))) == 0
