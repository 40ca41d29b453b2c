"""People and targets at random, crowded where matching is hard: at rims, across borders, in single buildings and far outside."""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from subscriptions.areas import AreaCatalog
from subscriptions.columns import AddressRow, Person, PlaceRow
from subscriptions.matching import Target
from tests.subscriptions import oracle

CHANNELS = ("email", "sms", "web_push")


class Maker:
    """Everything follows from the seed."""

    def __init__(self, catalog: AreaCatalog, seed: int) -> None:
        self.catalog = catalog
        self.envelopes = shapely.envelope([area.geometry for area in catalog.areas])
        self.random = np.random.default_rng(seed)
        self._next_address = 1

    def target(self) -> Target:
        """One kind of area, or several together."""
        lon, lat = self.spot()
        kind = self.random.choice(["named", "polygon", "circle", "mixed", "city"], p=[0.35, 0.25, 0.2, 0.17, 0.03])
        return Target(
            areas=self.areas(lon, lat) if kind in {"named", "mixed"} else (),
            polygons=(self.polygon(lon, lat),) if kind in {"polygon", "mixed"} else (),
            circles=((lon, lat, self.size(10, 4_000)),) if kind == "circle" or (kind == "mixed" and self.random.random() < 0.5) else (),
            citywide=bool(kind == "city"),
            topics=int(self.random.integers(1, 64)),
            severity=int(self.random.integers(0, 5)),
            languages=frozenset({0, 1}) if self.random.random() < 0.2 else None,
            drill=bool(self.random.random() < 0.1),
        )

    def spot(self) -> tuple[float, float]:
        """A place somewhere in or near the city."""
        if self.random.random() < 0.1:
            return float(self.random.uniform(-74.6, -73.4)), float(self.random.uniform(40.3, 41.1))
        area = self.catalog.areas[self.random.integers(len(self.catalog.areas))]
        west, south, east, north = area.geometry.bounds
        return float(self.random.uniform(west, east)), float(self.random.uniform(south, north))

    def size(self, low: float, high: float) -> float:
        """Metres, small ones as likely as large ones."""
        return float(np.exp(self.random.uniform(np.log(low), np.log(high))))

    def areas(self, lon: float, lat: float) -> tuple[int, ...]:
        """One to four named areas near a place, of any layers."""
        near = self.near(lon, lat)
        return tuple(int(index) for index in self.random.choice(near, size=min(len(near), self.random.integers(1, 5)), replace=False))

    def near(self, lon: float, lat: float) -> list[int]:
        distances = shapely.distance(self.envelopes, shapely.Point(lon, lat))
        return [self.catalog.areas[at].index for at in np.argsort(distances, kind="stable")[:12]]

    def polygon(self, lon: float, lat: float) -> Polygon:
        """A star without crossings; now and then a long thin one."""
        corners = int(self.random.integers(4, 13))
        angles = np.sort(self.random.uniform(0, 2 * np.pi, corners))
        reach = self.size(60, 8_000) * self.random.uniform(0.4, 1.0, corners) / 111_000
        flat = 0.05 if self.random.random() < 0.15 else 1.0
        drawn = Polygon(np.column_stack([lon + reach * np.cos(angles) / 0.76, lat + flat * reach * np.sin(angles)]))
        return drawn if drawn.is_valid and drawn.area > 0 else self.polygon(lon, lat)

    def shapes(self, target: Target) -> list[BaseGeometry]:
        """What the target is made of, in degrees."""
        named = [self.catalog.areas[index].geometry for index in target.areas]
        return [*named, *target.polygons, *(shapely.Point(lon, lat) for lon, lat, _ in target.circles)]

    def person(self, number: int, target: Target) -> Person:
        """With one to three places, some of them just in or just out of reach of the target."""
        addresses = range(int(self.random.choice([0, 1, 1, 1, 2])))
        return Person(
            number,
            language=int(self.random.integers(0, 4)),
            topics=int(self.random.integers(1, 64)),
            minimum_severity=int(self.random.integers(0, 3)),
            drills=bool(self.random.random() < 0.5),
            places=tuple(self.place(target) for _ in range(int(self.random.integers(1, 4)))),
            addresses=tuple(self.address() for _ in addresses),
        )

    def address(self) -> AddressRow:
        self._next_address += 1
        return AddressRow(self._next_address, str(self.random.choice(CHANNELS)), bool(self.random.random() < 0.2))

    def place(self, target: Target) -> PlaceRow:
        kind = self.random.choice(["near", "named", "rim", "point", "city"], p=[0.3, 0.1, 0.4, 0.19, 0.01])
        shapes = self.shapes(target)
        if kind == "city":
            return PlaceRow("city")
        if kind == "named" or (not shapes and kind == "near"):
            return PlaceRow(self.catalog.areas[self.random.integers(len(self.catalog.areas))].key)
        if kind == "near":
            return PlaceRow(self.catalog.areas[self.random.choice(self.near(*self.by(shapes)))].key)
        if kind == "rim" and shapes:
            return self.at_rim(target, shapes)
        lon, lat = self.spot()
        return PlaceRow(None, lat, lon, self.size(50, 20_000))

    def by(self, shapes: list[BaseGeometry]) -> tuple[float, float]:
        """A corner of the target, give or take some hundred metres."""
        corners = shapely.get_coordinates(shapes[self.random.integers(len(shapes))])
        lon, lat = corners[self.random.integers(len(corners))] + self.random.normal(0, 0.005, 2)
        return float(lon), float(lat)

    def at_rim(self, target: Target, shapes: list[BaseGeometry]) -> PlaceRow:
        """A point whose radius ends a few metres before or behind the nearest edge of the target."""
        lon, lat = self.by(shapes)
        gap = min(oracle.distance(shape, lon, lat) for shape in shapes)
        gap -= max((radius for _, _, radius in target.circles), default=0.0) if len(shapes) == len(target.circles) else 0.0
        off = self.random.uniform(0.6, 4.0) * self.random.choice([-1, 1])
        return PlaceRow(None, lat, lon, max(50.0, min(20_000.0, gap + off)))
