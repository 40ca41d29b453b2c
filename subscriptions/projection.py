"""Metres for one city: a transverse Mercator projection centred on it, true to scale along its middle.

Degrees times a constant read a north–south distance a quarter short at New York's latitude. Here the scale is 1 on the central meridian
(k=1) and off by 1.2e-5 at 30 km from it, so that 10 km are wrong by at most 12 cm anywhere in a city 60 km wide.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

Floats = npt.NDArray[np.float64]
LONGEST_EDGE_DEGREES = 0.01
"""Longer edges get vertices on their way: a straight line of 20 km along a parallel is 7 m off a straight line in metres."""

G = TypeVar("G", BaseGeometry, npt.NDArray[Any])


class LocalProjection:
    """WGS 84 degrees to metres east and north of a centre, and back."""

    def __init__(self, lon: float, lat: float) -> None:
        local = pyproj.CRS.from_proj4(f"+proj=tmerc +lon_0={lon:.6f} +lat_0={lat:.6f} +k=1 +x_0=0 +y_0=0 +ellps=WGS84 +units=m")
        self._forward = pyproj.Transformer.from_crs("EPSG:4326", local, always_xy=True)
        self._back = pyproj.Transformer.from_crs(local, "EPSG:4326", always_xy=True)

    def to_metric(self, geometry: G) -> G:
        """A lon/lat geometry, or an array of them, in metres. Edges stay straight in degrees, as RFC 7946 §3.1.1 means them, to 2 cm."""
        followed = shapely.segmentize(geometry, LONGEST_EDGE_DEGREES)
        moved: G = shapely.transform(followed, cast("Any", self.xy), interleaved=False)
        return moved

    def to_lonlat(self, geometry: G) -> G:
        """A metric geometry, or an array of them, in degrees."""
        moved: G = shapely.transform(geometry, cast("Any", self.lonlat), interleaved=False)
        return moved

    def xy(self, lon: Any, lat: Any) -> tuple[Floats, Floats]:
        """Arrays (or single numbers) of degrees in metres; infinite where the projection has no answer."""
        x, y = self._forward.transform(lon, lat)
        return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)

    def lonlat(self, x: Any, y: Any) -> tuple[Floats, Floats]:
        """Arrays (or single numbers) of metres in degrees."""
        lon, lat = self._back.transform(x, y)
        return np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
