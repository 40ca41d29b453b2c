"""The sign-up page over HTTP: three fields, every kind of place without a map or JavaScript, mistakes mended in one tap, and floods."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from hub.web.assets import assets
from subscriptions.geocoding import NominatimGeocoder
from subscriptions.limits import SIGN_UPS_OF_ADDRESS, SIGN_UPS_OF_CLIENT
from tests.hub.web.forms import EMAIL, PUSH, TOPICS, errors, page, residents_on, title
from tests.peers.nominatim import Nominatim, nominatim
from tests.subscriptions.residents import Residents

SIGN_UP_BYTES = 30_000
IPHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1"
}


HOME = "350 5th Ave"


@pytest.fixture
async def geocoder() -> AsyncIterator[Nominatim]:
    """Knows one address."""
    async with nominatim({HOME: (40.7484, -73.9857)}) as peer:
        yield peer


@pytest.fixture
async def residents(hub: Any) -> Residents:
    return await residents_on(hub)


async def places(residents: Residents) -> list[tuple[Any, ...]]:
    return await residents.rows("SELECT area, lat, lon, radius_m, shape IS NOT NULL, label FROM place ORDER BY id")


async def test_three_fields_are_enough(residents: Residents, client: TestClient) -> None:
    form = {"place": "11201", "kind": "email", "email": "a@example.org", "topics": ["weather"]}
    assert title(await page(client, "/subscribe", "POST", data=form)) == "One more step: check your mail"
    assert await places(residents) == [("zip:11201", None, None, None, 0, None)]


async def test_everything_beyond_three_fields_is_folded_away(residents: Residents, client: TestClient) -> None:
    shown = await page(client, "/subscribe")
    unfolded = re.sub(r"<details(?! open).*?</details>", "", shown, flags=re.DOTALL)
    form = unfolded[unfolded.index('id="sign-up"') :]
    assert set(re.findall(r' name="(\w+)"', form)) == {"place", "kind", "email", "phone"}


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"place": "Astoria"}, ("neighborhood:QN0103", None, None, None, 0, None)),
        ({"point": "40.693, -73.987", "radius_m": "400"}, (None, 40.693, -73.987, 400.0, 0, None)),
        ({"corners": "40.70,-73.99\n40.70 -73.98\n40.69, -73.98"}, (None, None, None, None, 1, None)),
        ({"citywide": "1"}, ("city", None, None, None, 0, None)),
    ],
)
async def test_every_kind_of_place_can_be_typed(
    residents: Residents, client: TestClient, fields: dict[str, str], kept: tuple[Any, ...]
) -> None:
    await page(client, "/subscribe", "POST", data=EMAIL | TOPICS | fields)
    found = await places(residents)
    assert [tuple(row[1:]) for row in found] == [kept[1:]]
    assert str(found[0][0]).split(":")[0] == str(kept[0]).split(":")[0]


async def test_a_street_address_is_asked_for_only_where_there_is_a_geocoder(hub: Any, client: TestClient, geocoder: Nominatim) -> None:
    await residents_on(hub)
    without = await page(client, "/subscribe")
    await residents_on(hub, geocoder=NominatimGeocoder(geocoder.url, hub.catalog, "Tocsin"))
    asked = await page(client, "/subscribe")
    for words in ('name="address"', "Another kind of place: an address,"):
        assert words not in without
        assert words in asked


async def test_of_a_street_address_only_its_point_is_kept_and_its_distance_is_said(
    hub: Any, client: TestClient, geocoder: Nominatim
) -> None:
    residents = await residents_on(hub, geocoder=NominatimGeocoder(geocoder.url, hub.catalog, "Tocsin"))
    await page(client, "/subscribe", "POST", data=EMAIL | TOPICS | {"address": HOME, "radius_m": "1600"})
    assert await places(residents) == [(None, 40.7484, -73.9857, 1600.0, 0, None)]
    manage = (await residents.confirm_newest()).manage
    assert "within 1 mile of a point in 10001." in re.sub(r"<[^>]*>", "", await page(client, f"/manage/{manage}"))
    assert HOME.encode() not in await residents.on_disk()


@pytest.mark.parametrize(("away", "said"), [(False, "This address was not found."), (True, "can’t be looked up just now.")])
async def test_an_address_that_can_not_be_found_is_told_from_one_that_can_not_be_looked_up_and_nothing_typed_is_lost(
    hub: Any, client: TestClient, geocoder: Nominatim, away: bool, said: str
) -> None:
    residents = await residents_on(hub, geocoder=NominatimGeocoder(geocoder.url, hub.catalog, "Tocsin"))
    geocoder.broken = web.Response(status=503) if away else None
    form = EMAIL | TOPICS | {"address": "1 Nowhere & Co", "radius_m": "1600", "place": "11201"}
    shown = await page(client, "/subscribe", "POST", status=422, data=form)
    assert said in errors(shown)["address"]
    assert "<details open>" in shown
    for typed in ('value="1 Nowhere &amp; Co"', 'value="11201"', 'value="1600" selected', 'value="a@example.org"', 'value="crime" checked'):
        assert typed in shown
    assert await places(residents) == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("11291", "11201"), ("Astorria", "Astoria"), ("brocklyn", "Brooklyn")],
)
async def test_a_slip_is_answered_with_the_nearest_right_thing_which_one_tap_takes(
    residents: Residents, client: TestClient, typed: str, meant: str
) -> None:
    form = EMAIL | TOPICS | {"place": f"10001, {typed}"}
    shown = await page(client, "/subscribe", "POST", status=422, data=form)
    assert f"Did you mean {meant}" in errors(shown)["place"]
    assert re.search(rf'<button[^>]* name="fix" value="{meant}">', shown)
    wrong = re.search(r'name="wrong" value="(.*?)"', shown)
    assert wrong
    done = await page(client, "/subscribe", "POST", data=form | {"wrong": wrong[1], "fix": meant})
    assert title(done) == "One more step: check your mail"
    assert len(await places(residents)) == 2


async def test_a_zip_that_is_none_is_called_so(residents: Residents, client: TestClient) -> None:
    shown = await page(client, "/subscribe", "POST", status=422, data=EMAIL | TOPICS | {"place": "11291"})
    assert errors(shown)["place"] == "11291 is not a ZIP code of this city. Did you mean 11201?"


async def test_enter_never_presses_a_correction(residents: Residents, client: TestClient) -> None:
    shown = await page(client, "/subscribe", "POST", status=422, data=EMAIL | TOPICS | {"place": "11291"})
    form = shown[shown.index('id="sign-up"') :]
    first = re.search(r"<button[^>]*>", form)
    assert first
    assert "fix" not in first[0]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "place"),
        ({"point": "somewhere"}, "point"),
        ({"point": "10.0, 10.0"}, "point"),
        ({"corners": "40.70,-73.99\n40.70,-73.98"}, "corners"),
        ({"corners": "40.70,-73.99\n40.69,-73.98\n40.70,-73.98\n40.69,-73.99"}, "corners"),
        ({"place": "11201", "email": "a@@b"}, "email"),
        ({"place": "11201", "kind": "sms", "phone": "555"}, "phone"),
        ({"place": "11201", "kind": "pigeon"}, "kind"),
        ({"place": "11201", "kind": "web_push"}, "kind"),
        ({"place": "11201", "topics": []}, "topics"),
    ],
)
async def test_a_mistake_is_named_at_its_field_and_linked_from_the_summary_with_all_that_was_typed_kept(
    residents: Residents, client: TestClient, fields: dict[str, Any], field: str
) -> None:
    form = EMAIL | TOPICS | fields
    shown = await page(client, "/subscribe", "POST", status=422, data=form)
    assert field in errors(shown)
    assert f'<a href="#{field}">' in shown
    assert f'id="{field}"' in shown
    assert f'aria-describedby="{field}' in shown or f"{field}-error" in shown
    for name in ("place", "email", "point"):
        if form.get(name):
            assert f'value="{form[name]}"' in shown
    assert await residents.rows("SELECT * FROM subscriber") == []


async def test_choices_of_the_sign_up_are_kept(residents: Residents, client: TestClient) -> None:
    more = {"minimum_severity": "Severe", "language": "es", "drills": "1", "discreet": "1"}
    await page(client, "/subscribe", "POST", data=EMAIL | TOPICS | {"place": "11201"} | more)
    manage = (await residents.confirm_newest()).manage
    assert manage
    view = await residents.enrolment.view(manage)
    assert (view.topics, view.minimum_severity, view.language) == (("crime", "weather", "test"), "Severe", "es")
    assert (view.drills, view.discreet) == (True, True)


async def test_web_push_needs_no_address_and_is_answered_for_the_script(residents: Residents, client: TestClient) -> None:
    form = TOPICS | {"place": "11201", "kind": "web_push", "subscription": json.dumps(PUSH)}
    assert json.loads(await page(client, "/subscribe", "POST", status=202, data=form, headers={"Accept": "application/json"}))
    faulty = await page(client, "/subscribe", "POST", status=422, data=form | {"place": ""}, headers={"Accept": "application/json"})
    assert "place" in json.loads(faulty)["errors"]


async def test_on_an_iphone_text_messages_come_first_and_the_steps_for_notifications_are_shown(
    residents: Residents, client: TestClient
) -> None:
    shown = await page(client, "/subscribe", headers=IPHONE)
    assert re.findall(r'name="kind" value="(\w+)"( checked)?', shown)[0] == ("sms", " checked")
    assert "Add to Home Screen" in shown
    elsewhere = await page(client, "/subscribe")
    assert re.findall(r'name="kind" value="(\w+)"( checked)?', elsewhere)[0] == ("email", " checked")
    assert "Add to Home Screen" not in elsewhere


async def test_a_flood_from_one_network_is_told_when_and_how_to_go_on_and_loses_nothing(hub: Any, client: TestClient) -> None:
    residents = await residents_on(hub, limits=True)
    for number in range(SIGN_UPS_OF_CLIENT.count):
        await residents.subscribe(f"a{number}@example.org", client="127.0.0.1")
    form = TOPICS | EMAIL | {"place": "Astoria"}
    async with client.post("/subscribe", data=form) as response:
        shown = await response.text()
        assert response.status == 429
        assert int(response.headers["Retry-After"]) > 60
    assert "Try again in 1 hour" in errors(shown)["kind"]
    assert "These ways still work at once: This browser, Telegram." in shown
    assert 'value="Astoria"' in shown
    assert 'value="a@example.org"' in shown
    assert "Open Telegram" in await page(client, "/subscribe", "POST", data=form | {"kind": "telegram"})


async def test_an_address_that_is_given_too_often_is_told_so_and_no_network_is_blamed(hub: Any, client: TestClient) -> None:
    residents = await residents_on(hub, limits=True)
    for number in range(SIGN_UPS_OF_ADDRESS.count):
        await residents.subscribe("a@example.org", client=f"192.0.2.{number}")
    shown = await page(client, "/subscribe", "POST", status=429, data=TOPICS | EMAIL | {"place": "Astoria"})
    assert errors(shown)["kind"].startswith("This address or number")
    assert "your network" not in shown


@pytest.mark.parametrize("kind", ["email", "sms"])
async def test_the_answer_is_true_and_the_same_whether_or_not_a_letter_was_written(
    residents: Residents, client: TestClient, kind: str
) -> None:
    form = TOPICS | {"place": "11201", "kind": kind, "email": "a@example.org", "phone": "718 555 0100"}
    first = await page(client, "/subscribe", "POST", data=form)
    again = await page(client, "/subscribe", "POST", data=form)
    assert len(await residents.letters()) == 1
    await residents.confirm_newest(kind)
    assert first == again == await page(client, "/subscribe", "POST", data=form)
    assert "sent a" not in first
    assert "once a day at most" in first


async def test_what_is_said_of_an_address_is_said_only_where_one_is_given(residents: Residents, client: TestClient) -> None:
    """The style hides it by its classes, as it does the fields: in the form, with and without a script."""
    shown = await page(client, "/subscribe")
    form = shown[shown.index('id="sign-up"') : shown.index("</form>")]
    assert '<p class="meta of-email of-sms">You must confirm before anything else is sent.' in form


async def test_the_page_with_its_style_and_scripts_is_light(residents: Residents, client: TestClient) -> None:
    async with client.get("/subscribe", headers={"Accept-Encoding": "gzip"}, auto_decompress=False) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        packed = await response.read()
    text = gzip.decompress(packed).decode()
    files = re.findall(r'(?:src|href)="/assets/([\w.-]+)\?v=', text)
    assert {"tocsin.css", "form.js", "push.js"} <= set(files)
    assert len(packed) + sum(len(gzip.compress(assets()[name].body, 9)) for name in files) <= SIGN_UP_BYTES


@pytest.mark.parametrize("path", ["/subscribe", "/subscribe?lang=es"])
async def test_the_way_out_is_a_plain_link_to_a_page_that_tells_nothing(
    hub: Any, residents: Residents, client: TestClient, path: str
) -> None:
    found = re.search(r'<a [^>]*id="leave"[^>]*>', await page(client, path))
    assert found
    assert f'href="{hub.settings.exit_url}"' in found[0]
    assert "noreferrer" in found[0]
