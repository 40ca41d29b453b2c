"""The life of a node's sender processes: started, listened to, told each second that they may go on, replaced when they die or hang."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterator

import msgspec
import structlog

from hub.delivery.handle import HUNG_S, Handle, start
from hub.delivery.sending import frames

log = structlog.get_logger()


class Senders:
    """Of one coordinator: `start_all`, `look` each second, then `drain` and `end`."""

    def __init__(
        self,
        configure: frames.Configure,
        count: int,
        *,
        word: Callable[[], frames.Alive],
        unwritten: Callable[[], Collection[int]],
        heard: Callable[[Handle, frames.ToCoordinator], None],
        gone: Callable[[], None],
        lost: Callable[[Handle], Awaitable[None]],
    ) -> None:
        """`word` is what each is told again and again, and `unwritten` the stops that a new one must know. `heard` is given each of their
        frames; `gone` is told of each that ended, and `lost` settles what it held."""
        self._configure, self._count, self._word, self._unwritten = configure, count, word, unwritten
        self._heard, self._gone, self._lost = heard, gone, lost
        self.handles: list[Handle] = []
        self._readers: set[asyncio.Task[None]] = set()
        self._draining = False

    @property
    def living(self) -> list[Handle]:
        """Those that run."""
        return [handle for handle in self.handles if not handle.ended.is_set()]

    def doing(self) -> Iterator[frames.Doing]:
        """What each that runs said last."""
        return (handle.doing for handle in self.living)

    def mailings(self) -> set[int]:
        """What is in hand."""
        return {leased.mailing for handle in self.handles for leased in handle.held.values()}

    async def start_all(self) -> None:
        """As many as there should be."""
        while len(self.handles) < self._count and not self._draining:
            await self._start()

    def speak(self) -> None:
        """Say to each how long it may go on."""
        for handle in self.handles:
            handle.send(self._word())

    def hold(self, mailing: int, *, written: bool) -> None:
        """A mailing's hand-overs end on every one."""
        for handle in self.handles:
            handle.send(frames.Halt(mailing, written))

    def fence(self) -> None:
        """Others may send what is in hand here: they end at once, and the next look starts new ones."""
        for handle in self.living:
            log.error("sender_fenced", pid=handle.process.pid)
            handle.kill()

    async def look(self, since_s: float) -> None:
        """Replace who died or hangs; the last look was so long ago."""
        for handle in list(self.handles):
            if since_s > HUNG_S / 2:  # this process stood still, so what they said meanwhile is yet to be read
                handle.heard = max(handle.heard, time.monotonic())
            if handle.hangs or handle.ended.is_set():
                await self._replace(handle)
        await self.start_all()

    async def drain(self) -> None:
        """They begin nobody more and tell what became of those in flight; who doesn't end is killed."""
        self._draining = True
        for handle in self.handles:
            handle.send(frames.Drain())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HUNG_S):
                await asyncio.gather(*(handle.ended.wait() for handle in self.handles))
        for handle in self.living:
            handle.kill()
        await asyncio.gather(*self._readers)

    async def end(self) -> list[int]:
        """Their processes are gone. Returns the batches of those that had to be killed."""
        await asyncio.gather(*(handle.end() for handle in self.handles))
        return [batch for handle in self.handles if handle.process.returncode for batch in handle.held]

    async def _start(self) -> None:
        handle = await start(self._configure, self._word())
        for mailing in self._unwritten():
            handle.send(frames.Halt(mailing, written=False))
        self.handles.append(handle)
        task = asyncio.create_task(self._read(handle))
        self._readers.add(task)
        task.add_done_callback(self._readers.discard)

    async def _read(self, handle: Handle) -> None:
        try:
            while (body := await frames.read(handle.reader)) is not None:
                handle.heard = time.monotonic()
                self._heard(handle, frames.to_coordinator.decode(body))
        except msgspec.DecodeError:
            log.exception("frame_unreadable", pid=handle.process.pid)
        finally:
            handle.ended.set()
            self._gone()

    async def _replace(self, handle: Handle) -> None:
        """Each step may be repeated: until the last one succeeded the handle stays, and the next look finds it."""
        if self._draining:
            return
        await handle.end()
        log.warning("sender_replaced", pid=handle.process.pid, code=handle.process.returncode, batches=len(handle.held))
        await handle.ended.wait()
        await self._lost(handle)
        handle.held.clear()
        self.handles.remove(handle)
