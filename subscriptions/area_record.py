"""What a city's loader hands to the catalogue: one record per area, and the names that are known but belong to no place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from shapely.geometry.base import BaseGeometry

Origin = Literal["mapped", "group", "point"]
"""`mapped`: drawn by the city. `group`: several mapped areas under the name that people use. `point`: a disc around one building."""


@dataclass(frozen=True, slots=True)
class AreaRecord:
    """One area in degrees (lon, lat). `aliases` are further names; `same` is its FIPS 6-4 code with the leading 0, as in CAP geocodes."""

    layer: str
    id: str
    name: str
    geometry: BaseGeometry
    borough: str | None = None
    population: int | None = None
    aliases: tuple[str, ...] = ()
    same: str | None = None
    origin: Origin = "mapped"


@dataclass(frozen=True, slots=True)
class City:
    """The areas of a city, and `refused`: (layer, name) → names to offer instead, for codes that exist and are nobody's home."""

    name: str
    records: tuple[AreaRecord, ...]
    refused: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
