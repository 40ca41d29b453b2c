"""The public alerts as GeoJSON (RFC 7946), one feature each, for maps and geographic programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import shapely
from shapely.geometry import mapping, shape

from hub.alerts import area
from hub.alerts.store import StoredAlert
from hub.clock import instant
from hub.feeds.atom import changed, content, since
from hub.feeds.json_feed import Cap, cap
from hub.feeds.selection import Selection, words
from subscriptions.areas import AreaCatalog


class Properties(msgspec.Struct, frozen=True, kw_only=True):
    """One alert in one language; the rest is CAP's."""

    headline: str
    text: str
    language: str
    agency: str
    topics: tuple[str, ...]
    sent: datetime
    updated: datetime
    url: str
    cap: Cap


def alerts_geojson(alerts: Sequence[StoredAlert], catalog: AreaCatalog, *, public_url: str, selection: Selection, **_more: Any) -> bytes:
    """A FeatureCollection in UTF-8; the parameters are those of `hub.feeds.atom.alerts_atom`.

    Longitude comes first, and shells run counterclockwise (RFC 7946 §3.1.1, §3.1.6).
    """
    base = public_url.rstrip("/")
    features = [
        {
            "type": "Feature",
            "id": alert.id,
            "geometry": _geometry(alert, catalog),
            "properties": _properties(alert, selection, base),
        }
        for alert in alerts
    ]
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def _geometry(alert: StoredAlert, catalog: AreaCatalog) -> dict[str, Any] | None:
    parts = [shapely.make_valid(shape(feature["geometry"])) for feature in area.geojson(alert.area, catalog)["features"]]
    return dict(mapping(shapely.orient_polygons(shapely.union_all(parts)))) if parts else None


def _properties(alert: StoredAlert, selection: Selection, base: str) -> Properties:
    info = words(alert, selection.language)
    return Properties(
        headline=info.headline,
        text=content(info),
        language=info.language,
        agency=alert.agency,
        topics=alert.document.topics,
        sent=instant(since(alert) / 1000),
        updated=instant(changed(alert) / 1000),
        url=f"{base}/alerts/{alert.id}",
        cap=cap(alert),
    )
