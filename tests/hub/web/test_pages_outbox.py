"""The outbox says when its messages went out: of each group the first and the last."""

from __future__ import annotations

import json
import re
from typing import Any

from aiohttp.test_utils import TestClient
from sqlalchemy import insert

from hub.store import tables
from tests.hub.web.conftest import Parts

MINUTE_S = 60


async def keep(hub: Parts, mailing: int, *minutes_ago: int) -> None:
    """Text messages of a mailing, handed over so long ago."""
    copy = json.dumps({"channel": "sms", "purpose": "alert", "language": "en", "parts": {"text": "T"}})
    async with hub.database.write() as connection:
        for minutes in minutes_ago:
            at = int((hub.clock() - minutes * MINUTE_S) * 1000)
            await connection.execute(insert(tables.outbox).values(channel="sms", copy=copy, at=at, mailing=mailing, address=1))


async def test_a_group_says_when_its_first_message_went_out_and_when_its_last(hub: Parts, logged_in: str, client: TestClient) -> None:
    await keep(hub, 1, 9, 7, 4)
    await keep(hub, 2, 3, 3)
    async with client.get("/outbox") as response:
        shown = await response.text()
    (once,), (first, last) = (_minutes(times) for times in re.findall(r"<h2>Alert <small>(.*?)</small>", shown))
    assert ((last - first) % 60, (once - last) % 60) == (5, 1)


def _minutes(times: str) -> list[Any]:
    return [int(minute) for minute in re.findall(r"\d+:(\d\d)", times)]
