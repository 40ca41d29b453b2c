"""Lists of alerts hold what they promise, also when it lies far behind what is not for them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import insert, select

from hub.alerts.store import StoredAlert
from hub.staff.actor import SYSTEM
from hub.store import tables
from hub.web.copied import site
from hub.web.open_data import RECENT
from tests.hub.web.conftest import Parts


async def publish(hub: Parts, **changes: Any) -> StoredAlert:
    return await hub.publishing.submit(json.dumps(hub.alert(**changes)).encode(), SYSTEM)


async def repeat(hub: Parts, alert: StoredAlert, times: int) -> None:
    """As many newer alerts that are like this one."""
    async with hub.database.write() as connection:
        found = (await connection.execute(select(tables.alert).where(tables.alert.c.id == alert.id))).mappings().one()
        row = {name: value for name, value in found.items() if name != "number"}
        copies = [row | {"id": f"al_{number}", "chain": f"al_{number}"} for number in range(times)]
        await connection.execute(insert(tables.alert), copies)


@pytest.fixture
async def over(hub: Parts) -> StoredAlert:
    """The only one that people were told of; since then, many waited for approval until they had run out."""
    told, unapproved = await publish(hub), await publish(hub, severity="Extreme")
    hub.clock.now += 3 * 3600
    assert await hub.publishing.end_expired() == 2
    await repeat(hub, unapproved, RECENT)
    return told


async def test_what_is_over_is_found_behind_what_nobody_was_told_of(client: TestClient, over: StoredAlert) -> None:
    async with client.get("/api/v1/public/alerts?active=false") as response:
        assert [alert["id"] for alert in (await response.json())["alerts"]] == [over.id]


async def test_the_copy_keeps_what_is_over_behind_what_nobody_was_told_of(hub: Parts, over: StoredAlert) -> None:
    paths = {file.path async for file in site(hub)}  # type: ignore[arg-type]  # the parts hold all that pages are made from
    assert [Path(path).parts[1] for path in paths if path.startswith("alerts/")] == [over.id]


@pytest.mark.parametrize("event", ["Flood Advisory", "transit"], ids=["apart", "named in another field"])
async def test_alerts_on_a_topic_are_found_behind_any_number_on_others(hub: Parts, event: str) -> None:
    on_topic = [await publish(hub, topics=["weather", "transit"]) for _ in range(3)]
    await repeat(hub, await publish(hub, event=event), 100)
    first, second, third = [alert.id for alert in reversed(on_topic)]
    page = await hub.alerts.recent(topic="transit", limit=2)
    assert [alert.id for alert in page] == [first, second]
    rest = await hub.alerts.recent(topic="transit", limit=2, before=page[-1].number)
    assert [alert.id for alert in rest] == [third]
    assert await hub.alerts.recent(topic="fire", limit=2) == []
