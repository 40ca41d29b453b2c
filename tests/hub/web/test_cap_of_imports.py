"""A document that came in as CAP leaves as CAP of this hub, and what follows it names what it follows."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient
from lxml import etree

from hub.staff.actor import SYSTEM
from tests.hub.alerts.cap_documents import cap
from tests.hub.web.conftest import Parts

MODERATE = ("<severity>Severe", "<severity>Moderate")


@pytest.mark.parametrize("kind", ["Update", "Cancel"])
async def test_an_imported_update_or_cancel_names_in_our_words_what_it_is_about(hub: Parts, client: TestClient, kind: str) -> None:
    first = await hub.publishing.submit(cap(MODERATE), SYSTEM, source="cap")
    reference = "<references>oem@example.gov,OEM-1,2026-11-22T13:50:00-05:00</references>"
    later = (("OEM-1", "OEM-2"), ("13:50:00", "13:55:00"), ("<msgType>Alert", f"<msgType>{kind}"), ("<scope>Public</scope>", ""))
    raw = cap(MODERATE, *later, ("</msgType>", f"</msgType><scope>Public</scope>{reference}"))
    second = await hub.publishing.submit(raw, SYSTEM, source="cap")
    assert second.chain == first.id
    assert await _references(client, first.id) == []
    named = await _references(client, second.id)
    assert [one.split(",")[:2] for one in named] == [["alerts.example", first.id]]


async def _references(client: TestClient, alert: str) -> list[str]:
    async with client.get(f"/feeds/cap/{alert}.xml") as response:
        assert response.status == 200
        document = etree.fromstring(await response.read())
    return (document.findtext("{urn:oasis:names:tc:emergency:cap:1.2}references") or "").split()
