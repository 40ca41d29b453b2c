"""Residents' pages over HTTP: asking for one, and reading what it says."""

from __future__ import annotations

import re
from typing import Any

from aiohttp.test_utils import TestClient

from tests.subscriptions.residents import Residents, service_on

EMAIL = {"kind": "email", "email": "a@example.org"}
TOPICS = {"topics": ["weather", "crime"]}
PUSH = {
    "endpoint": "https://push.example.org/send/abc",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
}


async def residents_on(hub: Any, **more: Any) -> Residents:
    """The residents' service in place of the one that the frame's tests do without."""
    service = await service_on(hub.database, hub.catalog, **more)
    hub.enrolment, hub.links = service.enrolment, service.links
    service.clock.now = hub.clock.now
    return service


async def page(client: TestClient, path: str, method: str = "GET", *, status: int = 200, **more: Any) -> str:
    async with client.request(method, path, **more) as response:
        assert response.status == status, path
        return await response.text()


def title(text: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", text, re.DOTALL)
    assert found
    return re.sub(r"<[^>]*>", "", found[1]).strip()


def errors(text: str) -> dict[str, str]:
    """Field → what stands at it."""
    found = re.findall(r'<p class="error" id="([\w-]+)-error">.*?</span>(.*?)</p>', text, re.DOTALL)
    return {name: sentence.strip() for name, sentence in found}
