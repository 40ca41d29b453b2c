"""RSS, JSON Feed and GeoJSON say what the Atom feed says, each in its own form."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from lxml import etree
from shapely.geometry import Point, shape

from hub.feeds import atom
from hub.feeds.geojson import alerts_geojson
from hub.feeds.json_feed import alerts_json
from hub.feeds.rss import alerts_rss
from hub.feeds.selection import Selection
from subscriptions.areas import AreaCatalog
from tests.hub.alerts.documents import minimal
from tests.hub.alerts.stored import PUBLIC_URL, stored

SPANISH = {"language": "es", "headline": "Inundación <repentina>", "description": "Llueve.", "instruction": "Suba."}


def feed(write: Any, catalog: AreaCatalog, *alerts: Any, **selection: Any) -> bytes:
    return write(alerts, catalog, public_url=PUBLIC_URL, hub_name="Tocsin", updated=1_795_000_000.0, selection=Selection(**selection))


def test_rss_has_the_ids_and_texts_of_atom(catalog: AreaCatalog) -> None:
    alert = stored(catalog)
    channel = etree.fromstring(feed(alerts_rss, catalog, alert)).find("channel")
    (item,) = channel.findall("item")
    entry = etree.fromstring(feed(atom.alerts_atom, catalog, alert)).find(f"{{{atom.ATOM}}}entry")
    assert item.findtext("guid") == entry.findtext(f"{{{atom.ATOM}}}id")
    assert item.find("guid").get("isPermaLink") == "false"
    assert item.findtext("description") == entry.findtext(f"{{{atom.ATOM}}}content")
    assert item.findtext("link") == f"{PUBLIC_URL}/alerts/{alert.id}"
    assert parsedate_to_datetime(item.findtext("pubDate")).timestamp() == alert.live_at // 1000


def test_each_feed_speaks_the_language_that_it_is_asked_for(catalog: AreaCatalog) -> None:
    document = minimal()
    alert = stored(catalog, document | {"infos": [*document["infos"], SPANISH]})
    channel = etree.fromstring(feed(alerts_rss, catalog, alert, language="es")).find("channel")
    assert channel.findtext("language") == "es"
    assert SPANISH["headline"] in channel.findtext("item/title")
    made = json.loads(feed(alerts_json, catalog, alert, language="es"))
    assert (made["language"], made["items"][0]["title"], made["items"][0]["language"]) == ("es", SPANISH["headline"], "es")
    made = json.loads(feed(alerts_geojson, catalog, alert, language="es"))
    assert made["features"][0]["properties"]["headline"] == SPANISH["headline"]


def test_a_json_feed_has_what_its_version_asks_for(catalog: AreaCatalog) -> None:
    alert = stored(catalog)
    made = json.loads(feed(alerts_json, catalog, alert, topic=alert.document.topics[0]))
    assert made["version"] == "https://jsonfeed.org/version/1.1"
    assert made["feed_url"].endswith(f"/feeds/alerts.json?topic={alert.document.topics[0]}")
    (item,) = made["items"]
    assert item["id"] == atom.entry_id(alert, PUBLIC_URL)
    assert item["attachments"] == [{"url": f"{PUBLIC_URL}/feeds/cap/{alert.id}.xml", "mime_type": "application/cap+xml"}]
    assert item["_cap"]["severity"] == alert.document.severity


@pytest.mark.parametrize(
    ("area", "inside", "outside"),
    [
        ({"zips": ["11201"]}, (-73.9935, 40.6955), (-73.95, 40.80)),
        ({"citywide": True}, (-73.9935, 40.6955), (-74.5, 40.0)),
        ({"circle": {"lat": 40.6955, "lon": -73.9935, "radius_m": 300}}, (-73.9935, 40.6955), (-73.9835, 40.6955)),
    ],
)
def test_a_feature_covers_where_its_alert_holds(catalog: AreaCatalog, area: Any, inside: Any, outside: Any) -> None:
    made = json.loads(feed(alerts_geojson, catalog, stored(catalog, minimal() | {"area": area})))
    assert made["type"] == "FeatureCollection"
    (feature,) = made["features"]
    geometry = shape(feature["geometry"])
    assert geometry.covers(Point(inside))
    assert not geometry.covers(Point(outside))


@pytest.mark.parametrize(
    "area",
    [
        {"zips": ["11201"]},
        {"citywide": True},
        {"zips": ["11201"], "circle": {"lat": 40.6955, "lon": -73.9835, "radius_m": 900}},
        {"polygon": {"type": "Polygon", "coordinates": [[[-73.99, 40.69], [-73.99, 40.70], [-73.98, 40.70], [-73.99, 40.69]]]}},
    ],
)
def test_shells_run_counterclockwise_and_holes_clockwise(catalog: AreaCatalog, area: Any) -> None:
    """RFC 7946 §3.1.6."""
    made = json.loads(feed(alerts_geojson, catalog, stored(catalog, minimal() | {"area": area})))
    geometry = shape(made["features"][0]["geometry"])
    for part in getattr(geometry, "geoms", [geometry]):
        assert part.exterior.is_ccw
        assert not any(hole.is_ccw for hole in part.interiors)


@pytest.mark.parametrize("write", [alerts_rss, alerts_json, alerts_geojson])
def test_a_feed_without_alerts_is_a_whole_feed(catalog: AreaCatalog, write: Any) -> None:
    made = feed(write, catalog)
    if write is alerts_rss:
        assert etree.fromstring(made).find("channel/item") is None
    else:
        assert json.loads(made).get("items", json.loads(made).get("features")) == []
