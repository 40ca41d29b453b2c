"""The Atom feed holds what is public and real, is valid by RFC 4287, and narrows to a ZIP, a topic or a language."""

from __future__ import annotations

from typing import Any

import pytest
import shapely
from lxml import etree
from shapely.geometry import Polygon, shape

from hub.alerts.store import StoredAlert
from hub.errors import InvalidInput
from hub.feeds.atom import ATOM, GEORSS, alerts_atom, entry_id
from hub.feeds.selection import Selection, read_selection, select
from subscriptions.areas import AreaCatalog
from tests.hub.alerts.documents import NOW, SQUARE, minimal
from tests.hub.alerts.stored import PUBLIC_URL, stored

HOLE = [[-73.985, 40.685], [-73.975, 40.685], [-73.975, 40.695], [-73.985, 40.695], [-73.985, 40.685]]
NAMES = {"a": ATOM, "g": GEORSS}
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
TWO = [
    {"language": "en-US", "headline": "Flood & <storm>", "description": "Water", "instruction": "Go up"},
    {"language": "es", "headline": "Inundación"},
]


def feed(alerts: list[StoredAlert], selection: Selection | None = None) -> etree._Element:
    return etree.fromstring(alerts_atom(alerts, public_url=PUBLIC_URL, hub_name="Tocsin", updated=NOW, selection=selection))


def found(element: etree._Element, path: str) -> list[Any]:
    result = element.xpath(path, namespaces=NAMES)
    assert isinstance(result, list)
    return result


def check_rfc_4287(root: etree._Element) -> None:
    """What §4.1 asks of a feed and its entries."""
    for element in [root, *found(root, "a:entry")]:
        for name in ("id", "title", "updated"):
            assert len(found(element, f"a:{name}")) == 1
            assert element.findtext(f"{{{ATOM}}}{name}")
        assert found(element, "a:author/a:name")
        alternates = [(link.get("type"), link.get("hreflang")) for link in found(element, "a:link[@rel='alternate']")]
        assert alternates
        assert len(alternates) == len(set(alternates))
    ids = [element.text for element in found(root, "a:entry/a:id")]
    assert len(ids) == len(set(ids))
    for element in found(root, "//a:updated | //a:published"):
        assert element.text.endswith("Z")
        assert len(element.text) == 20


def test_a_feed_without_alerts_is_valid(catalog: AreaCatalog) -> None:
    root = feed([])
    check_rfc_4287(root)
    assert root.findtext(f"{{{ATOM}}}updated") == "2026-11-22T19:00:00Z"


def test_an_alert_that_left_the_feed_moves_its_updated_too(catalog: AreaCatalog) -> None:
    left = NOW + 7200
    xml = alerts_atom([stored(catalog)], public_url=PUBLIC_URL, hub_name="Tocsin", updated=left)
    assert etree.fromstring(xml).findtext(f"{{{ATOM}}}updated") == "2026-11-22T21:00:00Z"


def test_an_entry_carries_the_words_their_language_and_the_way_to_the_cap_document(catalog: AreaCatalog) -> None:
    alert = stored(catalog, minimal(infos=TWO, topics=["weather", "transit"]))
    root = feed([alert])
    check_rfc_4287(root)
    entry = found(root, "a:entry")[0]
    assert entry.get(LANG) == "en-US"
    assert entry.findtext(f"{{{ATOM}}}title") == "Flood & <storm>"
    assert entry.findtext(f"{{{ATOM}}}content") == "Water\n\nGo up"
    assert found(entry, "a:category[not(@scheme)]/@term") == ["weather", "transit"]
    assert found(entry, "a:link[@type='application/cap+xml']/@href") == [f"{PUBLIC_URL}/feeds/cap/al_1.xml"]
    assert found(entry, "a:link[@type='text/html']/@href") == [f"{PUBLIC_URL}/alerts/al_1"]


def test_the_id_is_stable_and_updated_moves_when_the_alert_ends(catalog: AreaCatalog) -> None:
    live = stored(catalog)
    ended = stored(catalog, status="ended", ended_at=int(NOW * 1000) + 3_600_000)
    assert entry_id(live, PUBLIC_URL) == entry_id(ended, PUBLIC_URL) == "tag:alerts.example.gov,2026-11-22:alert:al_1"
    assert [feed([alert]).findtext(f"{{{ATOM}}}updated") for alert in (live, ended)] == ["2026-11-22T19:01:00Z", "2026-11-22T20:00:00Z"]


def test_drawn_shapes_are_there_as_georss(catalog: AreaCatalog) -> None:
    area = {"polygon": {"type": "Polygon", "coordinates": [SQUARE]}, "circle": {"lat": 40.7, "lon": -73.99, "radius_m": 800}}
    entry = found(feed([stored(catalog, minimal(area=area))]), "a:entry")[0]
    polygon = entry.findtext(f"{{{GEORSS}}}polygon") or ""
    assert polygon.split()[:2] == ["40.680000", "-73.990000"]
    assert entry.findtext(f"{{{GEORSS}}}circle") == "40.700000 -73.990000 800"


def test_whoever_lives_in_a_hole_of_a_drawn_shape_is_in_none_of_its_polygons(catalog: AreaCatalog) -> None:
    drawn = {"type": "Polygon", "coordinates": [SQUARE, HOLE]}
    entry = found(feed([stored(catalog, minimal(area={"polygon": drawn}))]), "a:entry")[0]
    numbers = [[float(number) for number in element.text.split()] for element in found(entry, "g:polygon")]
    parts = [Polygon(zip(ring[1::2], ring[::2], strict=True)) for ring in numbers]
    assert shapely.union_all(parts).symmetric_difference(shape(drawn)).area < 1e-9


@pytest.mark.parametrize(
    ("changes", "public"),
    [
        ({"status": "live"}, True),
        ({"status": "ended"}, True),
        ({"status": "stopped"}, True),
        ({"status": "draft"}, False),
        ({"status": "awaiting_approval"}, False),
        ({"status": "scheduled"}, False),
    ],
)
def test_only_what_was_published_is_shown(changes: dict[str, str], public: bool, catalog: AreaCatalog) -> None:
    assert bool(select([stored(catalog, **changes)], Selection(), catalog)) is public


@pytest.mark.parametrize("status", ["Test", "Exercise"])
def test_drills_and_tests_are_not_shown(status: str, catalog: AreaCatalog) -> None:
    assert select([stored(catalog, minimal(status=status))], Selection(), catalog) == []


@pytest.mark.parametrize(
    ("area", "zip_code", "shown"),
    [
        ({"zips": ["11201"]}, "11201", True),
        ({"zips": ["11201"]}, "11205", False),
        ({"boroughs": ["Brooklyn"]}, "11201", True),
        ({"boroughs": ["Queens"]}, "11201", False),
        ({"citywide": True}, "11201", True),
        ({"polygon": {"type": "Polygon", "coordinates": [SQUARE]}}, "11201", True),
        ({"polygon": {"type": "Polygon", "coordinates": [SQUARE]}}, "10451", False),
        ({"circle": {"lat": 40.695, "lon": -73.99, "radius_m": 300}}, "11201", True),
        ({"circle": {"lat": 40.695, "lon": -73.99, "radius_m": 300}}, "10451", False),
    ],
)
def test_the_feed_narrows_to_a_zip(area: dict[str, Any], zip_code: str, shown: bool, catalog: AreaCatalog) -> None:
    selection = read_selection({"zip": zip_code}, catalog)
    assert bool(select([stored(catalog, minimal(area=area))], selection, catalog)) is shown


def test_the_feed_narrows_to_a_topic(catalog: AreaCatalog) -> None:
    alert = stored(catalog, minimal(topics=["fire"]))
    assert select([alert], read_selection({"topic": "fire"}, catalog), catalog) == [alert]
    assert select([alert], read_selection({"topic": "weather"}, catalog), catalog) == []


def test_the_feed_narrows_to_a_language_and_says_so(catalog: AreaCatalog) -> None:
    alert = stored(catalog, minimal(infos=TWO))
    selection = read_selection({"language": "es-PR"}, catalog)
    assert select([alert, stored(catalog, id="al_2")], selection, catalog) == [alert]
    root = feed([alert], selection)
    check_rfc_4287(root)
    assert (root.get(LANG), found(root, "a:entry")[0].get(LANG)) == ("es", "es")
    assert found(root, "a:entry/a:title")[0].text == "Inundación"
    assert root.findtext(f"{{{ATOM}}}id") == f"{PUBLIC_URL}/feeds/alerts.atom?language=es"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"zip": "99999"}, "/zip"),
        ({"zip": ""}, "/zip"),
        ({"topic": "sports"}, "/topic"),
        ({"language": "tlh"}, "/language"),
        ({"zips": "11201"}, "/zips"),
    ],
)
def test_a_wrong_or_unknown_parameter_is_an_error_and_never_ignored(query: dict[str, str], pointer: str, catalog: AreaCatalog) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_selection(query, catalog)
    assert [error.pointer for error in refused.value.errors] == [pointer]
