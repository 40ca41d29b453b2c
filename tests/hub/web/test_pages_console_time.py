"""How long it takes until the last of them has it: said by a whole hub before anybody presses the button, from the rates it is held to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from hub.application import Hub
from hub.web.routes import build_app
from tests.hub.one_node import bring, opened
from tests.hub.publishing.conftest import AUTHOR, document
from tests.hub.web.conftest import PASSWORD
from tests.hub.web.test_pages_console import page, press
from tests.hub.web.test_pages_console_compose import TYPED

PEOPLE = 432
SAID = "<p>About 4 minutes until the last of them has it. Webhook is the slowest, at 2 a second.</p>"


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[Hub]:
    """Webhooks are held to two a second."""
    async with opened(tmp_path, rates="webhook=2") as hub:
        await bring(hub, "webhook", *(f"http://127.0.0.1:9/{number}" for number in range(PEOPLE)))
        await hub.sync.catch_up()
        await hub.staff.add("desk", PASSWORD, agency="Emergency Management", role="approver")
        yield hub


@pytest.fixture
async def desk(city: Hub) -> AsyncIterator[TestClient]:
    """A browser that is logged in."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(TestClient(TestServer(build_app(city))))
        secret = await city.staff.log_in("desk", PASSWORD)
        client.session.cookie_jar.update_cookies({"tocsin": secret}, client.make_url("/"))
        yield client


async def test_the_preview_says_when_the_last_of_them_has_it(desk: TestClient) -> None:
    words = {"status": "Actual", "event": "Flood Advisory", "headline_en": "Water", "description_en": "It rises.", "zips": "11201"}
    status, _, shown = await press(desk, "/console/compose", "/console/compose/preview", **TYPED, **words)
    assert status == 200
    assert f"<b>{PEOPLE}</b> people" in shown
    assert SAID in shown


async def test_whoever_approves_is_told_the_same(city: Hub, desk: TestClient) -> None:
    waiting = await city.publishing.submit(document(), AUTHOR)
    assert waiting.status == "awaiting_approval"
    assert SAID in await page(desk, f"/console/alerts/{waiting.id}")
