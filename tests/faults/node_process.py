"""A whole hub as its own process, started by its own command, on a port and a data folder of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

from tests.processes import PATIENCE_S, children, gone, tell
from tests.warm import Command


class HubProcess:
    """`tocsin serve` and what one does with it from outside."""

    def __init__(self, data: Path, *, log: Path | None = None, **settings: str) -> None:
        """`log` takes its standard error; None for that of the tests."""
        self.data, self.log = data, log
        self.environ = os.environ | {"TOCSIN_LOG_LEVEL": "warning"} | {f"TOCSIN_{name.upper()}": value for name, value in settings.items()}
        self.url = ""
        self.process: Command | None = None

    async def run(self, *arguments: str, stdin: bytes = b"") -> str:
        """One command to its end; its standard output."""
        command = Command((*arguments, "--data", str(self.data)), self.environ, self.log, stdin)
        out = await (await command.lines()).read()
        code = await command.wait()
        assert code == 0, (arguments, code, out)
        return out.decode().strip()

    async def start(self, *options: str) -> None:
        """Until it listens."""
        self.launch(*options)
        await self.listening()

    def launch(self, *options: str) -> None:
        """Start it, no more."""
        self.process = Command(("serve", "--port", "0", "--data", str(self.data), *options), self.environ, self.log)

    async def listening(self) -> None:
        """Wait for the line that says so."""
        assert self.process is not None
        out = await self.process.lines()
        async with asyncio.timeout(PATIENCE_S):
            while not (line := (await out.readline()).decode()).startswith("listening on "):
                assert line, "the hub ended before it listened"
        self.url = line.split()[-1]

    @property
    def pid(self) -> int:
        """The coordinator's."""
        assert self.process is not None
        return self.process.pid

    @property
    def runs(self) -> bool:
        """Whether it was started and has not ended."""
        return self.process is not None and self.process.returncode is None

    def senders(self) -> list[int]:
        """Pids of its sender processes, while the coordinator lives."""
        return children(self.pid)

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal to the coordinator and wait until it has gone; its exit code. Its senders end by themselves, a moment later."""
        assert self.process is not None
        if self.process.returncode is None:
            tell(self.process.pid, how)
        return await self.process.wait()

    def tell_all(self, how: signal.Signals) -> None:
        """A signal to the coordinator and its senders at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, how)

    async def kill_all(self) -> None:
        """SIGKILL to everything, and wait until all of it has gone."""
        senders = self.senders()
        self.tell_all(signal.SIGKILL)
        await asyncio.gather(*(gone(pid) for pid in senders), self.end(signal.SIGKILL))

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
        if hub.runs:
            await hub.kill_all()
