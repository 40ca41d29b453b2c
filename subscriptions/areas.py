"""The areas of a city: found by name, drawn on maps, and tied to each other by a table of which belong together.

The catalogue is made of data: `open_city("nyc")` reads New York from two packages, any other name is a folder of GeoJSON layers.
ZIP areas of New York are modified ZCTAs, not USPS ZIP codes; `subscriptions.nyc` says what is odd about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import MultiPolygon, Point, mapping
from shapely.geometry.base import BaseGeometry

from subscriptions import folder_city, kept_city, nyc
from subscriptions.area_names import SUGGESTIONS_AT_MOST, NameIndex, fold
from subscriptions.area_overlaps import Geometries, Indices, measure
from subscriptions.area_record import AreaRecord, City, Origin
from subscriptions.errors import UnknownArea
from subscriptions.projection import G, LocalProjection

DISPLAY_DEGREES = 0.0002
"""Simplification of shapes that are only looked at; matching uses every vertex."""
OUTLINE_MARGIN_M = 800.0
"""Water around the city that still is the city: piers, bridges, half a river."""
_OUTLINE_DETAIL_M = 30.0

NAMES_KEPT, LONGEST_KEPT = 4_096, 80
"""Names as people type them whose area is remembered, and the longest of them: reading one takes longer than keeping a sign-up."""


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """One named place. `geometry` is in degrees (lon, lat), `metric` in metres; `index` is its row in the catalogue's tables."""

    index: int
    key: str
    """``zip:11201``, ``neighborhood:BK0101``, ``borough:3``: stable, and what is stored."""
    layer: str
    id: str
    name: str
    borough: str | None
    population: int | None
    geometry: BaseGeometry
    metric: BaseGeometry
    aliases: tuple[str, ...] = ()
    """Further names; for a ZIP area the other ZIPs that it stands for."""
    origin: Origin = "mapped"
    """`group` is made of mapped areas, `point` is a disc for a ZIP without an area; neither is drawn on maps."""
    same: str | None = None
    """Its SAME code, as in CAP geocodes."""


def open_city(name_or_folder: str) -> AreaCatalog:
    """`nyc`, or a folder of GeoJSON layers. Raises CityUnreadable."""
    if name_or_folder != "nyc":
        return AreaCatalog(folder_city.city(Path(name_or_folder)))
    kept = kept_city.read()
    if kept is None:
        city = nyc.city()
        catalog = AreaCatalog(city)
        kept_city.keep(kept_city.Made(city, catalog.overlaps, catalog.outline))
        return catalog
    return AreaCatalog(kept.city, kept)


class AreaCatalog:
    """All areas of one city. Immutable once built; safe to share between threads."""

    def __init__(self, city: City, kept: kept_city.Made | None = None) -> None:
        """`kept` is what was measured of the same city before."""
        shapes = np.array([record.geometry for record in city.records], dtype=object)
        west, south, east, north = shapely.total_bounds(shapes)
        self.name = city.name
        self.projection = LocalProjection((west + east) / 2, (south + north) / 2)
        self.metric: Geometries = self.projection.to_metric(shapes)
        self.areas = tuple(_area(*entry) for entry in enumerate(zip(city.records, self.metric, strict=True)))
        self.layers = tuple(dict.fromkeys(area.layer for area in self.areas))
        self._refused = {(layer, fold(text)): near for (layer, text), near in city.refused.items()}
        shapely.prepare(self.metric)
        self.overlaps = kept.overlaps if kept else measure(self.metric)
        self._outline = kept.outline if kept else None
        self._by_key = {area.key: area for area in self.areas}
        self._names = NameIndex((area.layer, area.index, area.name, (area.id, *area.aliases)) for area in self.areas)
        self._by_same = {record.same: area for record, area in zip(city.records, self.areas, strict=True) if record.same}
        mapped = [area for area in self.areas if area.origin == "mapped"]
        self._trees = {layer: _Mapped([area for area in mapped if area.layer == layer]) for layer in self.layers}
        self._tree = shapely.STRtree(self.metric)
        self._drawn: dict[str, bytes] = {}
        self._found = lru_cache(NAMES_KEPT)(self._look_up)

    def get(self, key: str) -> Area | None:
        """The area with a stored key."""
        return self._by_key.get(key)

    def by_key(self) -> Mapping[str, Area]:
        """All areas by their stored keys."""
        return MappingProxyType(self._by_key)

    def find(self, layer: str, text: str) -> Area | None:
        """The one area of a layer that goes by this name, in any case, accents or digits; None when there is none or more than one."""
        return self._found(layer, text) if len(text) <= LONGEST_KEPT else self._look_up(layer, text)

    def _look_up(self, layer: str, text: str) -> Area | None:
        index = None if self._is_refused(layer, text) else self._names.find(layer, text)
        return None if index is None else self.areas[index]

    def resolve(self, layer: str, text: str) -> Area:
        """As `find`. Raises UnknownArea with what could have been meant."""
        area = self.find(layer, text)
        if area is None:
            raise UnknownArea(text, self._suggestions(layer, text))
        return area

    def _is_refused(self, layer: str, text: str) -> bool:
        return (layer, fold(text)) in self._refused

    def _suggestions(self, layer: str, text: str) -> tuple[str, ...]:
        if self._is_refused(layer, text):
            return self._refused[layer, fold(text)]
        meant = sorted(self._names.sharing(layer, text)) or self._names.near(layer, text)
        return tuple(dict.fromkeys(self.areas[index].name for index in meant))[:SUGGESTIONS_AT_MOST]

    def search(self, text: str, limit: int = 10) -> list[Area]:
        """Areas of all layers whose names hold the text, best first."""
        return [self.areas[index] for index in self._names.search(text, limit)]

    def near(self, text: str) -> list[Area]:
        """What somebody may have meant who wrote a name that no area has, best first; of a number only ZIP codes."""
        layers = [layer for layer in self.layers if (layer == "zip") == fold(text).isdecimal()]
        names = [(layer, name) for layer in reversed(layers) for name in self._suggestions(layer, text)]
        found = [area for layer, name in names if (area := self.find(layer, name)) is not None]
        return list(dict.fromkeys([*self.search(text, SUGGESTIONS_AT_MOST), *found]))[:SUGGESTIONS_AT_MOST]

    def by_same(self, code: str) -> Area | None:
        """The area with a SAME code (CAP geocode, ``036047``)."""
        return self._by_same.get(code)

    def overlapping(self, index: int) -> Indices:
        """Indices of the areas that belong together with this one, itself included, sorted."""
        return self.overlaps.matching[index]

    def matching(self, indices: Iterable[int]) -> Indices:
        """Indices of the areas that belong together with any of these, sorted."""
        rows = [self.overlaps.matching[index] for index in indices]
        return np.unique(np.concatenate(rows)) if rows else np.zeros(0, dtype=np.intp)

    def adjacent(self, indices: Iterable[int]) -> list[Area]:
        """Mapped areas of the same layers that touch these and don't match any of them, by name (safeguard S10)."""
        given = list(indices)
        layers = {self.areas[index].layer for index in given}
        near = {int(other) for index in given for other in self.overlaps.touching[index]} - {int(other) for other in self.matching(given)}
        found = [area for area in map(self.areas.__getitem__, near) if area.layer in layers and area.origin == "mapped"]
        return sorted(found, key=lambda area: (area.layer, area.name))

    def covering(self, lon: float, lat: float, layer: str) -> Area | None:
        """The mapped area of a layer at a point; the smallest where two share a border. None in parks and water that no area covers."""
        tree = self._trees.get(layer)
        return tree.at(self.to_metric(Point(lon, lat))) if tree is not None else None

    def meeting(self, shape: BaseGeometry) -> Indices:
        """Indices of all areas that share at least a point with a metric shape."""
        near: Indices = self._tree.query(shape)
        return near[shapely.intersects(self.metric[near], shape)]

    def within(self, point: BaseGeometry, radius_m: float) -> Indices:
        """Indices of all areas nearer to a metric point than a radius."""
        near: Indices = self._tree.query(point.buffer(radius_m).envelope)
        return near[shapely.dwithin(self.metric[near], point, radius_m)]

    def union(self, indices: Iterable[int]) -> BaseGeometry:
        """The metric shape of several areas, for measuring distances to it.

        Areas that only touch are laid side by side, which is much faster than dissolving the borders between them.
        """
        chosen = sorted(set(indices))
        if any(np.isin(self.overlaps.crossing[index], chosen).any() for index in chosen):
            return shapely.union_all(self.metric[chosen])
        return MultiPolygon(shapely.get_parts(self.metric[chosen]).tolist())

    def to_metric(self, geometry: G) -> G:
        """A lon/lat geometry, or an array of them, in metres."""
        return self.projection.to_metric(geometry)

    def to_lonlat(self, geometry: G) -> G:
        """A metric geometry, or an array of them, in degrees."""
        return self.projection.to_lonlat(geometry)

    @cached_property
    def whole(self) -> tuple[int, ...]:
        """Indices of the layer that covers most: all its areas together are the city."""
        widest = max((tree.areas for tree in self._trees.values()), key=lambda areas: sum(area.metric.area for area in areas))
        return tuple(area.index for area in widest)

    @cached_property
    def outline(self) -> BaseGeometry:
        """The whole city in metres, with 800 m of water around it: what lies outside is not this hub's to alert."""
        outline = self._outline
        if outline is None:
            land = shapely.simplify(self.metric[list(self.whole)], _OUTLINE_DETAIL_M)
            outline = shapely.buffer(shapely.union_all(land), OUTLINE_MARGIN_M)
        shapely.prepare(outline)
        return outline

    def geojson(self, layer: str) -> bytes:
        """A FeatureCollection of a layer's mapped areas, simplified without gaps, for maps. Raises KeyError for an unknown layer."""
        if layer not in self._drawn:
            self._drawn[layer] = _collection(self._trees[layer].areas)
        return self._drawn[layer]


def _area(index: int, made: tuple[AreaRecord, BaseGeometry]) -> Area:
    record, metric = made
    return Area(
        index=index,
        key=f"{record.layer}:{record.id}",
        layer=record.layer,
        id=record.id,
        name=record.name,
        borough=record.borough,
        population=record.population,
        geometry=record.geometry,
        metric=metric,
        aliases=record.aliases,
        origin=record.origin,
        same=record.same,
    )


class _Mapped:
    """The mapped areas of one layer, found by place."""

    def __init__(self, areas: list[Area]) -> None:
        self.areas = areas
        self._tree = shapely.STRtree([area.metric for area in areas])

    def at(self, point: BaseGeometry) -> Area | None:
        found = [self.areas[index] for index in self._tree.query(point, predicate="intersects")]
        return min(found, key=lambda area: float(area.metric.area), default=None)


def _collection(areas: list[Area]) -> bytes:
    shapes: npt.NDArray[Any] = np.array([area.geometry for area in areas], dtype=object)
    simple = shapely.set_precision(shapely.coverage_simplify(shapes, DISPLAY_DEGREES), 0.00001)
    features = [
        {
            "type": "Feature",
            "id": area.key,
            "properties": {"key": area.key, "id": area.id, "name": area.name, "borough": area.borough, "population": area.population},
            "geometry": mapping(shape),
        }
        for area, shape in zip(areas, simple, strict=True)
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})
