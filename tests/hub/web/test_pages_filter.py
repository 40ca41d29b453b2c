"""The front page narrowed to a place, a topic or a language: by a plain form, from finished bytes, with nothing of a visitor kept."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient

from hub.web.publication import PUBLICATION, Asked
from tests.hub.web.conftest import Parts
from tests.hub.web.test_pages_alerts import publish, text, words

BROOKLYN, QUEENS = "Flooding in Brooklyn Heights", "Smoke in Astoria"


@pytest.fixture
async def two_alerts(hub: Parts) -> None:
    await publish(hub, infos=[words("en", BROOKLYN), words("es", "Inundación")], area={"zips": ["11201"]}, topics=["weather"])
    await publish(hub, infos=[words("en", QUEENS)], area={"neighborhoods": ["Astoria"]}, topics=["fire"], category="Fire", event="Fire")


@pytest.mark.parametrize(
    ("query", "brooklyn", "queens"),
    [
        ("place=11201", True, False),
        ("place=%D9%A1%D9%A1%D9%A2%D9%A0%D9%A1", True, False),
        ("place=Brooklyn", True, False),
        ("place=astoria&topic=&language=", False, True),
        ("topic=fire", False, True),
        ("topic=fire&place=11201", False, False),
        ("language=es", True, False),
        ("topic=nonsense", True, True),
        ("", True, True),
    ],
)
async def test_the_list_shows_what_was_asked_for(two_alerts: None, client: TestClient, query: str, brooklyn: bool, queens: bool) -> None:
    shown = await text(client, f"/?{query}")
    assert (BROOKLYN in shown, QUEENS in shown) == (brooklyn, queens)


async def test_what_is_left_out_is_said_with_the_way_back(two_alerts: None, client: TestClient) -> None:
    shown = await text(client, "/?place=11201&topic=weather")
    assert "Only: 11201 · Weather." in shown
    assert "Some alerts are not shown." in shown
    assert "Show all" in shown
    assert "Nothing is going on" not in await text(client, "/?place=11201&topic=fire")


async def test_another_language_of_the_page_keeps_what_was_asked_for(two_alerts: None, client: TestClient) -> None:
    assert "place=zip%3A11201&amp;lang=es" in await text(client, "/?place=11201")


async def test_an_unknown_place_shows_everything_and_says_what_was_meant(two_alerts: None, client: TestClient) -> None:
    async with client.get("/?place=Astori") as response:
        shown = await response.text()
        assert (response.status, response.headers["Cache-Control"]) == (422, "no-store")
    assert "Did you mean Astoria" in shown
    assert BROOKLYN in shown
    async with client.get("/?place=<b>nowhere</b>") as response:
        shown = await response.text()
    assert "<b>nowhere" not in shown
    assert "Give a ZIP code, a neighborhood or a borough" in shown


async def test_everyone_who_asks_for_the_same_gets_the_same_bytes_at_the_door(two_alerts: None, client: TestClient) -> None:
    publication = client.app[PUBLICATION]
    whole, narrowed = publication.read("/", "en"), publication.read("/?place=11201&topic=&lang=es", "en")
    assert whole == Asked("home", language="en")
    assert narrowed == Asked("home", query="place=zip%3A11201", language="es", chosen=True)
    ready = await publication.get(narrowed)
    while publication.peek(narrowed) is None:  # made anew when an alert of a moment ago is told meanwhile
        ready = await publication.get(narrowed)
    assert publication.peek(narrowed) is ready
    assert publication.read("/?place=nowhere", "en") is None
    assert publication.read("/?place=11201&place=11205", "en") is None


async def test_where_somebody_is_and_whose_link_it_is_are_not_remembered(client: TestClient) -> None:
    publication = client.app[PUBLICATION]
    point = publication.read("/api/v1/public/alerts?lat=40.7&lon=-73.9", "en")
    assert point is not None
    assert point.exact
    assert publication.read("/manage/somebodys-token", "en") is None
    assert publication._read_before == {}
    assert publication.read("/", "en") is publication.read("/", "en")


async def test_a_narrowed_page_holds_until_any_alert_ends(hub: Parts, two_alerts: None, client: TestClient) -> None:
    assert "Some alerts are not shown." in await text(client, "/?place=11201")
    hub.clock.now += 3 * 3600
    assert "are not shown" not in await text(client, "/?place=11201")
