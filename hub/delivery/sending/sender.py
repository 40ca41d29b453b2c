"""A sender: one process that takes leased batches from the coordinator, hands them over one person at a time, and streams receipts back.

Started as ``python -m hub.delivery.sending.sender FD`` with one end of a socket pair. It reads no database, no environment and no settings
file; when the other end closes it is gone within a moment, and whatever it had not reported is leased again.

The way of one hand-over: turn (`lanes`) → window → still valid? → open address → a place at its host → its receiver's rate (`pace`) →
deliver → row → receipts.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial

import msgspec
import structlog
import uvloop

from channels import catalog
from channels.contract import (
    CalledOff,
    Channel,
    ChannelError,
    DeliveryFailed,
    Draft,
    Guarded,
    NotConfigured,
    Recipient,
    Rejected,
    TryAgain,
)
from channels.outbox import Outbox
from hub import memory
from hub.delivery.sending import frames, process_limits
from hub.delivery.sending.away import Away
from hub.delivery.sending.delivery_id import DeliveryIds
from hub.delivery.sending.failures import row_of
from hub.delivery.sending.frames import Row, To, Work
from hub.delivery.sending.handing import hand
from hub.delivery.sending.lanes import Job, Lane, Precedence
from hub.delivery.sending.outcome import Outcome
from hub.delivery.sending.personal_links import PersonalLinks
from hub.delivery.sending.provider_rates import ProviderRates
from hub.delivery.sending.purse import Purse
from hub.delivery.sending.receiver_rates import ReceiverRates
from hub.delivery.sending.reports import HANDED_OVER, Reports, row_of_receipt
from hub.delivery.sending.window import Window
from hub.durations import Durations
from hub.log import configure as configure_log
from subscriptions.errors import VaultError
from subscriptions.vault import Keyring

DRAFTS_KEPT = 64
UNWRITTEN_S = 5.0  # until one is tried again whose mailing is stopped, but not in the ledger
NOT_CONFIGURED_S = 60.0  # until a channel that has lost its setting is tried again
LAST_ANSWERS_S = 3.5  # until a sender that is to end says what may have been sent, before the coordinator's patience is over
GOODBYE_S = 0.5  # for all providers together, to end their connections in good order
log = structlog.get_logger()


class Sender:
    """The process's one object; `run` returns when the coordinator has gone or asked to drain."""

    def __init__(self, configure: frames.Configure, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._keyring = keyring = Keyring.from_bytes(configure.keyring)
        self._settings = configure.channels
        self._links = PersonalLinks(keyring.link_key, configure.channels.public_url, configure.channels.bounces)
        self._ids = DeliveryIds(keyring.link_key)
        self._shift = configure.clock_shift
        self._window = Window(configure.window)
        self._reader, self._writer = reader, writer
        self._channels: dict[tuple[str, bool], Channel] = {}
        self._lanes: dict[tuple[str, bool], Lane] = {}
        self._early: dict[str, Purse] = {}
        self._per_second_each = configure.per_second_each
        self._receiver_rates = ReceiverRates(self._say)
        self._provider_rates = ProviderRates(configure.provider_rates, self._say, lambda: self._say(self._doing()))
        self._away = Away(lambda: self._say(self._doing()), self._put_off)
        self._precedence = Precedence()
        self._tasks: set[asyncio.Task[None]] = set()
        self._halted: dict[int, bool] = {}
        self._recalled: dict[int, set[int]] = {}
        self._drafts: dict[tuple[str, bool, bytes], Draft] = {}
        self._reports = Reports(self._receipts)
        self._until, self._draining = 0.0, False
        self._under_way: dict[int, tuple[Job, To]] = {}
        self._settled = asyncio.Event()

    def clock(self) -> float:
        """Seconds since 1970, as the hub counts them."""
        return time.time() + self._shift

    def _say(self, frame: frames.ToCoordinator) -> None:
        self._writer.write(frames.encode(frame))

    async def run(self) -> None:
        """Serve frames until the other end closes or asks to drain."""
        ticker = asyncio.create_task(self._tick())
        # A thread that nobody waits for: a sender that is told to end while it loads adapters ends at once.
        threading.Thread(target=catalog.preload, args=(self._settings,), daemon=True).start()
        try:
            while not self._draining:
                body = await frames.read(self._reader)
                if body is None:
                    return
                self._serve(frames.to_sender.decode(body))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST_ANSWERS_S):
                    while self._under_way:
                        self._settled.clear()
                        await self._settled.wait()
            self._call_doubtful()
            self._reports.flush()
            self._say(self._doing())
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()
        finally:
            ticker.cancel()
            await self._close()

    def _serve(self, frame: frames.ToSender) -> None:
        match frame:
            case frames.Credits(channel, count, key):
                self._credit(channel, count, key)
            case frames.Granted(key, count):
                self._receiver_rates.granted(self._lanes.values(), key, count)
                self._provider_rates.granted(key, count)
            case frames.Committed(count):
                self._window.give(count)
            case Work():
                self._spawn(self._begin(frame))
            case frames.Halt(mailing, written):
                self._halted[mailing] = written or self._halted.get(mailing, False)
                self._withhold(lambda job: job.work.mailing != mailing)
            case frames.Recall(batch, addresses):
                self._recalled.setdefault(batch, set()).update(addresses)
            case frames.Drain():
                self._draining = True
                self._window.close()
                self._forget_waiting()
            case frames.Alive(until, begin_until):
                self._until = until
                self._window.open(begin_until)

    def _credit(self, channel: str, count: int, key: str) -> None:
        lane = self._lanes.get((channel, False))
        if not self._provider_rates.allows(channel, key):  # granted before the coordinator heard that another one is in use
            self._say(frames.Unused(channel, count))
        elif lane is None:  # its adapter is still being loaded
            self._early.setdefault(channel, Purse()).put(count)
        else:
            lane.credit(count)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _begin(self, work: Work) -> None:
        try:
            channel = await self._channel(work)
            draft = self._draft(work, channel)
        except NotConfigured as error:  # it was when they subscribed, so it may be again after the next start
            log.warning("channel_not_configured", channel=work.channel, batch=work.batch, reason=str(error))
            self._refuse(work, str(error) or "not configured", Outcome.WAITING, after=NOT_CONFIGURED_S)
            return
        except ChannelError as error:
            self._refuse(work, str(error) or "the message could not be composed")
            return
        except Exception:
            log.exception("compose_failed", mailing=work.mailing, channel=work.channel)
            self._refuse(work, "the message could not be composed")
            return
        if self._draining:
            return
        job = Job(work, channel, draft)
        key = (work.channel, work.simulated)
        if key not in self._lanes:
            each = None if work.simulated else self._per_second_each.get(work.channel)
            purse = None if work.simulated else self._early.pop(work.channel, None)
            self._lanes[key] = Lane(channel, self._precedence, self._hand_over, each, partial(self._ids.receiver, work.channel), purse)
            if not work.simulated:
                self._provider_rates.watch(work.channel, channel, self._lanes[key])
                self._away.watch(work.channel, channel, self._lanes[key])
        self._lanes[key].put(job)
        self._away.turn_back(work.channel)
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
        # By all that it says: of one mailing, batches for discreet readers have other words, and a video may be withdrawn meanwhile.
        key = (work.channel, work.simulated, msgspec.msgpack.encode(work.message))
        if key not in self._drafts:
            while len(self._drafts) >= DRAFTS_KEPT:
                del self._drafts[next(iter(self._drafts))]
            self._drafts[key] = channel.compose(work.message)
        return self._drafts[key]

    def _refuse(self, work: Work, reason: str, outcome: Outcome = Outcome.FAILED, after: float | None = None) -> None:
        at = int(self.clock() * 1000)
        rows = [Row(to.address, outcome, at, reason[:80], after) for to in work.recipients]
        self._say(frames.Receipts(work.batch, rows, finished=True))
        self._window.give(-len(rows))

    async def _hand_over(self, lane: Lane, job: Job, to: To, provider: int) -> None:
        if not self._window.take_now() and not await self._window.take(job.priority):
            return  # not reported: the batch's rest is given back when this process ends
        self._under_way[id(to)] = (job, to)
        try:
            if (row := self._not_now(job.work, to)) is None:
                row = await self._deliver(lane, job, to, provider)
            elif job.work.limited:
                lane.credit_back()  # nobody was begun with it
            if row is None:
                self._window.give(1)
            elif id(to) not in self._under_way:  # called doubtful meanwhile
                pass
            elif row is HANDED_OVER:
                self._reports.handed_over(job, to.address, self.clock())
            else:
                self._reports.ended(job, row)
        finally:
            self._under_way.pop(id(to), None)
            if self._draining and not self._under_way:
                self._settled.set()

    def _over(self, work: Work) -> Outcome | None:
        """What becomes of whoever is not begun yet, when nobody may be begun any more."""
        if time.monotonic() >= self._until:
            os._exit(3)  # hung or cut off past its lease: anything gentler might send what another sender has taken over
        if self.clock() >= work.message.expires_at:
            return Outcome.EXPIRED
        return Outcome.WITHHELD if self._halted and self._halted.get(work.mailing) else None

    def _not_now(self, work: Work, to: To) -> Row | None:
        over = self._over(work)
        if over is not None:
            return Row(to.address, over, int(self.clock() * 1000))
        if self._halted and work.mailing in self._halted:
            return Row(to.address, Outcome.WAITING, int(self.clock() * 1000), "a stop waits to be written", after=UNWRITTEN_S)
        if self._recalled and to.address in self._recalled.get(work.batch, ()):
            return Row(to.address, Outcome.WAITING, int(self.clock() * 1000), after=0.0)
        return None

    def _still(self, work: Work, to: To) -> None:
        if self._window.is_shut or self._not_now(work, to) is not None:
            raise CalledOff

    async def _deliver(self, lane: Lane, job: Job, to: To, provider: int) -> Row | None:
        """How it ended, HANDED_OVER as a rule; None when the turn waits for a place at its host."""
        work = job.work
        try:
            recipient = Recipient(
                delivery_id=self._ids.of(work.mailing, to.address),
                address=self._keyring.open(work.channel, to.key_id, to.sealed),
                links=self._links.of(work, to, job.draft.slots),
                earlier=work.earlier.get(to.address),
                provider=provider,
                still=partial(self._still, work, to),
            )
            host = lane.host(recipient.address)
            if host is not None and host.is_full and not host.rests_s:
                lane.park(host, job, to, provider)
                return None
            if self._receiver_rates.must_wait(lane, job, to, provider, recipient.address):  # last, since it uses up a credit
                return None
            receipt = await hand(lane, host, job, recipient)
        except CalledOff:
            return self._not_now(work, to) or Row(to.address, Outcome.WAITING, int(self.clock() * 1000))
        except (DeliveryFailed, VaultError) as error:
            failure = error if isinstance(error, DeliveryFailed) else Rejected("the address can't be opened with this keyring")
            return row_of(failure, to.address, int(self.clock() * 1000))
        except Exception as error:  # noqa: BLE001 - process boundary: one recipient fails alone
            # Only the kind of error is logged: its text and traceback may quote an address.
            log.error("delivery_broke", mailing=work.mailing, channel=work.channel, error=type(error).__name__)  # noqa: TRY400
            return Row(to.address, Outcome.WAITING, int(self.clock() * 1000), f"unexpected {type(error).__name__}"[:80], maybe_sent=True)
        return row_of_receipt(receipt, work.channel, to.address, self.clock())

    def _receipts(self, receipts: frames.Receipts) -> None:
        self._say(receipts)
        if receipts.finished:
            self._recalled.pop(receipts.batch, None)

    def _withhold(self, keep: Callable[[Job], bool]) -> None:
        at = int(self.clock() * 1000)
        for lane in self._lanes.values():
            for job, waiting in lane.drop(keep):
                self._window.give(-len(waiting))
                for to in waiting:
                    self._reports.ended(job, self._not_now(job.work, to) or Row(to.address, Outcome.WAITING, at, after=0.0))

    def _put_off(self, late: list[tuple[Job, To, TryAgain]]) -> None:
        at = int(self.clock() * 1000)
        self._window.give(-len(late))
        for job, to, again in late:
            self._reports.ended(job, row_of(again, to.address, at))

    def _call_doubtful(self) -> None:
        left, self._under_way = self._under_way, {}
        at = int(self.clock() * 1000)
        for job, to in left.values():
            self._reports.ended(job, Row(to.address, Outcome.WAITING, at, "the hub stopped before an answer came", maybe_sent=True))

    def _forget_waiting(self) -> None:
        # Not reported at all: the coordinator gives the unsettled rest of each batch back when this sender ends.
        for lane in self._lanes.values():
            lane.drop(lambda _: False)

    async def _tick(self) -> None:
        while True:
            self._say(frames.Alive())
            self._say(self._doing())
            self._provider_rates.look_after()
            for (name, _), lane in self._lanes.items():
                self._put_off(lane.look_after())
                self._away.turn_back(name)
                self._receiver_rates.look_after(lane)
                if void := lane.void_credits():
                    self._say(frames.Unused(name, void))
            await asyncio.sleep(1.0)

    def _doing(self) -> frames.Doing:
        resting: dict[str, int] = {}
        took: dict[str, Durations] = {}
        for (name, simulated), lane in self._lanes.items():
            resting[name] = resting.get(name, 0) + lane.resting
            if lane.took.seconds and not isinstance(self._channels[name, simulated], Outbox):
                took[name], lane.took = lane.took, Durations()
        for (name, _), channel in self._channels.items():
            if isinstance(channel, Guarded):
                resting[name] = resting.get(name, 0) + channel.resting
        return frames.Doing(
            len(self._under_way),
            self._window.ahead,
            self._window.waits(),
            {name: count for name, count in resting.items() if count},
            took,
            self._provider_rates.in_use,
            self._away.until,
        )

    async def _close(self) -> None:
        self._reports.close()
        workers = [worker for lane in self._lanes.values() for worker in lane.workers] + list(self._tasks)
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()  # the loop's end would throw away what the coordinator was too busy to take in
        # After the last word: whoever waits for a provider that does not say goodbye would be taken for a sender that hangs.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_S):
                await asyncio.gather(*(channel.aclose() for channel in self._channels.values()), return_exceptions=True)


async def _main(descriptor: int) -> None:
    connection = socket.socket(fileno=descriptor)
    reader, writer = await asyncio.open_connection(sock=connection, limit=2**20)
    body = await frames.read(reader)
    if body is None:
        return
    configure = frames.to_sender.decode(body)
    if isinstance(configure, frames.Configure):
        await Sender(configure, reader, writer).run()


def main() -> None:
    """Entry of the process. Ctrl-C in a terminal reaches the whole group: only the coordinator decides when to end."""
    faulthandler.enable()  # a library that crashes says where
    process_limits.end_with_parent()
    process_limits.allow_many_hosts()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    configure_log()
    memory.started()
    uvloop.run(_main(int(sys.argv[1])))
    os._exit(0)  # all is said, while the interpreter would wait for threads in which a slow service is asked


if __name__ == "__main__":
    main()
