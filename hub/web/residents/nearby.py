"""Which live alerts hold at given places: for the page that a person sees on confirming. What is sent is the matching's own answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from hub.alerts import area as areas
from hub.web.residents.places import area_of
from subscriptions.severity import MILDEST, rank

if TYPE_CHECKING:
    from hub.alerts.store import StoredAlert
    from subscriptions.areas import AreaCatalog
    from subscriptions.subscriber import PlaceRequest
    from subscriptions.views import SubscriptionView


def concerns(stored: StoredAlert, view: SubscriptionView, catalog: AreaCatalog) -> bool:
    """Whether this person wants this kind of alert, and one of their places is in its area."""
    document, drill = stored.document, stored.document.status != "Actual"
    shared = set(view.topics) & set(document.topics)
    grave = any(max(stored.grade, MILDEST) >= rank(view.severities.get(topic, view.minimum_severity)) for topic in shared)
    return grave and view.paused_until is None and (view.drills or not drill) and holds_at(stored, view.places, catalog)


def holds_at(stored: StoredAlert, places: Sequence[PlaceRequest], catalog: AreaCatalog) -> bool:
    """Whether the alert's area meets any of the places."""
    target = areas.target(stored.area, stored.document, stored.grade, catalog)
    if target.citywide or any(place.citywide for place in places):
        return True
    touched = {int(index) for index in catalog.matching(target.areas)}
    shapes: list[BaseGeometry] = [catalog.to_metric(polygon) for polygon in target.polygons]
    shapes += [_disc(lon, lat, radius, catalog) for lon, lat, radius in target.circles]
    outlines = shapes + [catalog.areas[index].metric for index in target.areas]
    for place in places:
        if place.lat is not None and place.lon is not None:
            disc = _disc(place.lon, place.lat, place.radius_m or 0, catalog)
            if any(disc.intersects(outline) for outline in outlines):
                return True
        elif place.polygon is not None:
            drawn = catalog.to_metric(shape(place.polygon))
            if any(drawn.intersects(outline) for outline in outlines):
                return True
        elif (named := area_of(place, catalog)) is not None and (
            named.index in touched or any(named.metric.intersects(drawn) for drawn in shapes)
        ):
            return True
    return False


def _disc(lon: float, lat: float, radius_m: float, catalog: AreaCatalog) -> BaseGeometry:
    return catalog.to_metric(Point(lon, lat)).buffer(max(radius_m, 1.0))
