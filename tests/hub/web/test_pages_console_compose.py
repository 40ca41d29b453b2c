"""Writing in the console: an update begins with all that the alert said, and neither a conflict nor a log-out is a dead end."""

from __future__ import annotations

import re

from aiohttp.test_utils import TestClient

from hub.staff.actor import SYSTEM
from tests.hub.web.conftest import Parts
from tests.hub.web.test_pages_console import fields_of, page, press, publish

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


async def test_who_is_logged_out_while_composing_is_led_to_the_log_in(client: TestClient) -> None:
    for action in ("/console/compose/preview", "/console/compose"):
        async with client.post(action, data=TYPED) as response:
            assert response.status == 401
            shown = await response.text()
        assert 'href="/console/log-in"' in shown
        assert "Nothing was sent" in shown
