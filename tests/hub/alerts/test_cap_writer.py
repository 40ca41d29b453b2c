"""CAP 1.2 out: what another hub reads back is what was published here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import pytest
import shapely
from lxml import etree
from shapely.geometry import Polygon, shape

from hub.alerts.area import resolve
from hub.alerts.cap_reader import CapDocument, Reference, read_cap
from hub.alerts.cap_writer import MOST_POINTS, reference_to, write_cap
from hub.alerts.cap_xml import NAMESPACE
from hub.alerts.store import StoredAlert
from subscriptions.areas import AreaCatalog
from tests.hub.alerts.documents import NOW, SQUARE, minimal
from tests.hub.alerts.stored import PUBLIC_URL, stored

CAP = f"{{{NAMESPACE}}}"
HOLE = [[-73.985, 40.685], [-73.975, 40.685], [-73.975, 40.695], [-73.985, 40.695], [-73.985, 40.685]]
AREAS: list[dict[str, Any]] = [
    {"zips": ["11201"]},
    {"zips": ["11201", "11205", "11693"]},
    {"zips": ["10118"]},
    {"neighborhoods": ["BK0101", "SI0101"]},
    {"boroughs": ["Queens"]},
    {"boroughs": ["Manhattan", "Bronx", "Brooklyn", "Queens", "Staten Island"]},
    {"zips": ["10451"], "boroughs": ["Staten Island"]},
    {"citywide": True},
    {"circle": {"lat": 40.7, "lon": -73.99, "radius_m": 812.5}},
]


def written(alert: StoredAlert, catalog: AreaCatalog, references: tuple[Reference, ...] = ()) -> bytes:
    return write_cap(alert, catalog, public_url=PUBLIC_URL, city_name="New York City", references=references)


def read_back(alert: StoredAlert, catalog: AreaCatalog, references: tuple[Reference, ...] = ()) -> CapDocument:
    return read_cap(written(alert, catalog, references), catalog, NOW)


def texts(xml: bytes, name: str) -> list[str]:
    return [element.text or "" for element in etree.fromstring(xml).iter(f"{CAP}{name}")]


@pytest.mark.parametrize("area", AREAS)
def test_named_areas_and_circles_come_back_as_exactly_the_same_place(area: dict[str, Any], catalog: AreaCatalog) -> None:
    alert = stored(catalog, minimal(area=area))
    back = resolve(read_back(alert, catalog).alert.area, catalog)
    assert set(back.keys) == set(alert.area.keys)
    assert (back.polygon, back.circle, back.citywide) == (None, alert.area.circle, alert.area.citywide)


@pytest.mark.parametrize(
    "coordinates", [[SQUARE], [SQUARE[::-1]], [SQUARE, HOLE], [[[-73.9812345678, 40.68], *SQUARE[1:4], [-73.9812345678, 40.68]]]]
)
def test_drawn_shapes_come_back_the_same_within_a_decimetre(coordinates: list[Any], catalog: AreaCatalog) -> None:
    """A hole is cut open, since CAP knows none, and is still not alerted."""
    polygon = {"type": "Polygon", "coordinates": coordinates}
    back = read_back(stored(catalog, minimal(area={"polygon": polygon})), catalog).alert.area
    assert back.polygon is not None
    difference = shapely.symmetric_difference(catalog.to_metric(shape(back.polygon)), catalog.to_metric(shape(polygon)))
    assert difference.area < 0.1 * catalog.to_metric(shape(polygon)).length


def test_words_and_facts_come_back(catalog: AreaCatalog) -> None:
    infos = [
        {
            "language": "en-US",
            "headline": "A & B <c>",
            "description": "one\n\ntwo ]]> \u202bx",
            "instruction": "“Go”",
            "web": "https://example.gov/?a=1&b=2",
        },
        {"language": "yi", "headline": "װעטער", "web": "https://example.gov/"},
    ]
    alert = stored(catalog, minimal(infos=infos, onset="2026-11-22T20:00:00Z", topics=["fire", "schools"], area={"citywide": True}))
    back = read_back(alert, catalog)
    assert back.alert == alert.document
    assert back.warnings == ()


def test_the_message_speaks_for_this_hub_in_its_authors_time_zone(catalog: AreaCatalog) -> None:
    xml = written(stored(catalog), catalog)
    assert texts(xml, "identifier") == ["al_1"]
    assert texts(xml, "sender") == ["alerts.example.gov"]
    assert texts(xml, "sent") == ["2026-11-22T14:01:00-05:00"]
    assert texts(xml, "expires") == ["2026-11-22T21:00:00-05:00"]
    assert texts(xml, "web") == [f"{PUBLIC_URL}/alerts/al_1"]
    assert texts(xml, "source") == ["Office of Examples"]
    assert texts(xml, "senderName") == ["Office of Examples"]


def test_utc_is_written_as_minus_zero_and_never_as_z(catalog: AreaCatalog) -> None:
    xml = written(stored(catalog, minimal(expires="2026-11-23T02:00:00.5Z")), catalog)
    assert texts(xml, "expires") == ["2026-11-23T02:00:00-00:00"]
    assert texts(xml, "sent") == ["2026-11-22T19:01:00-00:00"]


def test_an_imported_alert_names_where_it_came_from(catalog: AreaCatalog) -> None:
    xml = written(stored(catalog, sender="oem@example.gov", identifier="OEM-1"), catalog)
    assert texts(xml, "source") == ["Office of Examples, after oem@example.gov OEM-1"]


def test_a_cancel_refers_to_what_it_cancels(catalog: AreaCatalog) -> None:
    first = stored(catalog)
    cancel = stored(catalog, minimal(msgType="Cancel", references=["al_1"]), id="al_2", number=2)
    reference = reference_to(first, PUBLIC_URL)
    assert reference == Reference("alerts.example.gov", "al_1", datetime.fromisoformat("2026-11-22T14:01:00-05:00"))
    assert texts(written(cancel, catalog, (reference,)), "references") == ["alerts.example.gov,al_1,2026-11-22T14:01:00-05:00"]
    assert read_back(cancel, catalog, (reference,)).references == (reference,)


def test_areas_carry_the_codes_that_others_know_and_outlines_of_few_points(catalog: AreaCatalog) -> None:
    xml = written(stored(catalog, minimal(area={"zips": ["11201"], "boroughs": ["Queens"]})), catalog)
    codes = list(zip(texts(xml, "valueName"), texts(xml, "value"), strict=True))
    assert {("ZIP", "11201"), ("SAME", "036081"), ("tocsin:area", "borough:4")} <= set(codes)
    assert texts(xml, "areaDesc") == ["ZIP 11201", "Queens"]
    rings = [polygon.split() for polygon in texts(xml, "polygon")]
    assert rings
    assert all(ring[0] == ring[-1] and 4 <= len(ring) <= MOST_POINTS for ring in rings)


@pytest.mark.parametrize("key", ["neighborhood:East Flatbush", "neighborhood:Claremont", "zip:10025"])
def test_nobody_in_a_hole_of_a_named_area_lies_in_its_outline(key: str, catalog: AreaCatalog) -> None:
    place = catalog.by_key()[key]
    field = {"zip": "zips", "neighborhood": "neighborhoods"}[place.layer]
    rings = texts(written(stored(catalog, minimal(area={field: [place.id]})), catalog), "polygon")
    drawn = [Polygon([tuple(map(float, point.split(",")))[::-1] for point in ring.split()]) for ring in rings]
    outline = shapely.union_all([catalog.to_metric(part) for part in drawn])
    (hole,) = (Polygon(ring) for part in shapely.get_parts(place.metric) for ring in part.interiors)
    assert not outline.covers(hole.representative_point())
    assert outline.symmetric_difference(place.metric).area < 0.03 * place.metric.area


def test_seams_of_an_area_put_together_from_others_do_not_cut_its_outline(catalog: AreaCatalog) -> None:
    place = catalog.by_key()["neighborhood:East New York"]
    assert sum(len(part.interiors) for part in shapely.get_parts(place.metric)) > 10
    rings = texts(written(stored(catalog, minimal(area={"neighborhoods": [place.id]})), catalog), "polygon")
    assert len(rings) <= len(shapely.get_parts(place.metric))


def test_a_drawn_area_beside_a_named_one_is_described_by_what_it_lies_in(catalog: AreaCatalog) -> None:
    area = {"zips": ["10301"], "circle": {"lat": 40.6937, "lon": -73.9903, "radius_m": 300}}
    named, drawn = texts(written(stored(catalog, minimal(area=area)), catalog), "areaDesc")
    assert named == "ZIP 10301"
    assert drawn
    assert "10301" not in drawn


def test_a_drill_is_marked_as_one(catalog: AreaCatalog) -> None:
    assert texts(written(stored(catalog, minimal(status="Exercise")), catalog), "status") == ["Exercise"]


@pytest.mark.parametrize("place", ["zip", "neighborhood", "borough"])
def test_every_area_of_the_city_can_be_written_and_is_found_again(place: str, catalog: AreaCatalog) -> None:
    field = {"zip": "zips", "neighborhood": "neighborhoods", "borough": "boroughs"}[place]
    keys = [area for area in catalog.areas if area.layer == place]
    for start in range(0, len(keys), 25):
        some = keys[start : start + 25]
        alert = stored(catalog, minimal(area={field: [area.id for area in some]}))
        back = resolve(read_back(msgspec.structs.replace(alert, id="al_9"), catalog).alert.area, catalog)
        assert set(back.keys) == {area.key for area in some}
        assert back.polygon is None
