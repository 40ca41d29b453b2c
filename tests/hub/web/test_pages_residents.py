"""Residents' pages behind the links of their letters: in the language of the subscription, and with nothing claimed that is not so."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from hub.staff.actor import SYSTEM
from hub.web.assets import assets
from hub.web.language import words
from hub.web.residents.forms import Faulty
from hub.web.residents.places import _POINT, PAIR_CHARACTERS, PlaceForm, UnknownPlace, read_places, requests_of
from subscriptions.areas import AreaCatalog
from subscriptions.languages import LANGUAGES
from subscriptions.subscriber import PLACES_AT_MOST, PlaceRequest
from tests.hub.web.conftest import Parts
from tests.hub.web.forms import EMAIL, TOPICS, errors
from tests.subscriptions.residents import Residents, service_on

IN_A_PARK = {"lat": 40.6602, "lon": -73.969, "radius_m": 400}
"""Prospect Park, where no ZIP code is."""

ANDS = {
    "en": " and ",
    "es": " y ",
    "zh-Hans": "和",
    "zh-Hant": "與",
    "ru": " и ",
    "bn": " এবং ",
    "ht": " ak ",
    "ko": "와 ",
    "ar": " و",
    "ur": " اور ",
    "fr": " et ",
    "pl": " i ",
    "yi": " און ",
    "it": " e ",
}


@pytest.fixture
async def residents(hub: Any) -> Residents:
    """The residents' service in place of the one that the frame's tests do without."""
    service = await service_on(hub.database, hub.catalog)
    hub.enrolment, hub.links = service.enrolment, service.links
    return service


async def page(client: TestClient, path: str, method: str = "GET", *, status: int = 200, **more: Any) -> str:
    async with client.request(method, path, **more) as response:
        assert response.status == status, path
        return await response.text()


async def publish(hub: Parts, **changes: Any) -> Any:
    return await hub.publishing.submit(json.dumps(hub.alert(**changes)).encode(), SYSTEM)


async def sign_up(residents: Residents, **fields: Any) -> str:
    """The path of the confirmation link."""
    await residents.subscribe("a@example.org", **fields)
    return "/confirm/" + residents.token("confirm", (await residents.letters())[-1])


def title(text: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", text, re.DOTALL)
    assert found
    return re.sub(r"<[^>]*>", "", found[1]).strip()


async def test_what_is_in_effect_is_shown_once_and_never_denied_to_whoever_confirms_again(
    hub: Parts, residents: Residents, client: TestClient
) -> None:
    await publish(hub)
    await publish(hub)
    link = await sign_up(residents)
    first = await page(client, link, "POST")
    assert "2 alerts are in effect there now" in first
    assert "We are sending them to you too." in first
    for again in (await page(client, link, "POST"), await page(client, link)):
        assert title(again) == "You are subscribed"
        assert "in effect" not in again
        assert "See current alerts" in again


async def test_a_topic_with_a_level_of_its_own_is_named_before_it_is_confirmed(residents: Residents, client: TestClient) -> None:
    shown = await page(client, await sign_up(residents, topics=["weather", "fire"], severities={"weather": "Extreme"}))
    assert "Everything (weather: only when lives are in danger)" in shown


async def test_an_alert_of_unknown_severity_is_shown_to_who_wants_everything(hub: Parts, residents: Residents, client: TestClient) -> None:
    await publish(hub, severity="Unknown")
    assert "We are sending" in await page(client, await sign_up(residents), "POST")


async def test_where_nothing_is_in_effect_the_confirmation_says_so(residents: Residents, client: TestClient) -> None:
    assert "No alerts are in effect there now." in await page(client, await sign_up(residents), "POST")


async def test_pages_behind_letters_speak_the_language_of_the_subscription(residents: Residents, client: TestClient) -> None:
    confirm = await sign_up(residents, language="es")
    assert title(await page(client, confirm)) == "Confirme sus alertas"
    confirmed = await page(client, confirm, "POST")
    assert title(confirmed) == "Ya está inscrito"
    assert 'href="/?lang=es"' in confirmed
    manage = re.search(r"/manage/[\w-]+\?lang=es", confirmed)
    assert manage
    assert title(await page(client, manage[0].partition("?")[0])) == "Mis ajustes"

    await residents.enrolment.request_access("a@example.org", client="1")
    letter = (await residents.letters())[-1]
    assert title(await page(client, "/manage/" + residents.token("access", letter))) == "Abrir mis ajustes"
    links = {
        purpose: f"/{purpose}/" + residents.links.token(purpose, letter.subscriber, letter.address, 0) for purpose in ("why", "unsubscribe")
    }
    assert title(await page(client, links["why"])) == "¿Por qué recibí esto?"
    assert title(await page(client, links["unsubscribe"])) == "¿Detener estas alertas?"
    assert await residents.column("SELECT state FROM address") == ["active"]  # a scanner of mails looks and ends nothing (S24)
    assert title(await page(client, links["unsubscribe"], "POST")) == "Sus alertas terminaron"


@pytest.mark.parametrize(
    ("places", "language", "said"),
    [
        ([IN_A_PARK], "en", "a place on the map"),
        ([IN_A_PARK], "es", "un lugar del mapa"),
        ([{"citywide": True}], "en", "All of New York City"),
        ([{"citywide": True}], "es", "Toda la ciudad de Nueva York"),
    ],
)
async def test_the_whole_city_is_confirmed_only_where_it_was_chosen(
    residents: Residents, client: TestClient, places: list[dict[str, Any]], language: str, said: str
) -> None:
    shown = await page(client, await sign_up(residents, places=places, language=language))
    assert re.search(r"<dt>\w+</dt><dd>(.*?)</dd>", shown)[1] == said


async def test_a_language_chosen_by_hand_wins_over_the_subscriptions(residents: Residents, client: TestClient) -> None:
    assert title(await page(client, await sign_up(residents, language="es") + "?lang=en")) == "Confirm your alerts"


@pytest.mark.parametrize(
    ("language", "heading"), [("ru", "Подтвердите оповещения"), ("ur", "اپنے الرٹس کی تصدیق کریں"), ("zh-Hant", "確認您的警報")]
)
async def test_a_letters_page_speaks_any_language_of_the_city(
    residents: Residents, client: TestClient, language: str, heading: str
) -> None:
    assert title(await page(client, await sign_up(residents, language=language), headers={"Accept-Language": "es"})) == heading


async def test_a_forged_link_tells_no_language(residents: Residents, client: TestClient) -> None:
    await sign_up(residents, language="es")
    for forged in ("none", "A" * 59):
        assert title(await page(client, f"/unsubscribe/{forged}", status=410)) == "This link does not work"


@pytest.mark.parametrize("address", ["me@nowhere", "not an address", "555"])
async def test_what_can_be_no_address_is_named_and_kept_for_mending(residents: Residents, client: TestClient, address: str) -> None:
    shown = await page(client, "/manage", "POST", status=422, data={"address": address})
    assert "1 problem to fix" in shown
    assert "neither a complete e-mail address nor a US mobile number" in shown
    assert f'value="{address}"' in shown


@pytest.mark.parametrize("address", ["a@example.org", "stranger@example.org", "718 555 0100"])
async def test_a_well_formed_address_gets_one_answer_known_or_not(residents: Residents, client: TestClient, address: str) -> None:
    await residents.resident()
    assert title(await page(client, "/manage", "POST", data={"address": address})) == "Check your messages"


@pytest.mark.parametrize(
    ("kind", "field", "spam"), [("email", {"email": "b@example.org"}, True), ("sms", {"phone": "718 555 0100"}, False)]
)
async def test_a_spam_folder_is_for_mail_only(
    residents: Residents, client: TestClient, kind: str, field: dict[str, str], spam: bool
) -> None:
    form = {"place": "11201", "kind": kind, "topics": "weather"} | field
    assert ("spam folder" in await page(client, "/subscribe", "POST", data=form)) is spam


async def test_tests_and_drills_stand_apart_and_do_not_count_as_alerts(hub: Parts, client: TestClient) -> None:
    await publish(hub, status="Test", topics=["test"])
    assert title(await page(client, "/")) == "No alerts now"
    await publish(hub)
    shown = await page(client, "/")
    assert title(shown) == "1 alert now"
    assert "Tests and drills: not real" in shown


@pytest.mark.parametrize(
    ("event", "language", "shown"),
    [
        ("Flood Advisory", "es", "Advertencia de inundación"),
        ("Flood Advisory", "en", "Flood Advisory"),
        ("Street Fair Notice", "es", "Clima"),
        ("Street Fair Notice", "en", "Street Fair Notice"),
    ],
)
async def test_the_kind_of_event_is_said_in_the_readers_language_or_by_its_category(
    hub: Parts, client: TestClient, event: str, language: str, shown: str
) -> None:
    await publish(hub, event=event)
    found = re.findall(r'<span class="event">(.*?)</span>', await page(client, "/", headers={"Accept-Language": language}))
    assert found == [shown]


async def test_the_whole_city_has_its_own_name_in_spanish(hub: Parts, client: TestClient) -> None:
    await publish(hub, area={"citywide": True})
    shown = await page(client, "/?lang=es")
    assert "Toda la ciudad de Nueva York" in shown
    assert "En Nueva York, a las" in shown


@pytest.mark.parametrize(("time", "said"), [("13:05", "a la 1:05 p.m."), ("01:59", "a la 1:59 a.m."), ("12:05", "a las 12:05 p.m.")])
async def test_one_oclock_is_singular_in_spanish(hub: Parts, client: TestClient, time: str, said: str) -> None:
    hub.clock.now = datetime.fromisoformat(f"2026-11-22T{time}-05:00").timestamp()
    assert f"En Nueva York, {said}" in await page(client, "/?lang=es")


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("11201 Astoria", [PlaceRequest(zip="11201"), PlaceRequest(neighborhood="Astoria")]),
        ("Astoria 11201", [PlaceRequest(neighborhood="Astoria"), PlaceRequest(zip="11201")]),
        ("11201 11205, Bronx", [PlaceRequest(zip="11201"), PlaceRequest(zip="11205"), PlaceRequest(borough="2")]),
        ("Astoria, Queens", [PlaceRequest(neighborhood="Astoria")]),
        ("١١٢٠١", [PlaceRequest(zip="11201")]),
        ("۱۱۲۰۱، ۱۱۲۰۵", [PlaceRequest(zip="11201"), PlaceRequest(zip="11205")]),
        ("১১২০১", [PlaceRequest(zip="11201")]),
        ("１１２０１、Astoria", [PlaceRequest(zip="11201"), PlaceRequest(neighborhood="Astoria")]),
        ("11201，11205", [PlaceRequest(zip="11201"), PlaceRequest(zip="11205")]),
    ],
)
def test_a_zip_code_stands_alone_with_or_without_a_comma(catalog: AreaCatalog, typed: str, places: list[PlaceRequest]) -> None:
    assert read_places(typed, catalog, words("en")) == places


@pytest.mark.parametrize(
    "typed",
    [
        "Brooklyn, NY 11201",
        "Brooklyn NY 11201",
        "Brooklyn, N.Y. 11201",
        "Brooklyn, New York, NY, 11201",
        "11201 Brooklyn",
        "Brooklyn 11201",
        "11201, Brooklyn",
        "New York, NY 11201",
        "11201, NYC",
        "11201\nbrooklyn",
    ],
)
def test_a_borough_beside_its_zip_code_is_only_an_address(catalog: AreaCatalog, typed: str) -> None:
    assert read_places(typed, catalog, words("en")) == [PlaceRequest(zip="11201")]


@pytest.mark.parametrize(
    ("typed", "places"),
    [
        ("Queens 11201", ["4", "11201"]),
        ("11201, Queens, Brooklyn", ["11201", "4", "3"]),
        ("Astoria, Queens, NY 11102", ["Astoria", "11102"]),
        ("East New York 11207", ["East New York", "11207"]),
        ("11201 and 10001", ["11201", "10001"]),
        ("Brooklyn and 10001", ["3", "10001"]),
        ("Brooklyn & Queens", ["3", "4"]),
        ("Brooklyn, Queens, and the Bronx", ["3", "4", "2"]),
    ],
)
def test_a_borough_that_is_meant_itself_is_followed(catalog: AreaCatalog, typed: str, places: list[str]) -> None:
    assert [place.zip or place.borough or place.neighborhood for place in read_places(typed, catalog, words("en"))] == places


@pytest.mark.parametrize("language", LANGUAGES)
def test_places_are_parted_by_the_and_of_every_language(catalog: AreaCatalog, language: str) -> None:
    for two in (words(language).phrases.listed(["Brooklyn", "Queens"]), ANDS[language].join(["Brooklyn", "Queens"])):
        assert read_places(two, catalog, words("en")) == [PlaceRequest(borough="3"), PlaceRequest(borough="4")]


@pytest.mark.parametrize(
    ("typed", "pair"),
    [
        ("40.693, -73.987", (40.693, -73.987)),
        ("40.693 -73.987", (40.693, -73.987)),
        ("40.693 , \u221273.987", (40.693, -73.987)),
        ("40.693، -73.987", (40.693, -73.987)),
        ("40.693，-73.987", (40.693, -73.987)),
        ("40.693、-73.987", (40.693, -73.987)),
        ("40.693,,-73.987", None),
        ("40.693-73.987", None),
        ("40.693, -73.987, 5", None),
        (f"40.693,{' ' * 80}-73.987", (40.693, -73.987)),
        (f"40.693,{' ' * 90}-73.987", None),
        (f"4{' ' * 3990}x", None),
        (f"40.{'6' * 200}, -73.987", None),
    ],
)
def test_latitude_and_longitude_are_read_with_any_scripts_comma_and_no_further_than_anybody_writes(
    catalog: AreaCatalog, typed: str, pair: tuple[float, float] | None
) -> None:
    if pair is not None:
        assert requests_of(PlaceForm(point=typed), catalog, words("en")) == [PlaceRequest(lat=pair[0], lon=pair[1], radius_m=800)]
        return
    for form in (PlaceForm(point=typed), PlaceForm(corners="\n".join([typed] * 3))):
        with pytest.raises(Faulty) as caught:
            requests_of(form, catalog, words("en"))
        assert "like 40.693, -73.987." in str(list(caught.value.errors.values()))


def test_the_maps_script_reads_points_as_the_hub_does() -> None:
    (pattern,) = re.findall(r"pair = /\^(.*)\$/", assets()["draw.js"].body.decode())
    assert pattern == _POINT.pattern
    assert f"length <= {PAIR_CHARACTERS}" in assets()["draw.js"].body.decode()


async def test_too_many_places_are_refused_in_the_readers_language(hub: Parts, residents: Residents, client: TestClient) -> None:
    zips = [area.id for area in hub.catalog.areas if area.layer == "zip"][: PLACES_AT_MOST + 1]
    form = EMAIL | TOPICS | {"place": ", ".join(zips)}
    assert errors(await page(client, "/es/subscribe", "POST", status=422, data=form))["place"] == "Puede seguir 50 lugares como máximo."


def test_a_place_that_nobody_knows_is_named(catalog: AreaCatalog) -> None:
    with pytest.raises(UnknownPlace, match="Atlantis"):
        read_places("11201 Atlantis", catalog, words("en"))
