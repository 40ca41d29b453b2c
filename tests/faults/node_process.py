"""A whole hub as its own process, started by its own command, on a port and a data folder of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

PATIENCE_S = 60.0


class HubProcess:
    """`tocsin serve` and what one does with it from outside."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self.environ = os.environ | {"TOCSIN_LOG_LEVEL": "warning"} | {f"TOCSIN_{name.upper()}": value for name, value in settings.items()}
        self.url = ""
        self.process: asyncio.subprocess.Process | None = None

    async def run(self, *arguments: str, stdin: bytes | None = None) -> str:
        """One command to its end; its standard output."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub", *arguments, "--data", str(self.data), env=self.environ,
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await process.communicate(stdin)
        assert process.returncode == 0, (arguments, out)
        return out.decode().strip()

    async def start(self, *options: str) -> None:
        """Until it listens."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hub", "serve", "--port", "0", "--data", str(self.data), *options, env=self.environ,
            stdout=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while not (line := (await self.process.stdout.readline()).decode()).startswith("listening on "):
                assert line, "the hub ended before it listened"
        self.url = line.split()[-1]

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait until it has gone; its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()

    async def ask(self, method: str, path: str, token: str, body: Any = None) -> Any:
        """JSON in, JSON out."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session,
            session.request(method, self.url + path, json=body) as answer,
        ):
            assert answer.status < 300, await answer.text()
            return await answer.json()


@asynccontextmanager
async def hub_process(data: Path, **settings: str) -> AsyncIterator[HubProcess]:
    """A hub that is not started yet; whatever runs at the end is killed."""
    hub = HubProcess(data, **settings)
    try:
        yield hub
    finally:
        if hub.process is not None and hub.process.returncode is None:
            await hub.end(signal.SIGKILL)
