"""People, their places and addresses as columns: what rows of the database become before they are sorted for matching."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import shapely

from subscriptions.areas import AreaCatalog

CITY_KEY = "city"
"""Stored key of the place that is the whole city."""

POINT, CITY, UNKNOWN = -1, -2, -3
"""What stands in `PlaceColumns.area` where it is no index of the catalogue."""

LEAST_RADIUS_M = 5.0
"""Smaller radii count as this one: no place is known better, and shapes laid side by side are exact from here on."""

LANGUAGE_BIT, TOPICS_BIT, SEVERITY_BIT = 40, 8, 1
"""Where each choice stands in the one number that holds the usual ones of a person; whether drills are taken is bit 0."""

QUIET_BIT = 39
"""Where the rule of quiet hours stands in `PeopleColumns.further`, above three bits for each of thirteen topics."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rows = Iterable[Sequence[Any]]


class PlaceRow(NamedTuple):
    """One place: the key of an area (or ``city``), a point in degrees with a radius in metres, or a GeoJSON polygon."""

    area: str | None
    lat: float | None = None
    lon: float | None = None
    radius_m: float | None = None
    shape: str | None = None


class AddressRow(NamedTuple):
    """One confirmed address. `simulated` always goes to the outbox; `discreet` is its owner's wish for neutral words."""

    id: int
    channel: str
    simulated: bool = False
    discreet: bool = False


class Person(NamedTuple):
    """One active subscriber. `language`, `topics` and `minimum_severity` are numbers of their modules."""

    id: int
    language: int
    topics: int
    minimum_severity: int
    drills: bool
    places: tuple[PlaceRow, ...]
    addresses: tuple[AddressRow, ...]
    severities: int = 0
    """`subscriptions.topics.levels`."""
    quiet: int = 0
    """Number of a rule of `subscriptions.quiet_hours`, 0 for none."""


@dataclass(frozen=True, slots=True)
class PeopleColumns:
    """Subscribers, in any order, each once."""

    id: Ints
    language: npt.NDArray[np.uint8]
    topics: npt.NDArray[np.uint32]
    minimum_severity: npt.NDArray[np.uint8]
    drills: npt.NDArray[np.bool_]
    further: Ints
    """The rarer choices in one number: `severities` and, above them, the number of the quiet hours' rule."""

    @classmethod
    def of(cls, rows: Rows) -> PeopleColumns:
        """From rows (subscriber id, language, topics, minimum severity, drills[, severities, quiet])."""
        kept = [(*row, 0, 0)[:7] for row in rows]
        number, language, topics, severity, drills, severities, quiet = _transposed(kept, 7)
        return cls(
            np.array(number, dtype=np.int64),
            np.array(language, dtype=np.uint8),
            np.array(topics, dtype=np.uint32),
            np.array(severity, dtype=np.uint8),
            np.array(drills, dtype=np.bool_),
            np.array(severities, dtype=np.int64) | np.array(quiet, dtype=np.int64) << QUIET_BIT,
        )

    @classmethod
    def unpacked(cls, number: Ints, choices: Ints, further: Ints) -> PeopleColumns:
        """From subscriber ids and all choices of each in two numbers."""
        return cls(
            np.ascontiguousarray(number),
            (choices >> LANGUAGE_BIT).astype(np.uint8),
            (choices >> TOPICS_BIT & 0xFFFFFFFF).astype(np.uint32),
            (choices >> SEVERITY_BIT & 7).astype(np.uint8),
            (choices & 1).astype(np.bool_),
            np.ascontiguousarray(further),
        )

    @property
    def severities(self) -> Ints:
        """`subscriptions.topics.levels` of each."""
        return self.further & (1 << QUIET_BIT) - 1

    @property
    def quiet(self) -> Ints:
        """Number of each person's rule of quiet hours, 0 for none."""
        return self.further >> QUIET_BIT

    def packed(self) -> Ints:
        """The usual choices of each person in one number, the language on top; `further` holds the others."""
        choices = self.language.astype(np.int64) << LANGUAGE_BIT | self.topics.astype(np.int64) << TOPICS_BIT
        return choices | self.minimum_severity.astype(np.int64) << SEVERITY_BIT | self.drills


@dataclass(frozen=True, slots=True)
class PlaceColumns:
    """Places: whose, and either an index of the catalogue or metric x, y and a radius."""

    owner: Ints
    """Subscriber id."""
    area: npt.NDArray[np.int32]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    radius: npt.NDArray[np.float64]

    @classmethod
    def of(cls, rows: Rows, catalog: AreaCatalog) -> PlaceColumns:
        """From rows (subscriber id, area key or None, lat, lon, radius in metres); none is a shape."""
        owner, area, lat, lon, radius = _transposed(rows, 5)
        codes = AreaCodes(catalog)
        x, y = catalog.projection.xy(_floats(lon), _floats(lat))
        return cls(
            np.array(owner, dtype=np.int64),
            np.fromiter((codes[key] for key in area), dtype=np.int32, count=len(area)),
            x,
            y,
            np.fmax(_floats(radius), LEAST_RADIUS_M),
        )

    @classmethod
    def points(cls, owner: Ints, lon: Floats, lat: Floats, radius: Floats, catalog: AreaCatalog) -> PlaceColumns:
        """Only points, in degrees, each with a radius in metres."""
        x, y = catalog.projection.xy(np.ascontiguousarray(lon), np.ascontiguousarray(lat))
        return cls(owner, np.full(len(owner), POINT, dtype=np.int32), x, y, np.fmax(radius, LEAST_RADIUS_M))


class AreaCodes(dict[str | None, int]):
    """Stored key of a place's area → what stands for it in `PlaceColumns.area`."""

    def __init__(self, catalog: AreaCatalog) -> None:
        super().__init__({key: area.index for key, area in catalog.by_key().items()})
        self.update({None: POINT, CITY_KEY: CITY})

    def __missing__(self, _: str | None) -> int:
        return UNKNOWN


@dataclass(frozen=True, slots=True)
class ShapeColumns:
    """Places that were drawn: whose, and the shape in metres. Few people draw, and each shape is asked on its own."""

    owner: Ints
    """Subscriber id."""
    shape: npt.NDArray[np.object_]

    @classmethod
    def of(cls, rows: Rows, catalog: AreaCatalog) -> ShapeColumns:
        """From rows (subscriber id, GeoJSON)."""
        owner, written = _transposed(rows, 2)
        if not owner:
            return cls.none()
        return cls(np.array(owner, dtype=np.int64), catalog.projection.to_metric(shapely.from_geojson(np.array(written, dtype=object))))

    @classmethod
    def none(cls) -> ShapeColumns:
        """Nobody drew anything."""
        return cls(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=object))


@dataclass(frozen=True, slots=True)
class AddressColumns:
    """Addresses: whose, and a code of `AddressKinds`."""

    owner: Ints
    """Subscriber id."""
    id: Ints
    kind: npt.NDArray[np.uint8]

    @classmethod
    def of(cls, rows: Rows, kinds: AddressKinds) -> AddressColumns:
        """From rows (address id, subscriber id, channel, simulated[, discreet])."""
        number, owner, channel, simulated, discreet = _transposed([(*row, False)[:5] for row in rows], 5)
        return cls(np.array(owner, dtype=np.int64), np.array(number, dtype=np.int64), kinds.codes(channel, simulated, discreet))


class AddressKinds:
    """Small numbers for (channel, simulated, discreet), given out as they are met."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, bool, bool], int] = {}
        self.names: list[tuple[str, bool, bool]] = []

    def codes(self, channels: Sequence[str], simulated: Sequence[Any], discreet: Sequence[Any]) -> npt.NDArray[np.uint8]:
        """Codes of many addresses."""
        kinds = zip(channels, map(bool, simulated), map(bool, discreet), strict=True)
        return np.fromiter((self.code(kind) for kind in kinds), dtype=np.uint8, count=len(channels))

    def code(self, kind: tuple[str, bool, bool]) -> int:
        """The code of one kind."""
        known = self._codes.get(kind)
        if known is None:
            known = self._codes[kind] = len(self.names)
            self.names.append(kind)
        return known


@dataclass(frozen=True, slots=True)
class Columns:
    """The tables together."""

    people: PeopleColumns
    places: PlaceColumns
    addresses: AddressColumns
    shapes: ShapeColumns = field(default_factory=ShapeColumns.none)


C = TypeVar("C", Columns, PeopleColumns, PlaceColumns, ShapeColumns, AddressColumns)


def of_persons(persons: Iterable[Person], catalog: AreaCatalog, kinds: AddressKinds) -> Columns:
    """Columns of a few people."""
    some = list(persons)
    return Columns(
        PeopleColumns.of([(*person[:5], person.severities, person.quiet) for person in some]),
        PlaceColumns.of([(person.id, *place[:4]) for person in some for place in person.places if place.shape is None], catalog),
        AddressColumns.of([(address.id, person.id, *address[1:]) for person in some for address in person.addresses], kinds),
        ShapeColumns.of([(person.id, place.shape) for person in some for place in person.places if place.shape is not None], catalog),
    )


def joined(parts: Sequence[C]) -> C:
    """Several of one kind, end to end."""
    names: dict[str, Any] = parts[0].__dataclass_fields__
    return type(parts[0])(*(_end_to_end([getattr(part, name) for part in parts]) for name in names))


def _end_to_end(parts: list[Any]) -> Any:
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else joined(parts)


def _transposed(rows: Rows, width: int) -> list[list[Any]]:
    """Column by column: `zip(*rows)` would open a million iterators at once."""
    kept = rows if isinstance(rows, list) else list(rows)
    return [[row[position] for row in kept] for position in range(width)]


def _floats(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    """None becomes NaN."""
    return np.array(values, dtype=np.float64)
