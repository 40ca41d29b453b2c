"""A made-up population, the same on every machine: who follows what, in numbers like those of a city of eight million.

A place is a ZIP (45 %, weighted by population), a point with a radius (35 %), a neighbourhood (15 %), a borough (4 %) or the whole city
(1 %). Of ten people seven have one place, so that there are 1.3 a person; of five, four have one address: 1.2 a person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from subscriptions import topics
from subscriptions.areas import AreaCatalog
from subscriptions.columns import CITY, POINT, AddressColumns, AddressKinds, PeopleColumns, PlaceColumns

RADII_M = (250.0, 400.0, 800.0, 1600.0, 3200.0)
CHANNELS = ("email", "sms", "web_push", "telegram", "webhook", "apprise")

_KINDS = ("zip", "point", "neighborhood", "borough", "city")
_KIND_SHARES = (0.45, 0.35, 0.15, 0.04, 0.01)
_RADIUS_SHARES = (0.10, 0.30, 0.35, 0.20, 0.05)
_CHANNEL_SHARES = (0.40, 0.25, 0.20, 0.08, 0.04, 0.03)
_LANGUAGE_SHARES = (0.62, 0.20, *(0.18 / 12 for _ in range(12)))
_SEVERITY_SHARES = (0.35, 0.35, 0.2, 0.08, 0.02)
_ONE_PLACE, _TWO_PLACES, _ONE_ADDRESS = 0.8, 0.9, 0.8
_EVERYDAY_SHARE = 0.7
_PICKED_SHARE = 0.4
_DRILLS_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Population:
    """Columns that `Audience.bulk` takes."""

    people: PeopleColumns
    places: PlaceColumns
    addresses: AddressColumns


def population(catalog: AreaCatalog, kinds: AddressKinds, count: int, seed: int = 2026) -> Population:
    """`count` people with ids from 1, and address ids from 1. The same seed gives the same people."""
    random = np.random.default_rng(seed)
    number = np.arange(1, count + 1, dtype=np.int64)
    return Population(_people(random, number), _places(random, catalog, number), _addresses(random, kinds, number))


def _people(random: np.random.Generator, number: npt.NDArray[np.int64]) -> PeopleColumns:
    count = len(number)
    bits = 1 << np.arange(len(topics.TOPICS))
    picked = np.maximum((random.random((count, len(bits))) < _PICKED_SHARE) @ bits, 1)
    chosen = np.where(random.random(count) < _EVERYDAY_SHARE, topics.mask(topics.EVERYDAY), picked)
    return PeopleColumns(
        number,
        random.choice(len(_LANGUAGE_SHARES), count, p=_LANGUAGE_SHARES).astype(np.uint8),
        chosen.astype(np.uint32),
        random.choice(len(_SEVERITY_SHARES), count, p=_SEVERITY_SHARES).astype(np.uint8),
        random.random(count) < _DRILLS_SHARE,
        np.zeros(count, dtype=np.int64),
    )


def _places(random: np.random.Generator, catalog: AreaCatalog, number: npt.NDArray[np.int64]) -> PlaceColumns:
    """80 % have one place, 10 % two, 10 % three."""
    draw = random.random(len(number))
    owner = np.repeat(number, 1 + (draw >= _ONE_PLACE).astype(int) + (draw >= _TWO_PLACES))
    kind = random.choice(len(_KINDS), len(owner), p=_KIND_SHARES)
    area = np.full(len(owner), CITY, dtype=np.int32)
    x, y, radius = (np.full(len(owner), np.nan) for _ in range(3))
    for position, layer in enumerate(_KINDS):
        chosen = np.flatnonzero(kind == position)
        if layer == "point":
            area[chosen] = POINT
            x[chosen], y[chosen] = _spots(random, catalog, len(chosen))
            radius[chosen] = random.choice(RADII_M, len(chosen), p=_RADIUS_SHARES)
        elif layer != "city":
            area[chosen] = _followed(random, catalog, layer, len(chosen))
    return PlaceColumns(owner, area, x, y, radius)


def _followed(random: np.random.Generator, catalog: AreaCatalog, layer: str, count: int) -> npt.NDArray[np.int32]:
    areas = [area for area in catalog.areas if area.layer == layer]
    weight = np.array([area.population or 500 for area in areas], dtype=np.float64)
    index = np.array([area.index for area in areas], dtype=np.int32)
    return random.choice(index, count, p=weight / weight.sum())


def _spots(random: np.random.Generator, catalog: AreaCatalog, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Points on land, as dense as people live: a ZIP by its population, then anywhere in it."""
    areas = [area for area in catalog.areas if area.layer == "zip" and area.origin == "mapped"]
    weight = np.array([area.population or 0 for area in areas], dtype=np.float64)
    each = random.multinomial(count, weight / weight.sum())
    spots = np.concatenate([_inside(random, area.metric, int(wanted)) for area, wanted in zip(areas, each, strict=True)])
    random.shuffle(spots)
    return spots[:, 0].copy(), spots[:, 1].copy()


def _inside(random: np.random.Generator, shape: BaseGeometry, wanted: int) -> npt.NDArray[np.float64]:
    west, south, east, north = shape.bounds
    found = np.zeros((0, 2))
    while len(found) < wanted:
        tries = random.uniform((west, south), (east, north), size=(3 * wanted + 10, 2))
        found = np.concatenate([found, tries[shapely.contains_xy(shape, tries)]])
    return found[:wanted]


def _addresses(random: np.random.Generator, kinds: AddressKinds, number: npt.NDArray[np.int64]) -> AddressColumns:
    owner = np.repeat(number, 1 + (random.random(len(number)) >= _ONE_ADDRESS))
    codes = np.array([kinds.code((channel, False, False)) for channel in CHANNELS], dtype=np.uint8)
    kind = random.choice(codes, len(owner), p=_CHANNEL_SHARES)
    return AddressColumns(owner, np.arange(1, len(owner) + 1, dtype=np.int64), kind)
