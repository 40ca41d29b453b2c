"""The coordinator feeds the senders and settles what they report. It owns the ledger; they own the sending.

Its loops: `_dispatch` leases batches whenever a signal, a due time or the sweep says there may be some and a sender has room;
`_settle` commits whatever has come in since the last commit and opens the senders' windows by as much; `_watch` looks after senders and
leases. A signal is only a hint: the sweep each second is the guarantee.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from channels.contract import Message
from hub.clock import Clock, Jumps
from hub.delivery.credits import Credits
from hub.delivery.handle import LOWEST, Handle
from hub.delivery.ledger.batches import Leased, Settlement
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.rate_limit import RateLimit
from hub.delivery.reach import Reach
from hub.delivery.recalls import Recalls
from hub.delivery.senders import Senders
from hub.delivery.sending import frames
from hub.delivery.sending.frames import Row
from hub.delivery.sending.outcome import Outcome
from hub.delivery.settlements import Taken, group
from hub.delivery.stops import Stops
from subscriptions.opting_out import Tried

WINDOW = 512
SWEEP_S = 1.0
TOGETHER = 64
"""People of small batches that one sender is given at once."""
SILENCE_S = 10.0
"""A sender hands over for so long after the coordinator's last word."""
GATHER_S = 0.01
"""A commit costs the same for one receipt and for a thousand: while senders have room to go on, it waits a moment for more."""
LAST_COMMITS_S = 3.0

log = structlog.get_logger()


class Coordinator:
    """Start with `async with`. `until` says how long this node may hand over (`time.monotonic`), `render` makes the message of a leased
    batch, `settled` is told after each commit."""

    def __init__(
        self,
        ledger: Ledger,
        configure: frames.Configure,
        clock: Clock,
        *,
        senders: int,
        until: Callable[[], float],
        render: Callable[[Leased], Awaitable[Message]],
        rate_of: Callable[[str, bool], float | None],
        rate_limit: RateLimit,
        settled: Callable[[Sequence[Settlement], Sequence[Tried]], None],
        told: Callable[[frames.Doing], object] = lambda _: None,
        elsewhere: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`told` is given what each sender says of itself each second; `elsewhere` says whether another node may reach a channel."""
        self._ledger, self._clock, self._until, self._told = ledger, clock, until, told
        self._render, self._rate_of, self._settled = render, rate_of, settled
        self._senders = Senders(
            configure,
            senders,
            word=self._alive,
            unwritten=lambda: self._stops.unwritten,
            heard=self._hear,
            gone=self.wake,
            lost=self._settle_lost,
        )
        self.handles = self._senders.handles
        self.reach = Reach(lambda: self.handles, elsewhere)
        self._taken: list[Taken] = []
        self.in_doubt = False
        """After the end: whether the database could not be told of somebody who may have been reached."""
        self._committing = asyncio.Lock()
        self._feeding = asyncio.Lock()
        self._wake = asyncio.Event()
        self._incoming, self._enough = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._jumps, self._put_back_s = Jumps(clock), 0.0
        self._recalls = Recalls(self._feeding, lambda: self.handles)
        self.changed = self._recalls.note
        self._stops = Stops(ledger, self._senders.mailings, self.hold, self._senders.speak)
        self._credits = Credits(rate_limit, rate_of, configure.provider_rates, lambda: self.handles)

    async def __aenter__(self) -> Coordinator:
        await self._senders.start_all()
        loops = [self._dispatch, self._settle, self._speak, self._watch]
        loops += [self._stops.run, self._recalls.run, self._credits.run, self._credits.answer]
        self._tasks = [asyncio.create_task(loop()) for loop in loops]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Start nothing more, take the receipts of what is in flight, commit them, end the senders."""
        self._stopping = True
        await self._senders.drain()
        try:
            async with asyncio.timeout(LAST_COMMITS_S):
                await self._commit_all()
        except TimeoutError:
            self.in_doubt = True
            log.exception("receipts_not_settled", receipts=sum(receipts.count for *_, receipts in self._taken))
        finally:
            # After the receipts are safe: to take a process down can last on a busy machine.
            await self._lose(await self._senders.end())
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _lose(self, batches: list[int]) -> None:
        """Of senders that had to be killed. Whatever the database has, this process ends."""
        try:
            async with asyncio.timeout(LAST_COMMITS_S):
                if batches:
                    await self._ledger.lose(batches)
        except Exception as error:  # noqa: BLE001 - see above
            self.in_doubt = True
            log.error("doubt_not_noted", error=type(error).__name__, batches=len(batches))  # noqa: TRY400 - a traceback may quote an address

    async def _commit_all(self) -> None:
        while self._taken:
            try:
                await self._commit()
            except Exception:  # another process may hold the database for a moment, and these receipts are worth a second try
                log.exception("settle_failed")
                await asyncio.sleep(0.1)

    def doing(self) -> Iterator[frames.Doing]:
        """What each sender that runs said last."""
        return self._senders.doing()

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    @property
    def alive(self) -> int:
        """Senders that run."""
        return len(self._senders.living)

    async def halt(self, mailing: int) -> int:
        """Stop a mailing; returns how many people were withheld at once (those a sender holds follow by receipt)."""
        self.hold(mailing)
        return await self._ledger.halt(mailing, int(self._clock() * 1000))

    def hold(self, mailing: int, *, written: bool = True) -> None:
        """Its hand-overs end on every sender here; the ledger has it already or will have it at once, or can't be told now."""
        (self._stops.unwritten.discard if written else self._stops.unwritten.add)(mailing)
        self._senders.hold(mailing, written=written)

    def fence(self) -> None:
        """The lease is over, and others may send what is in hand here: the senders end at once, and `_watch` starts new ones."""
        self._senders.fence()

    def _hear(self, handle: Handle, frame: frames.ToCoordinator) -> None:
        if isinstance(frame, frames.Receipts):
            self._take_in(handle, frame)
        if isinstance(frame, frames.Unused):
            handle.unused(frame.channel, frame.count)
            self._credits.given()
        if isinstance(frame, frames.Wanted):
            self._credits.want(handle, frame)
        if isinstance(frame, frames.Doing):
            moved, back = handle.doing.in_use != frame.in_use, handle.doing.away.keys() - frame.away.keys()
            handle.doing = frame
            self._told(frame)
            if back:
                self._wake.set()
            if moved:
                self._credits.given()

    def _take_in(self, handle: Handle, frame: frames.Receipts) -> None:
        leased = handle.held.get(frame.batch)
        if leased is None:  # what was given to another meanwhile is the other's to report
            log.warning("receipts_of_no_batch", batch=frame.batch, receipts=frame.count)
            return
        handle.reported(leased, frame.count)
        self._taken.append((handle, leased, frame))
        self._incoming.set()
        if not self._may_gather():
            self._enough.set()

    def _alive(self) -> frames.Alive:
        return frames.Alive(min(self._until(), time.monotonic() + SILENCE_S), self._stops.known_until)

    async def _speak(self) -> None:
        """Senders go on for as long as they hear this, whatever else is waited for."""
        while True:
            self._senders.speak()
            await asyncio.sleep(SWEEP_S)

    async def _watch(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(SWEEP_S)
            try:
                await self._senders.look(time.monotonic() - before)
                await self._look_after()
            except Exception:  # process boundary: the next look tries again, the log says why it must
                log.exception("watch_failed")
            self._wake.set()

    async def _settle_lost(self, handle: Handle) -> None:
        while any(owner is handle for owner, *_ in self._taken):
            await self._commit()
        await self._ledger.lose(handle.held)

    async def _look_after(self) -> None:
        """What crashes and clocks may have left behind: leases of nobody here, mailings without people, due times of a clock put back."""
        async with self._feeding:
            ours = {batch for handle in self.handles for batch in handle.held} | {leased.batch for _, leased, _ in self._taken}
            await self._ledger.reclaim(ours)
        await self._ledger.end_all()
        self._put_back_s += max(0.0, -self._jumps.look())  # kept until the ledger has heard of it
        if self._put_back_s:
            moved = await self._ledger.bring_forward(int(self._put_back_s * 1000), int(self._clock() * 1000))
            log.warning("due_times_brought_forward", seconds=round(self._put_back_s, 1), batches=moved)
            self._put_back_s = 0.0

    async def _dispatch(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._stopping:
                return
            try:
                await self._feed()
            except Exception:  # process boundary: the sweep tries again in a second, and the log says why it must
                log.exception("dispatch_failed")

    async def _feed(self) -> None:
        async with self._feeding:
            now = int(self._clock() * 1000)
            if self._until() <= time.monotonic():
                return
            for channel in await self._ledger.waiting_channels(now):
                await self._feed_channel(channel, now)

    async def _feed_channel(self, channel: str, now: int) -> None:
        while await self._feed_round(channel, now):
            pass

    async def _feed_round(self, channel: str, now: int) -> bool:
        """Each sender as much as it has room for; whether one was given its first batch and so has room for more."""
        more = False
        for handle, free, above in self.reach.rooms(channel):
            if self._until() <= time.monotonic():
                return False
            together = 0 if channel in handle.doing.away else self._together(channel)
            batches = await self._ledger.lease(channel, free, above, now, together)
            if not batches and above == LOWEST:
                self._wake.set()  # there was something due, so it was closed (expired, stopped, nobody left): look behind it at once
            await self._give_all(handle, batches)
            more |= bool(batches) and above == LOWEST and len(batches) >= free and handle.room(channel)[1] == LOWEST
        return more

    def _together(self, channel: str) -> int:
        """People in small batches that are taken at once: for each of many letters a commit of its own would be dear."""
        rate = self._rate_of(channel, False)
        return TOGETHER if rate is None else min(TOGETHER, int(rate))

    async def _give_all(self, handle: Handle, batches: list[Leased]) -> None:
        for position, leased in enumerate(batches):
            try:
                await self._give(handle, leased)
            except Exception:
                handle.drop(leased.batch)
                await self._ledger.give_back([rest.batch for rest in batches[position:]])
                raise

    async def _give(self, handle: Handle, leased: Leased) -> None:
        try:
            message, earlier = await self._render(leased), await self._ledger.earlier(leased)
        except (SQLAlchemyError, OSError):
            raise  # the database is away, which says nothing about the text: the batch is given back
        except Exception:  # one text that can't be rendered must not hold up all others
            log.exception("render_failed", mailing=leased.mailing, channel=leased.channel, language=leased.language)
            rows = [
                Row(to.address, Outcome.FAILED, int(self._clock() * 1000), "the text could not be rendered") for to in leased.recipients
            ]
            self._taken.append((None, leased, frames.Receipts(leased.batch, rows, finished=True)))
            self._incoming.set()
            return
        if handle.ended.is_set() or self._stopping:
            await self._ledger.give_back([leased.batch])
            return
        leased, rest = self.reach.to_try(handle, leased, int(self._clock() * 1000))
        if rest:
            self._taken.append((None, leased, frames.Receipts(leased.batch, rest)))
            self._incoming.set()
        limited = self._credits.needed(leased.channel, bool(leased.simulated))
        handle.take(leased, limited=limited)
        handle.send(
            frames.Work(
                leased.batch,
                leased.mailing,
                leased.channel,
                leased.language,
                bool(leased.simulated),
                message,
                leased.priority,
                limited,
                leased.serial,
                leased.recipients,
                dict(earlier),
            )
        )
        if limited:
            self._credits.given()

    async def _settle(self) -> None:
        while True:
            await self._incoming.wait()
            if self._may_gather():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._enough.wait(), GATHER_S)
            self._incoming.clear()
            self._enough.clear()
            try:
                await self._commit()
            except Exception:  # a full disk or a locked file passes; receipts wait in memory and windows stay shut meanwhile
                log.exception("settle_failed")
                await asyncio.sleep(SWEEP_S)
                self._incoming.set()

    def _may_gather(self) -> bool:
        few = sum(receipts.count for *_, receipts in self._taken) < len(self.handles) * WINDOW * 3 // 8
        return few and not self._stopping and not any(receipts.finished for *_, receipts in self._taken)

    async def _commit(self) -> None:
        """One transaction over all that has come in; the windows open only after it."""
        async with self._committing:
            await self._commit_taken(list(self._taken))

    async def _commit_taken(self, taken: list[Taken]) -> None:
        if not taken:
            return
        settlements = group(taken, self._clock(), self.reach)
        finished = [leased for _, leased, receipts in taken if receipts.finished]
        await self._ledger.settle(settlements, finished)
        del self._taken[: len(taken)]
        for handle in {handle for handle, *_ in taken if handle is not None}:
            handle.committed([receipts for owner, _, receipts in taken if owner is handle])
        if finished:
            self._wake.set()
        dead = [tried for _, leased, receipts in taken for tried in leased.dead(receipts.rows, self._clock())]
        self._settled(settlements, dead)
