"""Whole hubs against yardsticks: the ledger on, real sender processes, real HTTP to a sink on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import uvloop

from benchmarks.bare_web_push import subscription
from benchmarks.measure import PAIRS, Figure, figure, in_a_process, listening, sink
from benchmarks.sink import host
from channels import catalog
from hub.application import Hub, open_hub
from hub.settings import load
from hub.staff.actor import SYSTEM
from subscriptions.csv_import import import_csv

RECIPIENTS = 50_000
BARE = 25_000
LOOK_S, LONG_LOOK_S = 0.02, 0.5
"""Between two looks at the progress, which take milliseconds of the process that is measured: few on the way, many towards the end."""
HOSTS = 200
PUSHES = 20_000
BARE_PUSHES = 5_000
TEXT = "Two to three inches of rain are falling within an hour. Water rises fast in basements and underpasses. " * 3


@asynccontextmanager
async def hub_with(people: int, url: str, zips: tuple[str, ...] = ("11201",)) -> AsyncIterator[Hub]:
    """A hub whose people each have one webhook at the sink, spread over the given ZIPs."""
    hosts = url.removeprefix("http://")
    async with hub_of(people, "webhook", lambda number: f"{url}/{number}", zips, TOCSIN_WEBHOOK_HOSTS=hosts) as hub:
        yield hub


@asynccontextmanager
async def hub_of(
    people: int, channel: str, address: Callable[[int], str], zips: tuple[str, ...] = ("11201",), **environ: str
) -> AsyncIterator[Hub]:
    """A hub whose people each have one address of this channel. `environ` are settings, for instance the provider."""
    with tempfile.TemporaryDirectory() as folder:
        base = {"TOCSIN_DATA": folder, "TOCSIN_ALLOW_PRIVATE": "1", "TOCSIN_LOG_LEVEL": "warning"}
        async with open_hub(load(environ=os.environ | base | environ), demo=False, port=0) as hub:
            lines = ["person,zip,language,channel,address,consent_source"]
            lines += [f"{n},{zips[n % len(zips)]},en,{channel},{address(n)},benchmark" for n in range(people)]
            report = await import_csv(hub.database, hub.keyring, catalog.parsers(), hub.catalog, lines)
            assert report.people == people, report.refused[:3]
            await hub.sync.load()
            await publish_and_wait(hub, alert(zips[0]))  # what is loaded at first use is no part of any figure
            yield hub


async def in_turns(hub: Hub, people: int, yardstick: Callable[[], float]) -> tuple[list[float], list[float]]:
    """Hand-overs a second of a whole alert and what the yardstick says, pair by pair. `yardstick` runs in a thread."""
    ours, theirs = [], []
    for _ in range(PAIRS):
        ours.append(people / await publish_and_wait(hub, alert("11201")))
        theirs.append(await asyncio.to_thread(yardstick))
    return ours, theirs


def alert(*zips: str, severity: str = "Moderate") -> bytes:
    """A flood warning for some ZIPs."""
    document = {
        "category": "Met",
        "event": "Flash Flood Warning",
        "urgency": "Immediate",
        "severity": severity,
        "certainty": "Likely",
        "expires": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
        "infos": [{"language": "en-US", "headline": "Flash flooding in low-lying streets", "description": TEXT, "instruction": "Go up."}],
        "area": {"zips": list(zips)},
    }
    return json.dumps(document).encode()


async def publish_and_wait(hub: Hub, document: bytes) -> float:
    """Seconds from publishing to the last settled receipt."""
    start = time.perf_counter()
    stored = await hub.publishing.submit(document, SYSTEM)
    while not (state := await hub.publishing.progress(stored.id)).finished:
        part = state.handed_over / state.planned if state.planned else 0.0
        left_s = (time.perf_counter() - start) * (1 / part - 1) if part else 0.0
        await asyncio.sleep(min(max(LOOK_S, left_s / 2), LONG_LOOK_S))
    assert state.handed_over == state.planned > 0, state
    return time.perf_counter() - start


def webhook() -> dict[str, Figure]:
    """50,000 webhooks through ledger and senders against a bare aiohttp loop."""
    return {"fanout_webhook": _beside("benchmarks.bare_aiohttp", BARE, "bare aiohttp loop, one process, no ledger")}


def many_hosts() -> dict[str, Figure]:
    """50,000 webhooks at 200 hosts that nobody allowed, each address checked, against the same loop at one host."""
    with listening("benchmarks.sink", 0, "", HOSTS) as port:

        async def work() -> tuple[list[float], list[float]]:
            async with hub_of(RECIPIENTS, "webhook", lambda number: f"http://{host(number % HOSTS)}:{port}/{number}") as hub:
                return await in_turns(hub, RECIPIENTS, lambda: in_a_process("benchmarks.bare_aiohttp", f"http://{host(0)}:{port}", BARE))

        ours, theirs = uvloop.run(work())
    return {"fanout_webhook_many_hosts": figure(ours, theirs, "hand-overs/s", "bare aiohttp loop to one host, no check, no ledger")}


def web_push() -> dict[str, Figure]:
    """20,000 pushes, each encrypted for its browser, through one push service against pywebpush's encoder and a bare aiohttp loop."""
    with sink() as url:

        async def work() -> tuple[list[float], list[float]]:
            async with hub_of(PUSHES, "web_push", lambda number: in_csv(subscription(url, number))) as hub:
                return await in_turns(hub, PUSHES, lambda: in_a_process("benchmarks.bare_web_push", url, BARE_PUSHES))

        ours, theirs = uvloop.run(work())
    yardstick = "pywebpush encode and a bare aiohttp loop, one process, no ledger"
    return {"fanout_web_push": figure(ours, theirs, "hand-overs/s", yardstick)}


def in_csv(text: str) -> str:
    """A field with quotes and commas in it."""
    return '"' + text.replace('"', '""') + '"'


def _beside(module: str, count: int, yardstick: str) -> Figure:
    """Our fan-out and a yardstick's process in turns, at the same sink."""

    async def work(url: str) -> tuple[list[float], list[float]]:
        async with hub_with(RECIPIENTS, url) as hub:
            return await in_turns(hub, RECIPIENTS, lambda: in_a_process(module, url, count))

    with sink() as url:
        ours, theirs = uvloop.run(work(url))
    return figure(ours, theirs, "hand-overs/s", yardstick)


def first_handover() -> dict[str, Figure]:
    """From the call to publish until the first person was reached, with 100,000 people subscribed and all of one ZIP alerted."""

    async def work(url: str) -> list[float]:
        waits = []
        zips = ("11201", "11205", "10001", "10025", "11368", "10451", "10301", "11691", "11220", "11101")
        async with hub_with(100_000, url, zips) as hub:
            for round_ in range(15):
                document, start = alert(zips[round_ % len(zips)]), time.time()
                stored = await hub.publishing.submit(document, SYSTEM)
                while not (state := await hub.publishing.progress(stored.id)).finished:
                    await asyncio.sleep(0.02)
                first = state.timeline.first_handover
                assert first is not None
                waits.append(max(0.0, first.timestamp() - start) * 1000)
        return waits

    with sink() as url:
        waits = uvloop.run(work(url))
    result = figure(waits, [100.0] * len(waits), "ms", "the bar of 100 ms", less_is_more=True)
    return {"publish_to_first_handover_100k": result | {"value": round(statistics.median(waits), 1)}}
