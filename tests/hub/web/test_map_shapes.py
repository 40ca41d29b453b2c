"""The map of an alert's page draws everything that its author drew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import async_playwright, expect

from hub.staff.actor import SYSTEM
from tests.hub.web.conftest import Parts

CIRCLE = {"circle": {"lat": 40.65, "lon": -73.95, "radius_m": 400}}
POLYGON = {"polygon": {"type": "Polygon", "coordinates": [[[-73.99, 40.69], [-73.98, 40.69], [-73.98, 40.70], [-73.99, 40.69]]]}}


@pytest.mark.parametrize(
    ("area", "drawn"),
    [(CIRCLE, 1), (POLYGON, 1), (CIRCLE | POLYGON, 2), (CIRCLE | POLYGON | {"zips": ["11201"]}, 3)],
    ids=["circle", "polygon", "both", "beside a ZIP"],
)
async def test_a_polygon_and_a_circle_are_both_on_the_map(
    hub: Parts, client: TestClient, chromium: Path, area: dict[str, Any], drawn: int
) -> None:
    alert = await hub.publishing.submit(json.dumps(hub.alert(area=area)).encode(), SYSTEM)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = await browser.new_page()
        await page.goto(str(client.make_url(f"/alerts/{alert.id}")))
        await page.get_by_role("button", name="Show the map").click()
        await expect(page.locator("#map[data-ready]")).to_be_visible()
        await expect(page.locator("#map path.area")).to_have_count(drawn)
        # Of a circle the path is two arcs, each with the radius in pixels.
        arcs = await page.locator("#map path.area").evaluate_all("all => all.filter((one) => /a[1-9]/.test(one.getAttribute('d'))).length")
        assert arcs == ("circle" in area)
        await browser.close()
