"""The worst that can happen to a process: nobody is lost, and duplicates are no more than what was in flight."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from hub.delivery.coordinator import WINDOW
from tests.faults.node_process import PATIENCE_S, HubProcess, hub_process
from tests.peers.http_sink import HttpSink

PEOPLE = 10_000
SENDERS = 2


def flood() -> dict[str, object]:
    return {
        "category": "Met",
        "event": "Flash Flood Warning",
        "urgency": "Immediate",
        "severity": "Moderate",
        "certainty": "Likely",
        "expires": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
        "infos": [{"language": "en-US", "headline": "Flash flooding", "description": "Water rises.", "instruction": "Go up."}],
        "area": {"zips": ["11201"]},
    }


async def fill(hub: HubProcess, url: str, people: int) -> str:
    """Import people with one webhook each, and make a token."""
    lines = ["person,zip,channel,address,consent_source", *(f"{n},11201,webhook,{url}/{n},test" for n in range(1, people + 1))]
    assert f"{people} people taken" in await hub.run("subscribers", "import", "-", stdin="\n".join(lines).encode())
    return await hub.run("token", "add", "--agency", "Test", "--role", "publisher")


async def finished(hub: HubProcess, alert: str, token: str) -> dict[str, int]:
    async with asyncio.timeout(PATIENCE_S):
        while not (state := await hub.ask("GET", f"/api/v1/alerts/{alert}/progress", token))["finished"]:
            await asyncio.sleep(0)
    return state  # type: ignore[no-any-return]


async def test_kill_9_of_everything_in_mid_alert_loses_nobody(tmp_path: Path) -> None:
    async with HttpSink() as sink:
        host = urlsplit(sink.url).netloc
        async with hub_process(tmp_path, allow_private="1", webhook_hosts=host, senders=str(SENDERS)) as hub:
            token = await fill(hub, sink.url, PEOPLE)
            await hub.start()
            alert = (await hub.ask("POST", "/api/v1/alerts", token, flood()))["id"]
            await sink.arrived(PEOPLE // 3)
            await hub.end(signal.SIGKILL)
            assert len({request.path for request in sink.requests}) < PEOPLE
            await hub.start()
            await sink.arrived(PEOPLE)
            state = await finished(hub, alert, token)
            assert await hub.end() == 0
        reached = Counter(request.path for request in sink.requests)
    assert (state["matched"], state["planned"], state["handed_over"]) == (PEOPLE, PEOPLE, PEOPLE)
    assert len(reached) == PEOPLE
    assert sum(reached.values()) - PEOPLE <= SENDERS * WINDOW


async def test_sigterm_in_mid_alert_settles_what_was_handed_over_and_sends_nobody_a_second_time(tmp_path: Path) -> None:
    async with HttpSink() as sink:
        host = urlsplit(sink.url).netloc
        async with hub_process(tmp_path, allow_private="1", webhook_hosts=host, senders=str(SENDERS)) as hub:
            token = await fill(hub, sink.url, PEOPLE)
            await hub.start()
            alert = (await hub.ask("POST", "/api/v1/alerts", token, flood()))["id"]
            await sink.arrived(PEOPLE // 3)
            assert await hub.end(signal.SIGTERM) == 0
            assert len(sink.requests) < PEOPLE
            await hub.start()
            await sink.arrived(PEOPLE)
            state = await finished(hub, alert, token)
            assert await hub.run("check")
            await hub.end()
        reached = Counter(request.path for request in sink.requests)
    assert state["handed_over"] == PEOPLE
    assert reached == {f"/{number}": 1 for number in range(1, PEOPLE + 1)}
