"""What residents do all at once: sign up while the news is on, and keep the page open."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import uvloop

from benchmarks.fanout import alert
from benchmarks.hub_process import HubProcess
from benchmarks.measure import PAIRS, Figure, Missing, figure, listening

CONNECTIONS = 32
SECONDS = 4
STREAMS = 5_000
ALERTS = 9
_SCRIPT = """
local n = 0
local run = "{run}"
wrk.headers["Content-Type"] = "application/json"
function request()
  n = n + 1
  local body = '{{"places":[{{"zip":"11201"}}],"channels":[{{"kind":"email","address":"r' .. run .. 'n' .. n .. '@example.org"}}]}}'
  return wrk.format("POST", "/api/v1/subscriptions", nil, body)
end
"""


def sign_up() -> dict[str, Figure]:
    """POST of a sign-up for one ZIP by e-mail, each of another person, against a bare handler that does one insert."""
    if shutil.which("wrk") is None:
        raise Missing("wrk is missing: apt-get install wrk")
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as folder:
        environ = {"TOCSIN_SIGNUP_LIMITS": "off", "TOCSIN_OUTBOX": "1"}
        with HubProcess(Path(folder) / "hub", **environ) as hub, listening("benchmarks.bare_insert", Path(folder) / "bare.db") as port:
            hub.start()
            for round_ in range(PAIRS):
                ours.append(_signed_up(hub.url, f"a{round_}"))
                bare.append(_signed_up(f"http://127.0.0.1:{port}", f"b{round_}"))
    return {"signup": figure(ours, bare, "sign-ups/s", "bare aiohttp handler with one SQLite insert, same pragmas")}


def _signed_up(url: str, run: str) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT.format(run=run))
        script.flush()
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}", "-s", script.name, url]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert found, said
    assert "Non-2xx" not in said, said
    return float(found[1])


def live() -> dict[str, Figure]:
    """5,000 streams open at one node: from the POST of an alert until the last of them has it."""
    with tempfile.TemporaryDirectory() as folder, HubProcess(Path(folder), TOCSIN_OUTBOX="1") as hub:
        hub.add_people([])
        hub.start()
        waits = uvloop.run(_streamed(hub))
    shown = figure(waits, [1000.0] * len(waits), "ms", "the bar of 1,000 ms", less_is_more=True)
    return {"live_sse": shown | {"value": round(max(waits), 1)}}


async def _streamed(hub: HubProcess) -> list[float]:
    where = urlsplit(hub.url)
    streams = [asyncio.create_task(_Stream.opened(str(where.hostname), where.port or 80)) for _ in range(STREAMS)]
    opened = [await stream for stream in streams]
    waits = []
    for _ in range(ALERTS):
        start = time.perf_counter()
        await asyncio.to_thread(hub.publish, alert("11201"))
        moments = await asyncio.gather(*(stream.next() for stream in opened))
        waits.append((max(moments) - start) * 1000)
    for stream in opened:
        stream.close()
    return waits


class _Stream:
    """One page that is open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def opened(cls, host: str, port: int) -> _Stream:
        """Until the hub has answered."""
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"GET /live HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: text/event-stream\r\n\r\n".encode())
        assert b" 200 " in (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0]
        return cls(reader, writer)

    async def next(self) -> float:
        """When the next alert was there."""
        while b"event: alert" not in await self._reader.readline():
            pass
        moment = time.perf_counter()
        while (await self._reader.readline()).strip(b"\r\n"):
            pass
        return moment

    def close(self) -> None:
        """Leave."""
        self._writer.close()
