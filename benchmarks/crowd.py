"""The crowd that an alert brings: its pages under wrk, while the alert goes out in the same process."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

import aiohttp
import uvloop

from benchmarks.fanout import alert, hub_with, publish_and_wait
from benchmarks.measure import PAIRS, Figure, Missing, figure, sink
from hub.web.front import open_door
from hub.web.routes import build_app

RECIPIENTS = 150_000
CONNECTIONS = 64
CODINGS = "gzip, deflate, br, zstd"
"""What every browser says it can unpack."""


def pages() -> dict[str, Figure]:
    """GET of ``/`` and ``/alerts/{id}`` in turns of rounds, and what the fan-out loses meanwhile."""
    if shutil.which("wrk") is None:
        raise Missing("wrk is missing: apt-get install wrk")
    with sink() as url:
        ours, bare, alone, beside = uvloop.run(_work(url))
    lost = figure(beside, alone, "hand-overs/s", "the same fan-out without visitors")
    lost["value"] = round(100 * (1 - statistics.median(b / a for b, a in zip(beside, alone, strict=True))), 1)
    return {
        "alert_page": figure(ours, bare, "pages/s", "bare aiohttp handler in a process of its own, same bytes, same fan-out"),
        "alert_page_fanout_loss": lost | {"unit": "% lost"},
    }


async def _work(url: str) -> tuple[list[float], list[float], list[float], list[float]]:
    ours: list[float] = []
    bare: list[float] = []
    alone: list[float] = []
    beside: list[float] = []
    async with hub_with(RECIPIENTS, url) as hub:
        with socket.create_server(("127.0.0.1", 0)) as port:
            base = f"http://127.0.0.1:{port.getsockname()[1]}"
            async with open_door(build_app(hub), hub, port, hub.delivering):
                shown = (await hub.alerts.recent(limit=1))[0]
                for round_ in range(PAIRS):
                    path = f"/alerts/{shown.id}" if round_ % 2 else "/"
                    async with (
                        aiohttp.ClientSession(auto_decompress=False) as session,
                        session.get(base + path, headers={"Accept-Encoding": CODINGS}) as got,
                    ):
                        body, coding = await got.read(), got.headers.get("Content-Encoding", "identity")
                    alone.append(RECIPIENTS / await publish_and_wait(hub, alert("11201")))
                    rate, served = await _under(base + path, publish_and_wait(hub, alert("11201")))
                    beside.append(rate)
                    ours.append(served)
                    with _bare(body, coding) as yardstick:
                        _, served = await _under(yardstick + path, publish_and_wait(hub, alert("11201")))
                        bare.append(served)
    return ours, bare, alone, beside


async def _under(url: str, fanout: Awaitable[float]) -> tuple[float, float]:
    """(hand-overs a second, pages a second) of a fan-out while wrk asks for a page."""
    wrk = await asyncio.create_subprocess_exec(
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        "-d600",
        "-H",
        f"Accept-Encoding: {CODINGS}",
        url,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    took = await fanout
    wrk.send_signal(signal.SIGINT)
    said = (await wrk.communicate())[0].decode()
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    assert "Non-2xx" not in said, said
    assert "Socket errors" not in said, said
    return RECIPIENTS / took, float(found[1])


@contextmanager
def _bare(body: bytes, coding: str) -> Iterator[str]:
    with tempfile.TemporaryFile() as given:
        given.write(body)
        given.seek(0)
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.bare_pages", "text/html", coding], stdin=given, stdout=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
