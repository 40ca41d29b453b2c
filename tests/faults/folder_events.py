"""What other processes do to the files of a folder, one event at a time (inotify): a moment of a fault is the n-th of them."""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Self

_OPENED, _WRITTEN, _MADE = 0x20, 0x02, 0x100
_EVENT = struct.Struct("iIII")
_libc = ctypes.CDLL(None, use_errno=True)


class FolderEvents:
    """Counts opens, writes and new files from `with` on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.count = 0
        self._awaited: list[tuple[int, asyncio.Event]] = []

    def __enter__(self) -> Self:
        self._descriptor = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self._descriptor < 0 or _libc.inotify_add_watch(self._descriptor, os.fsencode(self._folder), _OPENED | _WRITTEN | _MADE) < 0:
            raise OSError(ctypes.get_errno(), f"can't watch {self._folder}")
        asyncio.get_running_loop().add_reader(self._descriptor, self._read)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def _read(self) -> None:
        events = os.read(self._descriptor, 2**16)
        position = 0
        while position < len(events):
            *_, length = _EVENT.unpack_from(events, position)
            position += _EVENT.size + length
            self.count += 1
        for count, reached in self._awaited:
            if self.count >= count:
                reached.set()

    async def nth(self, count: int) -> None:
        """Wait until so many have happened."""
        reached = asyncio.Event()
        self._awaited.append((count, reached))
        if self.count < count:
            await reached.wait()
