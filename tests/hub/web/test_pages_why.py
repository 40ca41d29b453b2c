"""Why a message came (S26): which place, which topics, how and when one agreed; no address, no label, no point, no control."""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from subscriptions.opting_out import Matched
from subscriptions.store.sql import PlaceRow
from tests.hub.web.forms import page, residents_on
from tests.subscriptions.residents import Residents

HOME = {"lat": 40.6937, "lon": -73.9903, "radius_m": 400, "label": "my home"}
MATCHED = PlaceRow(None, 40.6937, -73.9903, 400.0, label="my home")


@pytest.fixture
async def residents(hub: Any) -> Residents:
    return await residents_on(hub)


async def why(client: TestClient, residents: Residents) -> str:
    return await page(client, "/why/" + residents.links.token("why", 1, 1, 0, 77))


def facts(text: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", text))


async def test_it_names_place_topic_way_and_month_and_nothing_else(residents: Residents, client: TestClient) -> None:
    form = {"point": "40.6937, -73.9903", "radius_m": "400", "kind": "email", "email": "a@example.org", "topics": ["weather", "fire"]}
    await page(client, "/subscribe", "POST", data=form)
    manage = (await residents.confirm_newest()).manage
    residents.matched = Matched([MATCHED], ("weather", "transit"))
    shown = await why(client, residents)
    assert facts(shown) == {"Places": "ZIP 11201", "About": "Weather", "Signed up": "On this site", "Since": "November 2026"}
    for secret in ("my home", "40.69", "a@example.org", "example.org", str(manage)):
        assert secret not in shown


async def test_the_whole_city_is_called_so(residents: Residents, client: TestClient) -> None:
    await residents.resident(places=[{"citywide": True}])
    residents.matched = Matched([PlaceRow("city")], ("weather",))
    assert facts(await why(client, residents))["Places"] == "All of New York City"


async def test_an_alert_that_is_about_drills_alone_says_so(residents: Residents, client: TestClient) -> None:
    await residents.resident(topics=["test"], drills=True)
    residents.matched = Matched([PlaceRow("zip:11201")], ("test",))
    assert facts(await why(client, residents))["About"] == "Drills and tests too"


async def test_a_letter_about_the_sign_up_is_not_taken_for_an_alert(residents: Residents, client: TestClient) -> None:
    await residents.resident()
    residents.matched = None
    shown = await why(client, residents)
    assert "This message was about your sign-up itself." in shown
    assert "Places" not in facts(shown)


async def test_it_has_no_form(residents: Residents, client: TestClient) -> None:
    await residents.resident(places=[HOME])
    assert "<form" not in await why(client, residents)


async def test_once_the_subscription_has_ended_it_says_so(residents: Residents, client: TestClient) -> None:
    await residents.enrolment.end(await residents.resident(), source="test")
    assert "This address gets no alerts any more." in await why(client, residents)
