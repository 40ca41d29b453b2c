"""The public alerts as RSS 2.0, for readers that know nothing newer. The same entries as in `hub.feeds.atom`, with the same ids."""

from __future__ import annotations

from collections.abc import Sequence
from email.utils import formatdate
from typing import Any

from lxml import etree

from hub.alerts.alert import Info
from hub.alerts.store import StoredAlert
from hub.feeds.atom import ATOM, changed, content, entry_id, since, summary
from hub.feeds.selection import Selection, words
from subscriptions.areas import AreaCatalog

FEED_PATH = "/feeds/alerts.rss"
TTL_MINUTES = 1

_DC = "http://purl.org/dc/elements/1.1/"
_NAMESPACES: dict[Any, str] = {"atom": ATOM, "dc": _DC}


def alerts_rss(
    alerts: Sequence[StoredAlert], _: AreaCatalog, *, public_url: str, hub_name: str, updated: float, selection: Selection
) -> bytes:
    """The feed in UTF-8; the parameters are those of `hub.feeds.atom.alerts_atom`."""
    base = public_url.rstrip("/")
    rss = etree.Element("rss", nsmap=_NAMESPACES, attrib={"version": "2.0"})
    channel = etree.SubElement(rss, "channel")
    _add(channel, "title", hub_name)
    _add(channel, "link", f"{base}/")
    _add(channel, "description", hub_name)
    _add(channel, "language", selection.language or "en")
    _add(channel, "lastBuildDate", formatdate(max([updated, *(changed(alert) / 1000 for alert in alerts)]), usegmt=True))
    _add(channel, "generator", "Tocsin")
    _add(channel, "ttl", str(TTL_MINUTES))
    own = {"rel": "self", "type": "application/rss+xml", "href": f"{base}{FEED_PATH}" + (f"?{selection.query}" if selection.query else "")}
    etree.SubElement(channel, f"{{{ATOM}}}link", attrib=own)
    for alert in alerts:
        _add_item(channel, alert, words(alert, selection.language), base)
    return etree.tostring(rss, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _add_item(channel: etree._Element, alert: StoredAlert, info: Info, base: str) -> None:
    item = etree.SubElement(channel, "item")
    _add(item, "title", summary(alert, info))
    _add(item, "link", f"{base}/alerts/{alert.id}")
    _add(item, "guid", entry_id(alert, base)).set("isPermaLink", "false")
    _add(item, "pubDate", formatdate(since(alert) / 1000, usegmt=True))
    _add(item, f"{{{_DC}}}creator", alert.agency)
    for topic in alert.document.topics:
        _add(item, "category", topic)
    _add(item, "description", content(info))


def _add(parent: etree._Element, name: str, text: str) -> etree._Element:
    element = etree.SubElement(parent, name)
    element.text = text
    return element
