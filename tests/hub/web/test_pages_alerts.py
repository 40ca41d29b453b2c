"""Alerts on pages: escaped, in their own language and direction, shown only once they went out, and cached no longer than true."""

from __future__ import annotations

import json
import re
from typing import Any

import lxml.etree
import msgspec
import pytest
from aiohttp.test_utils import TestClient

from hub.delivery.words.alert_words import short_code
from hub.staff.actor import SYSTEM
from tests.hub.web.conftest import Parts
from tests.hub.web.test_never_public import HOUR_S, cap


async def publish(hub: Parts, **changes: Any) -> Any:
    return await hub.publishing.submit(json.dumps(hub.alert(**changes)).encode(), SYSTEM)


def words(language: str, headline: str, **more: str) -> dict[str, str]:
    return {"language": language, "headline": headline, "description": "It rains.", "instruction": "Stay in.", **more}


async def text(client: TestClient, path: str, **headers: str) -> str:
    async with client.get(path, headers=headers) as response:
        assert response.status == 200, path
        return await response.text()


async def test_the_cap_document_is_linked_only_where_there_is_one(hub: Parts, client: TestClient) -> None:
    live = await publish(hub)
    had_run_out = await hub.publishing.submit(cap(hub, -HOUR_S), SYSTEM, source="cap")
    for alert, links, status in ((live, 2, 200), (had_run_out, 0, 404)):
        document = f"/feeds/cap/{alert.id}.xml"
        assert (await text(client, f"/alerts/{alert.id}")).count(f'href="{document}"') == links
        async with client.get(document) as response:
            assert response.status == status


async def test_no_alerts_is_said_in_words(client: TestClient) -> None:
    assert "No alerts now" in await text(client, "/")


@pytest.mark.parametrize("page", ["/", "/alerts/{id}"])
async def test_what_an_author_writes_is_text_and_never_markup(hub: Parts, client: TestClient, page: str) -> None:
    mean = '<script>alert("x")</script>'
    alert = await publish(hub, event=mean, infos=[words("en", mean, description=mean, instruction=mean)])
    shown = await text(client, page.format(id=alert.id))
    assert mean not in shown
    assert "&lt;script&gt;" in shown


@pytest.mark.parametrize(("agency", "begins"), [("Emergency Management", "From <bdi>Emergency Management</bdi>, <time "), ("", "<time ")])
async def test_it_says_whose_alert_it_is_where_that_is_known(hub: Parts, client: TestClient, agency: str, begins: str) -> None:
    await hub.publishing.submit(json.dumps(hub.alert()).encode(), msgspec.structs.replace(SYSTEM, agency=agency))
    (issued,) = re.findall(r'<p class="meta">(.*?)</p>', await text(client, "/"))
    assert issued.startswith(begins)


async def test_an_alert_in_arabic_runs_from_right_to_left_on_an_english_page(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub, infos=[words("ar", "تحذير من الفيضانات")])
    shown = await text(client, f"/alerts/{alert.id}")
    assert re.search(r'<h1 lang="ar" dir="rtl">', shown)
    assert "not available in your language; this is Arabic." in shown


async def test_the_page_takes_the_words_in_its_own_language(hub: Parts, client: TestClient) -> None:
    await publish(hub, infos=[words("en-US", "Flooding"), words("es", "Inundación")])
    english, spanish = await text(client, "/"), await text(client, "/", **{"Accept-Language": "es"})
    assert "Flooding" in english
    assert "Inundación" not in english
    assert "Inundación" in spanish
    assert 'lang="es"' in spanish


@pytest.mark.parametrize(
    ("severity", "urgency", "act"),
    [
        ("Extreme", "Expected", "Act now"),
        ("Severe", "Immediate", "Act now"),
        ("Severe", "Future", "Get ready"),
        ("Minor", "Immediate", "Be aware"),
    ],
)
async def test_severity_reads_as_an_act_beside_its_shape(hub: Parts, client: TestClient, severity: str, urgency: str, act: str) -> None:
    alert = await publish(hub, status="Test", severity=severity, urgency=urgency)
    shown = await text(client, f"/alerts/{alert.id}")
    assert act in shown
    assert 'class="shape"' in shown
    assert "Test. This is not real." in shown


async def test_what_waits_for_approval_is_not_public(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub, severity="Extreme")
    assert alert.status == "awaiting_approval"
    for path in (f"/alerts/{alert.id}", f"/a/{short_code(alert.number)}"):
        async with client.get(path, allow_redirects=False) as response:
            assert response.status == 404
    assert alert.document.infos[0].headline not in await text(client, "/")


async def test_the_short_link_of_text_messages_leads_to_the_alert(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub)
    async with client.get(f"/a/{short_code(alert.number)}", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (302, f"/alerts/{alert.id}")


@pytest.mark.parametrize("short", ["zz", "-1", "not%20base36!", "9" * 60])
async def test_a_short_link_that_never_was_is_a_friendly_404(client: TestClient, short: str) -> None:
    async with client.get(f"/a/{short}") as response:
        assert response.status == 404
        assert "There is no page here" in await response.text()


async def test_an_update_is_named_on_the_page_of_what_it_replaces(hub: Parts, client: TestClient) -> None:
    first = await publish(hub)
    second = await hub.publishing.update(first.id, json.dumps(hub.alert(infos=[words("en", "Water is falling")])).encode(), SYSTEM)
    shown = await text(client, f"/alerts/{first.id}")
    assert "There is newer information" in shown
    assert f"/alerts/{second.id}" in shown
    assert "First alert" in await text(client, f"/alerts/{second.id}")


async def test_an_alert_that_has_ended_says_so_and_asks_nobody_to_act(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub)
    hub.clock.now += 3 * 3600
    shown = await text(client, f"/alerts/{alert.id}")
    assert "This alert has ended." in shown
    assert "Be aware" not in shown


async def test_what_an_ended_alert_had_asked_for_stands_under_words_that_say_so(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub)
    page = f"/alerts/{alert.id}"
    label = "What people were asked to do"
    assert label not in await text(client, page)
    hub.clock.now += 3 * 3600
    shown = await text(client, page)
    assert re.search(rf"{label}</strong><div>Stay off flooded streets\.", shown)


async def test_up_to_eight_places_are_all_named(hub: Parts, client: TestClient) -> None:
    zips = ["11201", "11203", "11204", "11205", "11206", "11207", "11208", "11209"]
    alert = await publish(hub, area={"zips": zips})
    for page in ("/", f"/alerts/{alert.id}"):
        shown = await text(client, page)
        assert f"ZIP {', '.join(zips[:-1])}, and {zips[-1]}" in shown
        assert "All 8 places" not in shown
    many = await publish(hub, area={"zips": [*zips, "11210", "11211"]})
    shown = await text(client, f"/alerts/{many.id}")
    assert f"ZIP {', '.join(zips)}, and 2 more" in shown
    assert "All 10 places" in shown


async def test_the_front_page_is_asked_about_each_time_and_sent_once(hub: Parts, client: TestClient) -> None:
    async with client.get("/") as response:
        tag = response.headers["ETag"]
        assert response.headers["Cache-Control"] == "public, max-age=0, s-maxage=5, stale-if-error=600"
    async with client.get("/", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
    await publish(hub)
    async with client.get("/", headers={"If-None-Match": tag}) as response:
        assert response.status == 200


async def test_the_console_sends_strangers_to_the_log_in(client: TestClient) -> None:
    for path in ("/console", "/console/compose", "/console/alerts/al_1", "/outbox"):
        async with client.get(path, allow_redirects=False) as response:
            assert (response.status, response.headers["Location"].partition("?")[0]) == (303, "/console/log-in")


ELSEWHERE = ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/consolevil"]
NO_HEADER = ["/console/\r\nX", "/console/alerts/\n", "/console/\x7f", "/console/\u2028"]


@pytest.mark.parametrize("target", ELSEWHERE + NO_HEADER)
async def test_a_log_in_leads_nowhere_else(hub: Parts, client: TestClient, target: str) -> None:
    await hub.staff.add("desk", "three calm words", agency="Emergency Management", role="author")
    form = {"name": "desk", "password": "three calm words", "next": target}
    async with client.post("/console/log-in", data=form, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"]) == (303, "/console")


async def test_a_logged_in_persons_pages_are_never_stored(logged_in: str, client: TestClient) -> None:
    async with client.get("/console") as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-store"
        assert "Content-Encoding" not in response.headers


async def test_a_form_of_the_console_from_elsewhere_changes_nothing(hub: Parts, logged_in: str, client: TestClient) -> None:
    alert = await publish(hub)
    async with client.post(f"/console/alerts/{alert.id}/stop") as response:
        assert response.status == 403
    async with client.post("/console/compose", data={"event": "Fire"}):
        pass
    assert [(one.id, one.status) for one in await hub.alerts.recent()] == [(alert.id, "live")]


@pytest.mark.parametrize(
    "area",
    [
        {"zips": ["11201"]},
        {"citywide": True},
        {"circle": {"lat": 40.69, "lon": -73.99, "radius_m": 300}},
        {"polygon": {"type": "Polygon", "coordinates": [[[-73.99, 40.69], [-73.98, 40.69], [-73.98, 40.70], [-73.99, 40.69]]]}},
    ],
    ids=["zip", "city", "circle", "drawn"],
)
async def test_where_it_holds_is_also_a_small_drawing_that_needs_no_script(hub: Parts, client: TestClient, area: dict[str, Any]) -> None:
    alert = await publish(hub, area=area)
    assert f'src="/pictures/{alert.id}.svg"' in await text(client, f"/alerts/{alert.id}")
    drawing = await text(client, f"/pictures/{alert.id}.svg")
    land, painted, hatched = (path.get("d", "") for path in lxml.etree.fromstring(drawing.encode()).iterchildren("{*}path"))
    assert land.startswith("M")
    assert painted.startswith("M")
    assert hatched == painted
    assert "Mz" not in drawing, "browsers draw nothing of a path behind a ring without points"
    assert len(drawing) < 40_000


async def test_what_was_never_public_has_no_drawing(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub, severity="Extreme")
    async with client.get(f"/pictures/{alert.id}.svg") as response:
        assert response.status == 404
