"""Open data: what is on here, the feeds, and the live stream."""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime

import pytest
from lxml import etree

from hub.live import KEPT, RETRY, Live, event

ON = "/api/v1/public/alerts"
HEIGHTS = {
    "type": "Polygon",
    "coordinates": [[[-73.998, 40.692], [-73.99, 40.692], [-73.99, 40.699], [-73.998, 40.699], [-73.998, 40.692]]],
}


@pytest.fixture
async def publish(program, hub):
    """Publishes alerts; the value is their id."""
    publisher = await program("publisher")

    async def one(**changes) -> str:
        status, body = await publisher("POST", "/api/v1/alerts", json=hub.alert(**changes))
        assert (status, body["status"]) == (201, "live"), body
        return body["id"]

    return one


async def _on(client, query: str = "") -> list[str]:
    async with client.get(f"{ON}?{query}") as response:
        assert response.status == 200, await response.text()
        return [alert["id"] for alert in (await response.json())["alerts"]]


@pytest.mark.parametrize(
    ("area", "here", "elsewhere"),
    [
        ({"zips": ["11201"]}, ["zip=11201", "lat=40.6955&lon=-73.9935", "bbox=-74.0,40.69,-73.98,40.70"], ["zip=11205", "zip=10451"]),
        ({"boroughs": ["Brooklyn"]}, ["zip=11201", "zip=11224", "lat=40.6955&lon=-73.9935"], ["zip=10451", "lat=40.8&lon=-73.95"]),
        ({"polygon": HEIGHTS}, ["zip=11201", "lat=40.6955&lon=-73.9935"], ["zip=11224", "lat=40.58&lon=-73.98"]),
        (
            {"circle": {"lat": 40.6955, "lon": -73.9935, "radius_m": 300}},
            ["zip=11201", "lat=40.6956&lon=-73.9936", "bbox=-74.0,40.69,-73.98,40.70"],
            ["zip=11224", "lat=40.70&lon=-73.9935", "bbox=-73.95,40.69,-73.94,40.70"],
        ),
        ({"citywide": True}, ["zip=11201", "zip=10451", "lat=40.8&lon=-73.95", "bbox=-73.95,40.69,-73.94,40.70"], []),
    ],
)
async def test_what_is_on_here_is_asked_by_zip_point_or_box(client, publish, area, here: list[str], elsewhere: list[str]) -> None:
    alert = await publish(area=area)
    assert await _on(client) == [alert]
    for query in here:
        assert await _on(client, query) == [alert], query
    for query in elsewhere:
        assert await _on(client, query) == [], query


async def test_neighbours_that_only_touch_are_not_here(client, publish, catalog) -> None:
    await publish(area={"zips": ["11201"]})
    neighbours = [area.id for area in catalog.adjacent([catalog.resolve("zip", "11201").index])]
    assert neighbours
    for neighbour in neighbours:
        assert await _on(client, f"zip={neighbour}") == []


async def test_severity_is_at_least_and_by_our_own_grade(client, publish) -> None:
    minor, moderate = await publish(severity="Minor"), await publish(severity="Moderate")
    assert await _on(client, "severity=Moderate") == [moderate]
    assert set(await _on(client, "severity=Minor")) == {minor, moderate}


async def test_what_is_over_is_shown_only_when_asked_for(client, publish, program, hub) -> None:
    alert = await publish()
    await (await program("publisher"))("POST", f"/api/v1/alerts/{alert}/stop")
    assert await _on(client) == []
    assert await _on(client, "active=false") == [alert]


async def test_drafts_and_what_waits_are_nowhere_public(client, program, hub) -> None:
    _, alert = await (await program("author"))("POST", "/api/v1/alerts", json=hub.alert(severity="Extreme"))
    assert await _on(client) + await _on(client, "active=false") == []
    async with client.get(f"/feeds/cap/{alert['id']}.xml") as response:
        assert response.status == 404
    async with client.get("/feeds/alerts.atom") as response:
        assert alert["id"] not in await response.text()


async def test_a_public_alert_tells_nothing_of_staff_or_people(client, publish) -> None:
    await publish()
    async with client.get(ON) as response:
        alert = (await response.json())["alerts"][0]
    assert not {"author", "approver", "hash", "audience", "people", "known_since", "send_at"} & alert.keys()
    assert (alert["active"], alert["grade"], alert["area_names"]) == (True, "Moderate", ["11201"])
    assert alert["links"]["page"] == f"http://alerts.example/alerts/{alert['id']}"


@pytest.mark.parametrize(
    "query",
    [
        "zip=99999",
        "zip=11201&lat=40.7&lon=-73.9",
        "lat=40.7",
        "lon=-73.9",
        "lat=91&lon=0",
        "lat=nan&lon=0",
        "lat=x&lon=0",
        "bbox=1,2,3",
        "bbox=-73,40,-74,41",
        "bbox=-74,40,-73,inf",
        "severity=Bad",
        "active=perhaps",
        "page=2",
        "zip=11201&zip=11205",
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_its_parameter(client, query: str) -> None:
    async with client.get(f"{ON}?{query}") as response:
        assert response.status == 422
        body = await response.json()
    assert body["errors"][0]["pointer"].removeprefix("/") in {"zip", "lat", "lon", "bbox", "severity", "active", "page"}


async def test_the_feed_shows_what_is_on_and_can_be_narrowed(client, publish) -> None:
    alert = await publish()
    for query, entries in (("", 1), ("?zip=11201", 1), ("?zip=10451", 0), ("?topic=weather&language=en", 1), ("?topic=fire", 0)):
        async with client.get(f"/feeds/alerts.atom{query}") as response:
            assert response.content_type == "application/atom+xml"
            feed = etree.fromstring(await response.read())
        found = feed.findall("{http://www.w3.org/2005/Atom}entry")
        assert len(found) == entries, query
        assert all(alert in (entry.findtext("{http://www.w3.org/2005/Atom}id") or "") for entry in found)
    async with client.get("/feeds/alerts.atom?author=x") as response:
        assert response.status == 422


async def test_an_empty_feed_keeps_its_etag_while_nothing_happens(client, hub) -> None:
    async with client.get("/feeds/alerts.atom") as response:
        tag = response.headers["ETag"]
    hub.clock.now += 3600
    async with client.get("/feeds/alerts.atom", headers={"If-None-Match": tag}) as response:
        assert response.status == 304


async def test_the_feed_says_when_it_last_changed_and_before_that_when_the_hub_began(client, publish, program, hub) -> None:
    async def updated() -> float:
        async with client.get("/feeds/alerts.atom") as response:
            feed = etree.fromstring(await response.read())
        return datetime.fromisoformat(feed.findtext("{http://www.w3.org/2005/Atom}updated")).timestamp()

    began = hub.clock()
    hub.clock.now += 100
    assert await updated() == began
    alert, live = await publish(), hub.clock()
    hub.clock.now += 100
    assert await updated() == live
    await (await program("publisher"))("POST", f"/api/v1/alerts/{alert}/stop")
    stopped = hub.clock()
    hub.clock.now += 100
    assert await updated() == stopped


async def test_a_published_alert_is_there_as_cap_even_when_it_is_over(client, publish, program, hub) -> None:
    first = await publish()
    publisher = await program("publisher")
    _, second = await publisher("POST", f"/api/v1/alerts/{first}/update", json=hub.alert())
    for alert in (first, second["id"]):
        async with client.get(f"/feeds/cap/{alert}.xml") as response:
            assert (response.status, response.content_type) == (200, "application/cap+xml")
            document = etree.fromstring(await response.read())
        assert document.findtext("{urn:oasis:names:tc:emergency:cap:1.2}identifier") == alert
    assert first in (document.findtext("{urn:oasis:names:tc:emergency:cap:1.2}references") or "")


async def _event(response) -> bytes:
    return await response.content.readuntil(b"\n\n")


async def test_the_stream_tells_what_happens_and_resumes_where_a_reader_lost_it(client, hub, publish) -> None:
    async with client.get("/live") as response:
        assert response.content_type == "text/event-stream"
        assert await _event(response) == RETRY
        first, second = await publish(), await publish()
        one, two = await _event(response), await _event(response)
    identity, rest = one.removeprefix(b"id: ").split(b"\n", 1)
    assert rest == b'event: alert\ndata: {"id":"%s"}\n\n' % first.encode()
    assert second.encode() in two
    async with client.get("/live", headers={"Last-Event-ID": identity.decode()}) as response:
        await _event(response)
        assert await _event(response) == two


async def test_the_stream_ends_cleanly_when_the_hub_does_and_is_counted_while_open(client, hub) -> None:
    async with client.get("/live") as response:
        await _event(response)
        assert b"tocsin_sse_clients 1.0" in hub.metrics.render()
        hub.live.close()
        assert await response.content.read() == b""
    assert b"tocsin_sse_clients 0.0" in hub.metrics.render()


async def test_a_quiet_stream_has_a_heartbeat_and_then_goes_on() -> None:
    live = Live()
    async with aclosing(live.subscribe()) as texts:
        assert await anext(texts) == RETRY
        live.heartbeat()
        assert await anext(texts) == b": still here\n\n"
        end = event(1_795_000_000_000, 7, "end", b"{}")
        live.publish(end)
        assert await anext(texts) == end.wire
    assert live.readers == 0


async def test_a_reader_that_is_too_slow_is_let_go() -> None:
    live = Live()
    texts = live.subscribe()
    await anext(texts)  # how soon to come back: by now it listens
    for number in range(2 * KEPT):
        live.publish(event(1_795_000_000_000, number, "alert", b"{}"))
    read = [text async for text in texts]
    assert len(read) < 2 * KEPT
    assert live.readers == 0
