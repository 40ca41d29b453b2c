"""Other processes as one sees them from outside: who their children are, and when they are gone."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

PATIENCE_S = 60.0


def children(parent: int) -> list[int]:
    """Pids of the processes that `parent` started and that have not ended, in the order of their numbers."""
    numbered = (folder for folder in Path("/proc").iterdir() if folder.name.isdecimal())
    return sorted(int(folder.name) for folder in numbered if _parent(folder) == parent)


def _parent(folder: Path) -> int | None:
    try:
        state, parent, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def tell(pid: int, how: signal.Signals) -> None:
    """Send a signal to whoever may have gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, how)


async def gone(pid: int, patience_s: float = PATIENCE_S) -> None:
    """Wait until a process has ended, whoever its parent is."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(patience_s):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
