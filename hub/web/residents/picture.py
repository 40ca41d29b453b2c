"""Where an alert holds, as a small drawing: for whoever has no JavaScript, prints the page, or keeps a copy of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import shapely
from shapely.geometry.base import BaseGeometry

from hub.alerts.area import shapes_of

if TYPE_CHECKING:
    from hub.alerts.store import StoredAlert
    from subscriptions.areas import AreaCatalog

WIDTH, HEIGHT = 640, 420
AROUND = 0.6
"""How much of the city is drawn on each side, as a share of the alert's own width."""
LEAST_M = 4_000.0
"""Width of the smallest drawing: a single block would say nothing."""
ALERT = 'fill="#a8071a" fill-opacity=".35" stroke="#a8071a" stroke-width="3"'
LAND = 'fill="#ffffff" stroke="#77828f" stroke-width="1"'
HATCHED = 'fill="url(#h)"'
WATER = "#d7e3f0"


def picture(stored: StoredAlert, catalog: AreaCatalog) -> bytes:
    """An SVG of `WIDTH` by `HEIGHT`, north up: the named parts of the city around it, and the area hatched in red."""
    named = [place.metric for key in stored.area.keys if (place := catalog.get(key)) is not None]
    land = catalog.metric[[area.index for area in catalog.areas if area.layer == catalog.areas[catalog.whole[0]].layer]]
    holds = list(land) if stored.area.citywide else [*named, *shapes_of(stored.area, catalog)]
    west, south, scale = _frame(shapely.union_all(holds).bounds if holds else shapely.union_all(land).bounds)
    seen = shapely.box(west, south, west + WIDTH * scale, south + HEIGHT * scale)

    def path(shapes: Iterable[BaseGeometry], look: str) -> str:
        drawn = (_outline(shapely.simplify(shapely.intersection(shape, seen), scale), west, south, scale) for shape in shapes)
        return f"<path {look} d={quoteattr(''.join(drawn))}/>"

    hatch = (
        '<pattern id="h" width="10" height="10" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<path d="M0 0v10" stroke="#a8071a" stroke-width="3"/></pattern>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<defs>{hatch}</defs><rect width="100%" height="100%" fill="{WATER}"/>'
        f"{path(land, LAND)}{path(holds, ALERT)}{path(holds, HATCHED)}</svg>"
    ).encode()


def _frame(bounds: tuple[float, float, float, float]) -> tuple[float, float, float]:
    """(west, south, metres per point) of a drawing with these bounds in its middle."""
    west, south, east, north = bounds
    wide, high = max(east - west, LEAST_M) * (1 + 2 * AROUND), max(north - south, LEAST_M) * (1 + 2 * AROUND)
    scale = max(wide / WIDTH, high / HEIGHT)
    return (west + east - WIDTH * scale) / 2, (south + north - HEIGHT * scale) / 2, scale


def _outline(shape: BaseGeometry, west: float, south: float, scale: float) -> str:
    # An islet that is smaller than a point of the drawing is simplified to nothing, and one faulty ring makes browsers drop what follows.
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and not part.is_empty]
    rings = [ring.coords for part in parts for ring in (part.exterior, *part.interiors)]
    return "".join(
        "M" + "L".join(f"{(x - west) / scale:.0f} {HEIGHT - (y - south) / scale:.0f}" for x, y in ring[:-1]) + "z" for ring in rings
    )
