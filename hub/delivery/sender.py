"""A sender: one process that takes leased batches from the coordinator, hands them over one person at a time, and streams receipts back.

Started as ``python -m hub.delivery.sender FD`` with one end of a socket pair. It reads no database, no environment and no settings file;
when the other end closes it is gone within a moment, and whatever it had not reported is leased again.

The way of one hand-over: turn → window → still valid? → open address → deliver → row → receipts.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine

import structlog
import uvloop

from channels import catalog
from channels.contract import Channel, ChannelError, DeliveryFailed, Draft, Recipient, Rejected, TryAgain, Uncertain
from hub.delivery import frames
from hub.delivery.delivery_id import DeliveryIds
from hub.delivery.frames import Row, To, Work
from hub.delivery.outcome import Outcome
from hub.log import configure as configure_log
from subscriptions.errors import VaultError
from subscriptions.links import LinkPurpose, Links
from subscriptions.vault import Keyring

_PR_SET_PDEATHSIG = 1
FLUSH_ROWS = 64
FLUSH_S = 0.01
DRAFTS_KEPT = 64

log = structlog.get_logger()


class Window:
    """How many hand-overs may be ahead of receipts that are on disk: the bound on duplicates after a crash."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._closed = False
        self._open = asyncio.Event()
        self._open.set()

    async def take(self) -> bool:
        """Wait for room for one more; False once the window is closed for good."""
        while self._free <= 0 and not self._closed:
            self._open.clear()
            await self._open.wait()
        if self._closed:
            return False
        self._free -= 1
        return True

    def close(self) -> None:
        """Nothing more is begun; whoever waits is let go."""
        self._closed = True
        self._open.set()

    def give(self, count: int) -> None:
        """So many were committed, or were never started."""
        self._free += count
        self._open.set()


class Job:
    """One batch on its way through this sender."""

    __slots__ = ("channel", "draft", "left", "next", "rows", "work")

    def __init__(self, work: Work, channel: Channel, draft: Draft) -> None:
        self.work, self.channel, self.draft = work, channel, draft
        self.next = 0
        self.left = len(work.recipients)
        self.rows: list[Row] = []


class Lane:
    """All jobs of one channel: its workers always take the most urgent person next, so an urgent batch overtakes in mid-batch."""

    def __init__(self, concurrency: int, hand_over: Callable[[Job, To], Awaitable[None]]) -> None:
        self._jobs: list[Job] = []
        self._more = asyncio.Event()
        self._hand_over = hand_over
        self._next_at = 0.0
        self.workers = [asyncio.create_task(self._run()) for _ in range(concurrency)]

    def put(self, job: Job) -> None:
        """Queue a batch by its priority."""
        self._jobs.append(job)
        self._jobs.sort(key=lambda waiting: (waiting.work.priority, waiting.work.batch))
        self._more.set()

    def drop(self, keep: Callable[[Job], bool]) -> list[tuple[Job, list[To]]]:
        """Take out the jobs that `keep` refuses; returns each with the people not yet begun."""
        dropped = [job for job in self._jobs if not keep(job)]
        self._jobs = [job for job in self._jobs if keep(job)]
        return [(job, job.work.recipients[job.next :]) for job in dropped]

    def _take(self) -> tuple[Job, To] | None:
        while self._jobs:
            job = self._jobs[0]
            if job.next < len(job.work.recipients):
                to = job.work.recipients[job.next]
                job.next += 1
                return job, to
            self._jobs.pop(0)
        return None

    async def _pace(self, rate: float) -> None:
        now = time.monotonic()
        self._next_at = max(now, self._next_at) + 1.0 / rate
        await asyncio.sleep(max(0.0, self._next_at - 1.0 / rate - now))

    async def _run(self) -> None:
        while True:
            if self._jobs and (rate := self._jobs[0].work.rate) is not None:
                await self._pace(rate)  # first the slot, then whose it is: an urgent batch or a stop may come meanwhile
            turn = self._take()
            if turn is None:
                self._more.clear()
                await self._more.wait()
                continue
            await self._hand_over(*turn)


class Sender:
    """The process's one object; `run` returns when the coordinator has gone or asked to drain."""

    def __init__(self, configure: frames.Configure, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        keyring = Keyring.from_bytes(configure.keyring)
        self._settings = configure.channels
        self._keyring = keyring
        self._links = Links(keyring.link_key, configure.channels.public_url)
        self._ids = DeliveryIds(keyring.link_key)
        self._shift = configure.clock_shift
        self._window = Window(configure.window)
        self._reader, self._writer = reader, writer
        self._channels: dict[tuple[str, bool], Channel] = {}
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._halted: set[int] = set()
        self._drafts: dict[tuple[int, str, str, bool], Draft] = {}
        self._unsent: list[Job] = []
        self._flush_timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        self._draining = False
        self._in_flight = 0
        self._settled = asyncio.Event()

    def clock(self) -> float:
        """Seconds since 1970, as the hub counts them."""
        return time.time() + self._shift

    async def run(self) -> None:
        """Serve frames until the other end closes or asks to drain."""
        ticker = asyncio.create_task(self._tick())
        self._spawn(asyncio.to_thread(catalog.preload, self._settings))
        try:
            while not self._draining:
                body = await frames.read(self._reader)
                if body is None:
                    return
                self._serve(frames.to_sender.decode(body))
            while self._in_flight:
                self._settled.clear()
                await self._settled.wait()
            self._flush()
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()
        finally:
            ticker.cancel()
            await self._close()

    def _serve(self, frame: frames.ToSender) -> None:
        match frame:
            case frames.Committed(count):
                self._window.give(count)
            case Work():
                self._spawn(self._begin(frame))
            case frames.Halt(mailing):
                self._halted.add(mailing)
                self._withhold(lambda job: job.work.mailing != mailing)
            case frames.Drain():
                self._draining = True
                self._window.close()
                self._forget_waiting()
            case frames.Alive(until):
                self._until = until
            case frames.Configure():
                pass

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self, work: Work) -> None:
        try:
            channel = await self._channel(work)
            draft = self._draft(work, channel)
        except ChannelError as error:
            self._refuse(work, str(error) or "not configured")
            return
        except Exception:
            log.exception("compose_failed", mailing=work.mailing, channel=work.channel)
            self._refuse(work, "the message could not be composed")
            return
        if self._draining:
            return
        job = Job(work, channel, draft)
        if work.channel not in self._lanes:
            self._lanes[work.channel] = Lane(channel.limits.concurrency, self._hand_over)
        self._lanes[work.channel].put(job)
        if work.mailing in self._halted:
            self._withhold(lambda waiting: waiting is not job)

    async def _channel(self, work: Work) -> Channel:
        key = (work.channel, work.simulated)
        if key not in self._channels and catalog.provider_for(work.channel, self._settings, work.simulated) == "real":
            # In a thread: an adapter that takes seconds to load must not make this process look hung, nor hold up other channels.
            await asyncio.to_thread(catalog.load, work.channel, self._settings)
        if key not in self._channels:
            self._channels[key] = catalog.open_for(work.channel, self._settings, self.clock, simulated=work.simulated)
        return self._channels[key]

    def _draft(self, work: Work, channel: Channel) -> Draft:
        key = (work.mailing, work.channel, work.language, work.simulated)
        if key not in self._drafts:
            while len(self._drafts) >= DRAFTS_KEPT:
                del self._drafts[next(iter(self._drafts))]
            self._drafts[key] = channel.compose(work.message)
        return self._drafts[key]

    def _refuse(self, work: Work, reason: str) -> None:
        at = int(self.clock() * 1000)
        rows = [Row(to.address, Outcome.FAILED, at, reason[:80]) for to in work.recipients]
        self._writer.write(frames.encode(frames.Receipts(work.batch, rows, finished=True)))
        self._window.give(-len(rows))

    async def _hand_over(self, job: Job, to: To) -> None:
        if not await self._window.take():
            return  # not reported: the batch's rest is given back when this process ends
        self._in_flight += 1
        try:
            row = self._not_now(job, to) or await self._deliver(job, to)
            self._report(job, row)
        finally:
            self._in_flight -= 1
            if self._draining and not self._in_flight:
                self._settled.set()

    def _not_now(self, job: Job, to: To) -> Row | None:
        if time.monotonic() >= self._until:
            os._exit(3)  # hung or cut off past its lease: anything gentler might send what another sender has taken over
        now = self.clock()
        if now >= job.work.message.expires_at:
            return Row(to.address, Outcome.EXPIRED, int(now * 1000))
        if job.work.mailing in self._halted:
            return Row(to.address, Outcome.WITHHELD, int(now * 1000))
        return None

    async def _deliver(self, job: Job, to: To) -> Row:
        work = job.work
        try:
            recipient = Recipient(
                delivery_id=self._ids.of(work.mailing, to.address),
                address=self._keyring.open(work.channel, to.key_id, to.sealed),
                links=self._stamp(job, to) if job.draft.slots else {},
            )
            receipt = await job.channel.deliver(job.draft, recipient)
        except DeliveryFailed as failure:
            return _row_of(failure, to.address, int(self.clock() * 1000))
        except VaultError:
            return Row(to.address, Outcome.FAILED, int(self.clock() * 1000), "the address can't be opened with this keyring")
        except Exception as error:  # noqa: BLE001 - process boundary: one recipient fails alone
            # Only the kind of error is logged: its text and traceback may quote an address.
            log.error("delivery_broke", mailing=work.mailing, channel=work.channel, error=type(error).__name__)  # noqa: TRY400
            return Row(to.address, Outcome.WAITING, int(self.clock() * 1000), f"unexpected {type(error).__name__}"[:80], maybe_sent=True)
        outcome = Outcome.SIMULATED if receipt.simulated else Outcome.HANDED_OVER
        return Row(to.address, outcome, int(self.clock() * 1000), copy=receipt.copy)

    def _stamp(self, job: Job, to: To) -> dict[str, str]:
        numbers: dict[LinkPurpose, int] = {"why": to.epoch, "unsubscribe": to.epoch, "confirm": job.work.serial, "access": job.work.serial}
        return {
            name: self._links.url(name, to.subscriber, to.address, numbers[name], job.work.mailing if name == "why" else 0)
            for name in numbers
            if name in job.draft.slots
        }

    def _report(self, job: Job, row: Row) -> None:
        if not job.rows:
            self._unsent.append(job)
        job.rows.append(row)
        job.left -= 1
        if len(job.rows) >= FLUSH_ROWS or not job.left:
            self._flush()
        elif self._flush_timer is None:
            self._flush_timer = asyncio.get_running_loop().call_later(FLUSH_S, self._flush)

    def _flush(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        for job in self._unsent:
            self._writer.write(frames.encode(frames.Receipts(job.work.batch, job.rows, finished=not job.left)))
            job.rows = []
        self._unsent.clear()

    def _withhold(self, keep: Callable[[Job], bool]) -> None:
        at = int(self.clock() * 1000)
        for lane in self._lanes.values():
            for job, waiting in lane.drop(keep):
                self._window.give(-len(waiting))
                for to in waiting:
                    self._report(job, Row(to.address, Outcome.WITHHELD, at))

    def _forget_waiting(self) -> None:
        # Not reported at all: the coordinator gives the unsettled rest of each batch back when this sender ends.
        for lane in self._lanes.values():
            lane.drop(lambda _: False)

    async def _tick(self) -> None:
        alive = frames.encode(frames.Alive())
        while True:
            self._writer.write(alive)
            await asyncio.sleep(1.0)

    async def _close(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
        workers = [worker for lane in self._lanes.values() for worker in lane.workers] + list(self._tasks)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        for channel in self._channels.values():
            await channel.aclose()
        self._writer.close()


def _row_of(failure: DeliveryFailed, address: int, at: int) -> Row:
    reason = failure.reason[:80].encode("utf-8", "replace").decode()
    match failure:
        case TryAgain(after=after):
            return Row(address, Outcome.WAITING, at, reason, after=after)
        case Uncertain():
            return Row(address, Outcome.WAITING, at, reason, maybe_sent=True)
        case Rejected(address_is_dead=dead):
            return Row(address, Outcome.FAILED, at, reason, dead=dead)
        case _:
            return Row(address, Outcome.FAILED, at, reason)


async def _main(descriptor: int) -> None:
    connection = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_connection(sock=connection, limit=2**20)
    body = await frames.read(reader)
    if body is None:
        return
    configure = frames.to_sender.decode(body)
    if isinstance(configure, frames.Configure):
        await Sender(configure, reader, writer).run()


def _end_with_parent() -> None:
    """Linux ends this process at the moment when the coordinator's ends, even while it is stopped: nobody is there to settle what it would
    send. Elsewhere it ends as soon as it finds its socket closed."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    """Entry of the process. Ctrl-C in a terminal reaches the whole group: only the coordinator decides when to end."""
    _end_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    configure_log()
    uvloop.run(_main(int(sys.argv[1])))


if __name__ == "__main__":
    main()
