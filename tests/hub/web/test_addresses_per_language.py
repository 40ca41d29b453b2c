"""Every page has an address in each language, which keeps its language, tells the others, and is answered at the door like any other."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from hub.staff.actor import SYSTEM
from hub.web.language import PAGE_LANGUAGES
from subscriptions.languages import LANGUAGES, RIGHT_TO_LEFT
from tests.hub.web.conftest import Parts


async def shown(client: TestClient, path: str, status: int = 200, **headers: str) -> str:
    async with client.get(path, headers=headers) as response:
        assert response.status == status
        return await response.text()


async def publish(hub: Parts, **changes: Any) -> Any:
    return await hub.publishing.submit(json.dumps(hub.alert(**changes)).encode(), SYSTEM)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_each_language_has_its_pages_in_its_direction(client: TestClient, language: str) -> None:
    direction = "rtl" if language in RIGHT_TO_LEFT else "ltr"
    for path in ("/", "/manage"):
        text = await shown(client, f"/{language}{path}", **{"Accept-Language": "en"})
        assert f'<html lang="{language}" dir="{direction}">' in text


async def test_links_of_a_page_keep_the_language_of_its_address(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub)
    home = await shown(client, "/es/", **{"Accept-Language": "ar"})
    assert f'href="/es/alerts/{alert.id}"' in home
    assert 'href="/es/subscribe"' in home
    assert "lang=" not in re.sub(r'hreflang="[^"]*"|\slang="[^"]*"|name="lang"', "", home)
    page = await shown(client, f"/es/alerts/{alert.id}")
    assert 'href="/es/"' in page
    assert f'href="/ar/alerts/{alert.id}"' in page


async def test_a_form_goes_to_the_address_of_its_language(client: TestClient) -> None:
    assert 'action="/ar/manage"' in await shown(client, "/ar/manage")
    async with client.post("/ar/manage", data={"address": ""}) as answer:
        assert answer.status == 422
        assert 'dir="rtl"' in await answer.text()


async def test_public_pages_name_their_other_languages(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub)
    for prefix in ("", "/bn"):
        page = await shown(client, f"{prefix}/alerts/{alert.id}")
        named = dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', page))
        assert named == {tag: f"/{tag}/alerts/{alert.id}" for tag in PAGE_LANGUAGES} | {"x-default": f"/alerts/{alert.id}"}


async def test_a_language_without_its_slash_leads_to_the_front_page(client: TestClient) -> None:
    async with client.get("/es", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (301, "/es/")


async def test_a_page_that_is_not_there_says_so_in_the_language_of_the_address(client: TestClient) -> None:
    assert "Aquí no hay ninguna página" in await shown(client, "/es/nothing-here", 404)
    assert "Aquí no hay ninguna página" in await shown(client, "/es/alerts/al_none", 404)


async def test_staffs_pages_and_files_have_one_address_each(client: TestClient) -> None:
    for path in ("/es/console", "/es/outbox", "/es/assets/tocsin.css", "/es/feeds/alerts.atom"):
        await shown(client, path, 404)


async def test_an_alert_that_nobody_wrote_in_arabic_says_in_arabic_what_to_do(hub: Parts, client: TestClient) -> None:
    alert = await publish(hub, event="Flood Warning")
    page = await shown(client, f"/ar/alerts/{alert.id}")
    assert "تحذير من فيضان" in page
    assert "لا تسيروا ولا تقودوا في الماء." in page
    assert re.search(r'<dd class="todo" lang="en-US" dir="ltr">Stay off flooded streets\.</dd>', page)
    assert re.search(r'<h1 lang="en-US" dir="ltr">', page)


async def test_staff_see_how_far_each_language_has_got(logged_in: str, client: TestClient) -> None:
    page = await shown(client, "/console/languages")
    for name in set(LANGUAGES.values()) - {"English"}:
        assert name in page
    assert "checked" in page
    assert "/console/languages" in await shown(client, "/console")


async def test_strangers_do_not_see_the_consoles_page_of_languages(client: TestClient) -> None:
    async with client.get("/console/languages", allow_redirects=False) as answer:
        assert answer.status == 303
