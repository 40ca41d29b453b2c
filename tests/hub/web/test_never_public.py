"""What people were never told stays unknown behind every public door, wherever the document came from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp.test_utils import TestClient

from hub.alerts.store import StoredAlert
from hub.clock import instant
from hub.commands.mirror import copy
from hub.delivery.words.alert_words import short_code
from hub.staff.actor import SYSTEM, Actor
from hub.web.copied import site
from tests.hub.web.conftest import Parts

AUTHOR = Actor(kind="token", id=7, name="desk", agency="Emergency Management", role="author")
HEADLINE = "Evacuate Brooklyn Heights now"
HOUR_S = 3600.0


def cap(hub: Parts, expires_in_s: float) -> bytes:
    sent, expires = (instant(hub.clock() + seconds).isoformat().replace("+00:00", "-00:00") for seconds in (-2 * HOUR_S, expires_in_s))
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>one</identifier><sender>city@example.gov</sender><sent>{sent}</sent>
    <status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><language>en-US</language><category>Met</category>
    <event>Flood</event><urgency>Immediate</urgency><severity>Severe</severity><certainty>Likely</certainty>
    <expires>{expires}</expires><headline>{HEADLINE}</headline><description>In Brooklyn.</description>
    <area><areaDesc>Brooklyn</areaDesc><geocode><valueName>SAME</valueName><value>036047</value></geocode></area></info></alert>""".encode()


async def stopped(hub: Parts, alert: StoredAlert) -> None:
    await hub.publishing.stop(alert.id, SYSTEM)


async def not_approved_in_time(hub: Parts, _: StoredAlert) -> None:
    hub.clock.now += 2 * HOUR_S
    await hub.publishing.end_expired()


async def sent_back(hub: Parts, alert: StoredAlert) -> None:
    await hub.publishing.reject(alert.id, SYSTEM, "Not confirmed by the fire department.")
    await not_approved_in_time(hub, alert)


def doors(alert: StoredAlert) -> list[str]:
    return [f"/alerts/{alert.id}", f"/es/alerts/{alert.id}", f"/pictures/{alert.id}.svg", f"/a/{short_code(alert.number)}"]


@pytest.mark.parametrize("end", [stopped, not_approved_in_time, sent_back])
async def test_an_imported_alert_that_nobody_approved_never_becomes_public(
    hub: Parts, client: TestClient, tmp_path: Path, end: Callable[[Parts, StoredAlert], Awaitable[None]]
) -> None:
    alert = await hub.publishing.submit(cap(hub, HOUR_S), AUTHOR, source="cap")
    assert alert.status == "awaiting_approval"
    await end(hub, alert)
    for door in (*doors(alert), f"/feeds/cap/{alert.id}.xml", f"/api/v1/public/alerts/{alert.id}"):
        async with client.get(door) as response:
            assert response.status == 404, door
    for door in ("/", "/feeds/alerts.atom", "/api/v1/public/alerts"):
        async with client.get(door) as response:
            assert HEADLINE not in await response.text(), door
    await copy(hub, tmp_path / "site")  # type: ignore[arg-type]  # the parts hold all that pages are made from
    assert [path for path in (tmp_path / "site").rglob("*") if alert.id in str(path)] == []


async def test_an_imported_alert_that_had_run_out_when_it_came_is_shown_as_ended(hub: Parts, client: TestClient) -> None:
    alert = await hub.publishing.submit(cap(hub, -HOUR_S), AUTHOR, source="cap")
    assert (alert.status, alert.live_at) == ("ended", None)
    for door in doors(alert):
        async with client.get(door) as response:
            assert response.status == 200, door
    async with client.get(f"/alerts/{alert.id}") as response:
        assert "This alert has ended." in await response.text()
    assert f"alerts/{alert.id}/index.html" in [file.path async for file in site(hub)]  # type: ignore[arg-type]  # as above


async def test_one_that_ran_out_while_it_was_read_was_public_nowhere(hub: Parts) -> None:
    """Its end lay ahead when it was read and behind when it was stored: it waited for approval like any other."""
    archived = await hub.publishing.submit(cap(hub, -HOUR_S), AUTHOR, source="cap")
    assert archived.was_public
    assert not msgspec.structs.replace(archived, ended_at=archived.created_at + 1).was_public
