"""The public alerts as an Atom feed (RFC 4287), readable by any feed reader and, through its links, by machines that know CAP.

Each entry is one alert in one language with `xml:lang`; its id is a tag URI (RFC 4151) that never changes, and `updated` moves when the
alert ends. Drawn areas are given as GeoRSS Simple, which knows no holes: a shape with holes is cut into parts without any.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from lxml import etree
from shapely.geometry import shape

from hub.alerts.alert import Info
from hub.alerts.area import ResolvedArea
from hub.alerts.cap_area import polygons_of
from hub.alerts.cap_writer import without_holes
from hub.alerts.store import StoredAlert
from hub.feeds.selection import Selection, words
from subscriptions.areas import AreaCatalog
from subscriptions.severity import SEVERITIES

ATOM = "http://www.w3.org/2005/Atom"
GEORSS = "http://www.georss.org/georss"
CONTENT_TYPE = "application/atom+xml; charset=utf-8"
FEED_PATH = "/feeds/alerts.atom"

_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# lxml takes None for the default namespace, which its stubs don't know.
_NAMESPACES: dict[Any, str] = {None: ATOM, "georss": GEORSS}


def alerts_atom(
    alerts: Sequence[StoredAlert],
    _: AreaCatalog | None = None,
    *,
    public_url: str,
    hub_name: str,
    updated: float,
    selection: Selection | None = None,
) -> bytes:
    """The feed in UTF-8.

    `alerts`: what `hub.feeds.selection.select` gave. `updated`: seconds since 1970 of the last change to what is public; an alert
    that has left the feed is such a change.
    """
    chosen = selection or Selection()
    base = public_url.rstrip("/")
    address = f"{base}{FEED_PATH}" + (f"?{chosen.query}" if chosen.query else "")
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=_NAMESPACES)
    feed.set(_LANG, chosen.language or "en")
    _add(feed, "id", address)
    _add(feed, "title", hub_name)
    _add(feed, "updated", _time(max((int(updated * 1000), *map(changed, alerts)))))
    _add(_add(feed, "author"), "name", hub_name)
    _link(feed, "self", address, "application/atom+xml")
    _link(feed, "alternate", f"{base}/", "text/html")
    _add(feed, "generator", "Tocsin")
    for alert in alerts:
        _add_entry(feed, alert, words(alert, chosen.language), base)
    return etree.tostring(feed, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def entry_id(alert: StoredAlert, public_url: str) -> str:
    """A tag URI: the hub's host, the day on which the alert was written, its id."""
    host = urlsplit(public_url).hostname or "localhost"
    return f"tag:{host},{_day(alert.created_at)}:alert:{alert.id}"


def _add_entry(feed: etree._Element, alert: StoredAlert, info: Info, base: str) -> None:
    entry = _add(feed, "entry")
    entry.set(_LANG, info.language)
    _add(entry, "id", entry_id(alert, base))
    _add(entry, "title", info.headline)
    _add(entry, "published", _time(since(alert)))
    _add(entry, "updated", _time(changed(alert)))
    _add(_add(entry, "author"), "name", alert.agency)
    _link(entry, "alternate", f"{base}/alerts/{alert.id}", "text/html")
    _link(entry, "alternate", f"{base}/feeds/cap/{alert.id}.xml", "application/cap+xml")
    for topic in alert.document.topics:
        _add(entry, "category").set("term", topic)
    _add_severity(entry, alert)
    _add(entry, "summary", summary(alert, info))
    _add(entry, "content", content(info))
    _add_shape(entry, alert.area)


def _add_severity(entry: etree._Element, alert: StoredAlert) -> None:
    category = _add(entry, "category")
    category.set("scheme", "urn:oasis:names:tc:emergency:cap:1.2#severity")
    category.set("term", SEVERITIES[alert.grade])


def content(info: Info) -> str:
    """All its words as plain text, what to do last."""
    return "\n\n".join(part for part in (info.description, info.instruction) if part) or info.headline


def summary(alert: StoredAlert, info: Info) -> str:
    """What and where, in one line."""
    places = ", ".join(alert.area.names)
    return f"{info.headline} ({places})" if places else info.headline


def _add_shape(entry: etree._Element, area: ResolvedArea) -> None:
    parts = polygons_of(shape(area.polygon)) if area.polygon else ()
    for whole in (whole for part in parts for whole in without_holes(part)):
        points = " ".join(f"{lat:.6f} {lon:.6f}" for lon, lat in whole.exterior.coords)
        etree.SubElement(entry, f"{{{GEORSS}}}polygon").text = points
    if area.circle is not None:
        circle = etree.SubElement(entry, f"{{{GEORSS}}}circle")
        circle.text = f"{area.circle.lat:.6f} {area.circle.lon:.6f} {area.circle.radius_m:.0f}"


def since(alert: StoredAlert) -> int:
    """When it went out, in milliseconds since 1970."""
    return alert.live_at if alert.live_at is not None else alert.created_at


def changed(alert: StoredAlert) -> int:
    """When it went out or ended, in milliseconds since 1970."""
    return max(since(alert), alert.ended_at or 0)


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).isoformat().replace("+00:00", "Z")


def _day(milliseconds: int) -> str:
    return _time(milliseconds)[:10]


def _link(parent: etree._Element, rel: str, href: str, media_type: str) -> None:
    link = _add(parent, "link")
    link.set("rel", rel)
    link.set("type", media_type)
    link.set("href", href)


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, f"{{{ATOM}}}{name}")
    element.text = text
    return element
