"""Alerts of this hub as CAP 1.2 XML (OASIS, 1 July 2010), valid against its schema.

The hub speaks for itself: `sender` is its host, `identifier` the alert's id; `senderName` is the agency that originated the alert, and
`source` names where an imported one came from. Each
named area is an `area` element of its own, with its outline and with its codes (ZIP, SAME where it has one, and our own key, by which
`hub.alerts.cap_reader` finds exactly the same area again). CAP knows no holes, so a shape with holes is cut into parts without any.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import shapely
from lxml import etree
from shapely.geometry import MultiPolygon, Polygon, box, shape

from hub.alerts.alert import Circle, Info
from hub.alerts.cap_area import AREA_CODE, CITYWIDE, polygons_of
from hub.alerts.cap_reader import TOPICS_PARAMETER, Reference, cap_time
from hub.alerts.cap_xml import NAMESPACE
from hub.alerts.store import StoredAlert
from subscriptions.areas import Area, AreaCatalog

# lxml takes None for the default namespace, which its stubs don't know.
_DEFAULT_NAMESPACE: dict[Any, str] = {None: NAMESPACE}

OUTLINE_TOLERANCE_M = 25.0
OUTLINE_TOLERANCE_SHARE = 0.02
"""Outlines of named areas are simplified by 25 m, small ones by less: by this share of their width."""
MOST_POINTS = 500
"""A named area's outline with more points than this is simplified further."""
SMALLEST_PART = 0.01
"""Parts of a named area under this share of it, piers and rocks, are not drawn; its codes name them all the same."""
SMALLEST_HOLE_M2 = 100.0
"""Smaller holes of a named area are seams between the areas that it was put together from."""


def sender_of(public_url: str) -> str:
    """What this hub calls itself in CAP: its host, and its port where it is not the usual one."""
    return urlsplit(public_url).netloc.rpartition("@")[2] or "localhost"


def reference_to(stored: StoredAlert, public_url: str) -> Reference:
    """The triple by which other messages name an alert that this hub has written."""
    return Reference(sender_of(public_url), stored.id, _sent(stored))


def write_cap(
    stored: StoredAlert, catalog: AreaCatalog, *, public_url: str, city_name: str, references: tuple[Reference, ...] = ()
) -> bytes:
    """The document in UTF-8. `references`: what an Update or a Cancel is about, by `reference_to`."""
    alert = etree.Element(f"{{{NAMESPACE}}}alert", nsmap=_DEFAULT_NAMESPACE)
    document = stored.document
    _add(alert, "identifier", stored.id)
    _add(alert, "sender", sender_of(public_url))
    _add(alert, "sent", cap_time(_sent(stored)))
    _add(alert, "status", document.status)
    _add(alert, "msgType", document.msgType)
    _add(alert, "source", _source(stored))
    _add(alert, "scope", "Public")
    if references:
        _add(alert, "references", " ".join(reference.text for reference in references))
    for info in document.infos:
        _add_info(alert, stored, info, catalog, public_url=public_url, city_name=city_name)
    return etree.tostring(alert, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _source(stored: StoredAlert) -> str:
    return f"{stored.agency}, after {stored.sender} {stored.identifier}" if stored.identifier else stored.agency


def _sent(stored: StoredAlert) -> datetime:
    """When it went live here, in the time zone in which its author wrote."""
    milliseconds = stored.live_at if stored.live_at is not None else stored.created_at
    return datetime.fromtimestamp(milliseconds // 1000, UTC).astimezone(stored.document.expires.tzinfo)


def _add_info(alert: etree._Element, stored: StoredAlert, words: Info, catalog: AreaCatalog, *, public_url: str, city_name: str) -> None:
    document = stored.document
    info = etree.SubElement(alert, f"{{{NAMESPACE}}}info")
    _add(info, "language", words.language)
    _add(info, "category", document.category)
    _add(info, "event", document.event)
    _add(info, "urgency", document.urgency)
    _add(info, "severity", document.severity)
    _add(info, "certainty", document.certainty)
    if document.onset is not None:
        _add(info, "onset", cap_time(document.onset))
    _add(info, "expires", cap_time(document.expires))
    _add(info, "senderName", stored.agency)
    _add(info, "headline", words.headline)
    if words.description:
        _add(info, "description", words.description)
    if words.instruction:
        _add(info, "instruction", words.instruction)
    _add(info, "web", words.web or f"{public_url.rstrip('/')}/alerts/{stored.id}")
    _add_pair(info, "parameter", TOPICS_PARAMETER, " ".join(document.topics))
    _add_areas(info, stored, catalog, city_name)


def _add_areas(info: etree._Element, stored: StoredAlert, catalog: AreaCatalog, city_name: str) -> None:
    resolved = stored.area
    if resolved.citywide:
        area = _area(info, city_name)
        for borough in catalog.areas:
            if borough.same:
                _add_pair(area, "geocode", "SAME", borough.same)
        _add_pair(area, "geocode", AREA_CODE, CITYWIDE)
    named = [place for key in resolved.keys if (place := catalog.get(key)) is not None]
    for place in named:
        _add_named(info, place, catalog)
    if resolved.polygon or resolved.circle:
        others = {place.name for place in named}
        described = ", ".join(name for name in resolved.names if name not in others) or city_name
        _add_drawn(info, resolved.polygon, resolved.circle, described)


def _add_named(info: etree._Element, place: Area, catalog: AreaCatalog) -> None:
    area = _area(info, f"ZIP {place.name}" if place.layer == "zip" else place.name)
    for part in _outline(place, catalog):
        _add(area, "polygon", _ring(part))
    if place.layer == "zip":
        _add_pair(area, "geocode", "ZIP", place.id)
    if place.same:
        _add_pair(area, "geocode", "SAME", place.same)
    _add_pair(area, "geocode", AREA_CODE, place.key)


def _add_drawn(info: etree._Element, polygon: dict[str, object] | None, circle: Circle | None, described: str) -> None:
    area = _area(info, described)
    for part in polygons_of(shape(polygon)) if polygon else ():
        for whole in without_holes(part):
            _add(area, "polygon", _ring(whole))
    if circle:
        _add(area, "circle", f"{circle.lat!r},{circle.lon!r} {circle.radius_m / 1000!r}")


def _outline(place: Area, catalog: AreaCatalog) -> Iterator[Polygon]:
    """The area in degrees without holes and with few points: simplified more and more until it is short enough."""
    tolerance = min(OUTLINE_TOLERANCE_M, OUTLINE_TOLERANCE_SHARE * math.sqrt(place.metric.area))
    whole = MultiPolygon([_without_seams(part) for part in polygons_of(place.metric)])
    metric = whole.simplify(tolerance)
    while shapely.get_num_coordinates(metric) > MOST_POINTS and tolerance < 1000:
        tolerance *= 2
        metric = whole.simplify(tolerance)
    large = MultiPolygon([part for part in polygons_of(metric) if part.area >= SMALLEST_PART * metric.area])
    for part in polygons_of(catalog.projection.to_lonlat(large)):
        yield from without_holes(part)


def _without_seams(part: Polygon) -> Polygon:
    return Polygon(part.exterior, [ring for ring in part.interiors if Polygon(ring).area >= SMALLEST_HOLE_M2])


def without_holes(polygon: Polygon) -> Iterator[Polygon]:
    """The same area in parts: cut through the first hole, and each half again, until no part has one."""
    if not polygon.interiors:
        yield polygon
        return
    west, south, east, north = polygon.bounds
    cut = polygon.interiors[0].centroid.x
    for half in (box(west, south, cut, north), box(cut, south, east, north)):
        for part in polygons_of(polygon.intersection(half)):
            yield from without_holes(part)


def _ring(polygon: Polygon) -> str:
    return " ".join(f"{lat:.6f},{lon:.6f}" for lon, lat in polygon.exterior.coords)


def _area(info: etree._Element, described: str) -> etree._Element:
    area = etree.SubElement(info, f"{{{NAMESPACE}}}area")
    _add(area, "areaDesc", described)
    return area


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    element.text = text
    return element


def _add_pair(parent: etree._Element, name: str, value_name: str, value: str) -> None:
    pair = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    _add(pair, "valueName", value_name)
    _add(pair, "value", value)
