"""Writing in the console: an update begins with all that the alert said, and neither a conflict nor a log-out is a dead end."""

from __future__ import annotations

import re

import pytest
from aiohttp.test_utils import TestClient

from hub.staff.actor import SYSTEM
from tests.hub.web.conftest import PASSWORD, Parts
from tests.hub.web.forms import page, title
from tests.hub.web.test_pages_console import fields_of, press, publish

TYPED = {"severity": "Moderate", "urgency": "Expected", "certainty": "Likely", "category": "Met", "duration": "4"}


async def test_the_boxes_of_all_boroughs_are_ticked_in_an_update_however_they_were_written(
    hub: Parts, logged_in: str, client: TestClient
) -> None:
    alert = await publish(hub, area={"boroughs": ["Kings", "the bronx", "4"]})
    shown = await page(client, f"/console/compose?update={alert.id}")
    assert re.findall(r'name="boroughs" value="([^"]*)" checked', shown) == ["Bronx", "Brooklyn", "Queens"]


async def test_a_borough_that_is_none_of_the_citys_keeps_a_box_and_is_refused_in_words(logged_in: str, client: TestClient) -> None:
    status, _, shown = await press(
        client,
        "/console/compose",
        "/console/compose/preview",
        **TYPED,
        status="Actual",
        event="Flood Advisory",
        headline_en="Water",
        boroughs="Kingdom",
    )
    assert status == 422
    assert "“Kingdom” is not a borough of New York City." in shown
    assert re.findall(r'name="boroughs" value="([^"]*)" checked', shown) == ["Kingdom"]


async def test_the_form_of_an_update_has_a_field_for_each_link_where_they_differ(hub: Parts, logged_in: str, client: TestClient) -> None:
    english = hub.alert()["infos"][0] | {"web": "https://example.org/en"}
    spanish = {"language": "es", "headline": "Agua", "web": "https://example.org/es"}
    alert = await publish(hub, infos=[english, spanish])
    for follow in ("update", "cancel"):
        fields = fields_of(await page(client, f"/console/compose?{follow}={alert.id}"))
        assert (fields["web"], fields["web_en"], fields["web_es"]) == ("", english["web"], spanish["web"])
    alike = await publish(hub, infos=[english, spanish | {"web": english["web"]}])
    fields = fields_of(await page(client, f"/console/compose?update={alike.id}"))
    assert fields["web"] == english["web"]
    assert not {"web_en", "web_es"} & fields.keys()


async def test_an_update_of_what_was_called_off_meanwhile_says_so_on_the_form_with_what_was_typed(
    hub: Parts, logged_in: str, client: TestClient
) -> None:
    alert = await publish(hub)
    form = await page(client, f"/console/compose?update={alert.id}")
    kept = {name: text for name, text in fields_of(form).items() if name not in {"boroughs", "citywide", "topics"}}
    typed = kept | TYPED | {"headline_en": "Water is falling"}
    status, _, preview = await press(client, "/console/compose", "/console/compose/preview", **typed)
    assert status == 200
    await hub.publishing.call_off(alert.id, SYSTEM)
    sendings = (("/console/compose/preview", typed), ("/console/compose", fields_of(preview)))
    for action, fields in sendings:
        status, _, again = await press(client, "/console/compose", action, **fields)
        assert status == 409
        assert '<a href="#form">This alert has been called off. Publish a new one.</a>' in again
        assert fields_of(again)["headline_en"] == "Water is falling"


WRITTEN = TYPED | {"status": "Actual", "event": "Flood Advisory", "headline_en": 'Water is rising, "Q & A"', "zips": "11201"}


@pytest.mark.parametrize("action", ["/console/compose/preview", "/console/compose"])
async def test_who_is_logged_out_while_composing_logs_in_and_finds_what_was_typed(hub: Parts, client: TestClient, action: str) -> None:
    """S6, S9: nothing goes out by it, neither at the log-in nor after it."""
    await hub.staff.add("desk", PASSWORD, agency="Emergency Management", role="approver")
    asked = await page(client, action, "POST", status=401, data=WRITTEN)
    assert "nothing is lost" in asked
    carried = fields_of(asked)
    refused = await page(client, "/console/log-in", "POST", status=422, data=carried | {"name": "desk", "password": "no"})
    assert {name: text for name, text in fields_of(refused).items() if name in WRITTEN} == WRITTEN
    back = await page(client, "/console/log-in", "POST", data=carried | {"name": "desk", "password": PASSWORD})
    assert title(back) == "New alert"
    assert (fields_of(back)["headline_en"], fields_of(back)["zips"]) == (WRITTEN["headline_en"], "11201")
    assert PASSWORD not in back
    assert await hub.alerts.recent() == []


async def test_who_logged_in_anew_meanwhile_sees_the_preview_again_instead_of_losing_it(
    hub: Parts, logged_in: str, client: TestClient
) -> None:
    _, _, preview = await press(client, "/console/compose", "/console/compose/preview", **WRITTEN)
    again = await page(client, "/console/compose", "POST", data=fields_of(preview) | {"csrf": "of the log-in before"})
    assert await hub.alerts.recent() == []
    status, location, _ = await press(client, "/console/compose", "/console/compose", **fields_of(again))
    assert (status, location) == (303, f"/console/alerts/{(await hub.alerts.recent())[0].id}")


async def test_neither_another_site_nor_a_page_without_a_token_sends_an_alert(hub: Parts, logged_in: str, client: TestClient) -> None:
    _, _, preview = await press(client, "/console/compose", "/console/compose/preview", **WRITTEN)
    for action in ("/console/compose/preview", "/console/compose"):
        await page(client, action, "POST", status=403, data=fields_of(preview), headers={"Sec-Fetch-Site": "cross-site"})
    await page(client, "/console/compose", "POST", data=fields_of(preview))
    await page(client, "/console/compose", "POST", status=403, data={"notice": "0"})
    assert await hub.alerts.recent() == []
