"""Processes that start warm: each is a fork of one that has imported everything, so that a start costs no seconds.

What runs is the same program with the same arguments; only the interpreter is not started anew. Commands start their senders cold, as ever.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from hub.__main__ import app
from hub.delivery.sending import sender
from hub.delivery.sending.process_limits import end_with_parent
from tests.processes import PATIENCE_S, gone

CONTEXT = multiprocessing.get_context("forkserver")
"""Forks of a process that has imported the hub, and what its senders load when they begin."""
CONTEXT.set_forkserver_preload(
    [
        *("hub.__main__", "hub.application", "hub.commands.check", "hub.commands.import_subscribers", "pytest", __name__),
        *("channels.outbox", "channels.web_push", "channels.webhook"),
    ]
)


class Warm:
    """One that has been started. It can be used as a process of asyncio's."""

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        self._process = CONTEXT.Process(target=target, args=arguments, daemon=False)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid
        self.returncode: int | None = None

    def send_signal(self, number: signal.Signals) -> None:
        """To it, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        """Until it has ended; its exit code, or the negative number of the signal that ended it."""
        await gone(self.pid)
        if self.returncode is None:
            await asyncio.to_thread(self._process.join, PATIENCE_S)
        if self.returncode is None:  # nobody else waited for it meanwhile
            assert self._process.exitcode is not None
            self.returncode = self._process.exitcode
            self._process.close()
            self._ended()
        return self.returncode

    def _ended(self) -> None:
        """What was kept open for it is closed."""


class Command(Warm):
    """`tocsin ARGUMENTS` with `given` on its standard input, in a session of its own."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], log: Path | None = None, given: bytes = b"") -> None:
        self._reading, writing = CONTEXT.Pipe(duplex=False)
        super().__init__(_command, arguments, environ, writing, log, given)
        writing.close()
        self._out: asyncio.StreamReader | None = None

    async def lines(self) -> asyncio.StreamReader:
        """Its standard output."""
        if self._out is None:
            self._out = asyncio.StreamReader()
            pipe = os.fdopen(os.dup(self._reading.fileno()), "rb")
            await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(self._out), pipe)
        return self._out

    def _ended(self) -> None:
        self._reading.close()


class Ran(NamedTuple):
    """A command that has ended: its exit code, and what it said."""

    code: int
    out: str
    err: str


async def tocsin(*arguments: object, given: bytes = b"", **variables: str) -> Ran:
    """`tocsin ARGUMENTS` to its end, with `given` on its standard input and none of its settings but these `variables`."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")} | variables
    with tempfile.NamedTemporaryFile() as log:
        command = Command([str(one) for one in arguments], environ, Path(log.name), given)
        out = await (await command.lines()).read()
        return Ran(await command.wait(), out.decode(), Path(log.name).read_text())


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


async def sender_process(theirs: socket.socket) -> Warm:
    """In the place of `hub.delivery.handle.sender_process`."""
    return Warm(_sender, theirs)


def _sender(connection: socket.socket) -> None:
    sys.argv[1:] = [str(connection.detach())]
    sender.main()
