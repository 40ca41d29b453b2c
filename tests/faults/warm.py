"""Commands of the hub in processes that start warm: each is a fork of one that has imported everything, so that a restart costs no seconds.

What runs is the same command line with the same arguments; only the interpreter is not started anew. Senders are, by the hub itself.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from hub.__main__ import app
from hub.delivery.process_limits import end_with_parent
from tests.faults.processes import PATIENCE_S, gone

CONTEXT = multiprocessing.get_context("forkserver")
"""Forks of a process that has imported the hub."""
CONTEXT.set_forkserver_preload(
    ["hub.__main__", "hub.application", "hub.commands.check", "hub.commands.import_subscribers", "pytest", __name__]
)


def _command(arguments: Sequence[str], environ: Mapping[str, str], out: Connection, log: Path | None, given: bytes) -> None:
    end_with_parent()  # when the tests are killed, so is what they started
    os.setsid()
    os.environ.clear()
    os.environ.update(environ)
    os.dup2(out.fileno(), 1)
    if log is not None:
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    sys.stdin = io.TextIOWrapper(io.BytesIO(given))
    app(list(arguments), prog_name="tocsin")


class Command:
    """One that has been started: `tocsin ARGUMENTS` with `given` on its standard input, in a session of its own."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], log: Path | None = None, given: bytes = b"") -> None:
        self._reading, writing = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=_command, args=(arguments, environ, writing, log, given), daemon=False)
        self._process.start()
        writing.close()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.returncode: int | None = None
        self._out: asyncio.StreamReader | None = None

    async def lines(self) -> asyncio.StreamReader:
        """Its standard output."""
        if self._out is None:
            self._out = asyncio.StreamReader()
            pipe = os.fdopen(os.dup(self._reading.fileno()), "rb")
            await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self._out), pipe)
        return self._out

    async def wait(self) -> int:
        """Until it has ended; its exit code, or the negative number of the signal that ended it."""
        if self.returncode is None:
            await gone(self.pid)
            await asyncio.to_thread(self._process.join, PATIENCE_S)
            assert self._process.exitcode is not None
            self.returncode = self._process.exitcode
            self._process.close()
            self._reading.close()
        return self.returncode
