"""Another city: a folder of GeoJSON, one file per layer (``zip.geojson``, ``neighborhood.geojson``, ``borough.geojson``, …).

Each file is a FeatureCollection of Polygons or MultiPolygons in degrees (RFC 7946). A feature's properties are ``id`` and ``name``, and
where known ``borough``, ``population``, ``aliases`` (a list) and ``same`` (the area's six-digit SAME code of CAP geocodes).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import shapely

from subscriptions.area_record import AreaRecord, City
from subscriptions.errors import CityUnreadable

ORDER = ("zip", "neighborhood", "borough")
"""Layers that the hub knows by name come first."""


class _Properties(msgspec.Struct, forbid_unknown_fields=True):
    id: str | int
    name: str
    borough: str | None = None
    population: int | None = None
    aliases: tuple[str, ...] = ()
    same: str | None = None


class _Feature(msgspec.Struct):
    properties: _Properties
    geometry: dict[str, Any]


class _Collection(msgspec.Struct):
    features: list[_Feature]


def city(folder: Path) -> City:
    """Read all layers. Raises CityUnreadable naming the file and the feature."""
    files = sorted(folder.glob("*.geojson"), key=lambda file: (ORDER.index(file.stem) if file.stem in ORDER else len(ORDER), file.stem))
    if not files:
        raise CityUnreadable(f"{folder}: no *.geojson here; each layer is one file, for instance zip.geojson")
    return City(folder.name, tuple(record for file in files for record in _layer(file)))


def _layer(file: Path) -> list[AreaRecord]:
    try:
        features = msgspec.json.decode(file.read_bytes(), type=_Collection).features
    except (OSError, msgspec.MsgspecError) as error:
        raise CityUnreadable(f"{file}: {error}") from None
    records = [_record(file, number, feature) for number, feature in enumerate(features)]
    if len({record.id for record in records}) != len(records):
        raise CityUnreadable(f"{file}: two features have the same id")
    return records


def _record(file: Path, number: int, feature: _Feature) -> AreaRecord:
    at = f"{file}: feature {number} ({feature.properties.name})"
    try:
        shape = shapely.from_geojson(msgspec.json.encode(feature.geometry))
    except shapely.errors.GEOSException as error:
        raise CityUnreadable(f"{at}: {error}") from None
    if shape.geom_type not in {"Polygon", "MultiPolygon"} or shape.is_empty:
        raise CityUnreadable(f"{at}: expected a Polygon or MultiPolygon that is not empty")
    if not shape.is_valid:
        raise CityUnreadable(f"{at}: {shapely.is_valid_reason(shape)}")
    about = feature.properties
    return AreaRecord(file.stem, str(about.id), about.name, shape, about.borough, about.population, about.aliases, about.same)
