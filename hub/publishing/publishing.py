"""The way of an alert from its author to the ledger, under the safeguards of publishing.

read → resolve and grade → match for the preview → freeze (hash) → [a second person approves] → commit alert, audit and launch row in ONE
transaction → signal. From the commit on it is the planner's: nothing here sends anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts import lifecycle
from hub.alerts.alert import MsgType
from hub.alerts.fingerprint import fingerprint
from hub.alerts.store import StoredAlert, fetch
from hub.clock import Clock, milliseconds
from hub.delivery.forecast import Forecaster
from hub.delivery.planner import Planner
from hub.delivery.progress import Progress, progress
from hub.delivery.words.rendering import Renderer
from hub.errors import Conflict, Forbidden, NotFound
from hub.publishing import chains, records
from hub.publishing.draft import Draft, Source
from hub.publishing.reading import Reading, needs_second
from hub.staff import audit
from hub.staff.actor import SYSTEM, Actor
from hub.store import tables
from hub.store.database import Database
from subscriptions.areas import AreaCatalog
from subscriptions.store.prepared import insert_row

Transition = Literal["approve", "reject", "stop"]

GROWTH_ALLOWED = 3
"""An audience grown by more than this since the draft is shown again before it is approved (S6)."""
LAST_STOPS_S = 1.0
STOP_WAIT_S = 2.0

log = structlog.get_logger()


class Stopped(msgspec.Struct, frozen=True):
    """How many had gone when the stop took effect, how many were left in the outbox, and how many will not go. `unknown` are those of whom
    neither can be said (yet): they were in the hands of a provider, a sender or a node that has not answered."""

    handed_over: int
    simulated: int
    withheld: int
    unknown: int


class Publishing(Reading):
    """Everything staff can do with an alert; for looking at one see `Reading`."""

    def __init__(
        self,
        database: Database,
        catalog: AreaCatalog,
        planner: Planner,
        renderer: Renderer,
        clock: Clock,
        *,
        refresh: Callable[[], Awaitable[None]],
        launched: Callable[[StoredAlert], None],
        halt: Callable[[int], Awaitable[int]],
        hold: Callable[[int], None],
        ended: Callable[[StoredAlert], None],
        forecaster: Forecaster,
        took: Callable[[float], None] = lambda _: None,
    ) -> None:
        """`halt` ends a mailing's hand-overs and writes that down; `hold` ends them without a word to the database. `took` is told how many
        seconds it took to match and commit an alert that went live."""
        super().__init__(database, catalog, planner, renderer, clock, forecaster, refresh=refresh)
        self._launched, self._halt, self._hold, self._ended, self._took = launched, halt, hold, ended, took
        self._half_stopped: set[str] = set()
        self._unwritten: dict[str, Actor] = {}

    # -- submitting

    async def submit(self, raw: bytes, actor: Actor, *, source: Source = "api", idempotency_key: str | None = None) -> StoredAlert:
        """Store it, and publish it unless somebody else must approve first.

        The same `idempotency_key` with the same body gives the alert that the first call made; with another body it is InvalidInput.
        """
        actor.require("draft")
        asked = records.purpose_hash("publish", raw)
        seen = await self._seen(asked, actor, idempotency_key)
        if seen is not None:
            return seen
        draft = await self._read(raw, source)
        return await self._store(draft, asked, actor, idempotency_key)

    async def update(self, alert_id: str, raw: bytes, actor: Actor, *, idempotency_key: str | None = None) -> StoredAlert:
        """A new version with CAP msgType Update: to whoever is in its area, and to everyone the earlier ones reached."""
        return await self._follow(alert_id, raw, actor, "Update", idempotency_key)

    async def cancel(self, alert_id: str, raw: bytes, actor: Actor, *, idempotency_key: str | None = None) -> StoredAlert:
        """A message with CAP msgType Cancel, to everyone the earlier ones reached and to nobody else."""
        return await self._follow(alert_id, raw, actor, "Cancel", idempotency_key)

    async def _follow(self, alert_id: str, raw: bytes, actor: Actor, kind: MsgType, key: str | None) -> StoredAlert:
        actor.require("draft")
        asked = records.purpose_hash(f"{kind} {alert_id}", raw)
        seen = await self._seen(asked, actor, key)
        if seen is not None:
            return seen
        return await self._store(await self._following(raw, alert_id, kind), asked, actor, key)

    async def call_off(self, alert_id: str, actor: Actor, *, idempotency_key: str | None = None) -> StoredAlert:
        """Cancel in one step, in prepared words: the alert's own headline, and that nobody need act on it any more (S3).

        Needs no second person whatever the severity: nothing new is claimed, and a false alarm must not wait for a colleague. Only who may
        not publish at all leaves it to one. Raises Forbidden, NotFound, Conflict when nobody believes it any more.
        """
        actor.require("draft")
        alert = await self._latest(await self._known(alert_id))
        raw = records.prepared_cancel(alert)
        asked = records.purpose_hash(f"call off {alert_id}", raw)
        seen = await self._seen(asked, actor, idempotency_key)
        if seen is not None:
            return seen
        if not alert.is_believed or alert.document.msgType == "Cancel":
            raise Conflict("Only an alert that is live, or was stopped, can be called off.")
        draft = await self._following(raw, alert.id, "Cancel")
        return await self._store(msgspec.structs.replace(draft, prepared=True), asked, actor, idempotency_key)

    async def _seen(self, asked: bytes, actor: Actor, key: str | None) -> StoredAlert | None:
        if key is None:
            return None
        async with self._database.read() as connection:
            return await records.by_key(connection, actor, key, asked)

    async def _store(self, draft: Draft, asked: bytes, actor: Actor, key: str | None) -> StoredAlert:
        began = time.perf_counter()
        people = 0 if draft.expired and draft.document.msgType != "Cancel" else await self._people(draft, actor)
        async with self._database.write() as connection:
            now = milliseconds(self._clock)  # in the writer's turn: whoever goes live first is first for all who listen
            earlier = await records.earlier(connection, draft, actor, key, asked)
            if earlier is not None:
                return earlier
            draft, joined = await chains.join(connection, draft, actor, now)
            status = self._first_status(draft, actor, await chains.weight(connection, *joined))
            row = records.new_row(draft, actor, status, people, next(iter(joined), None), now)
            number = await insert_row(connection, tables.alert, row, tables.alert.c.number)
            alert = records.as_stored(row, draft, number)
            if key is not None:
                await insert_row(connection, tables.idempotency, records.key_row(actor, key, asked, alert.id, now))
            await audit.append(
                connection, now, actor.label, "submitted", alert.id, {"status": status, "people": people, "hash": alert.hash}
            )
            if status == "live":
                await chains.gather(connection, alert)
                await records.launch(connection, alert, now)
        if status == "live":
            await self._went_live(alert, began)
        elif status == "ended" and joined:
            self._ended(alert)  # its source has told so late that only the earlier ones end with it
        return alert

    async def _went_live(self, alert: StoredAlert, began: float) -> None:
        """It goes out first: whoever asked is answered, and the page told, while it does."""
        self._took(time.perf_counter() - began)
        self._launched(alert)
        await asyncio.sleep(0)

    async def _people(self, draft: Draft, actor: Actor) -> int:
        chain = None
        if draft.document.references:
            async with self._database.read() as connection:
                chain = await chains.chain_of(connection, draft)
        return (await self._audience_of(records.unstored(draft, actor, milliseconds(self._clock), chain))).people

    def _first_status(self, draft: Draft, actor: Actor, replaced: int) -> str:
        if draft.expired:
            return lifecycle.apply("draft", "expire")
        if needs_second(draft, actor, replaced):
            return lifecycle.apply("draft", "submit")
        actor.require("publish")
        return lifecycle.apply("draft", "publish")

    # -- the second person

    async def approve(self, alert_id: str, actor: Actor, *, expected_hash: str | None = None) -> StoredAlert:
        """Publish what another person wrote. `expected_hash` is that of what the approver has seen.

        Raises Forbidden for its own author (S1), Conflict when it is not waiting, was changed, or its audience has grown (S6).
        """
        actor.require("approve")
        began = time.perf_counter()
        seen = await self._known(alert_id)
        people = (await self._audience_of(seen)).people
        async with self._database.write() as connection:
            now = milliseconds(self._clock)
            alert = await self._waiting(connection, alert_id, actor, expected_hash, now)
            grown = people > max(GROWTH_ALLOWED * alert.audience, alert.audience + 10)
            if grown:
                await connection.execute(update(tables.alert).where(tables.alert.c.id == alert_id).values(audience=people))
            else:
                alert = await records.move(connection, alert, "approve", now, approver=actor.label, approved_at=now, live_at=now)
                await audit.append(connection, now, actor.label, "approved", alert_id, {"hash": alert.hash, "people": people})
                await chains.gather(connection, alert)
                await records.launch(connection, alert, now)
        if grown:
            raise Conflict(
                f"The audience has grown from {seen.audience} to {people} people since it was written. Look again, then approve."
            )
        await self._went_live(alert, began)
        return alert

    async def _waiting(self, connection: AsyncConnection, alert_id: str, actor: Actor, expected: str | None, now: int) -> StoredAlert:
        alert = await fetch(connection, alert_id)
        if alert is None:
            raise NotFound(f"There is no alert {alert_id!r}.")
        lifecycle.apply(records.status_of(alert), "approve")
        if alert.author == actor.label:
            raise Forbidden("Somebody else must approve this: nobody approves what they wrote themselves.")
        if fingerprint(alert.document, alert.area, alert.grade) != alert.hash or expected not in {None, alert.hash}:
            raise Conflict("This is not what you looked at: open the alert again and approve what you see then.")
        if alert.document.msgType != "Alert" and alert.chain != alert.id:
            await chains.check_open(connection, alert.chain, alert)
        if alert.expires_at <= now:
            raise Conflict("It has expired and would reach nobody. Write it again with a later end.")
        return alert

    async def reject(self, alert_id: str, actor: Actor, reason: str) -> StoredAlert:
        """Back to its author, with a reason."""
        actor.require("approve")
        return await self._move(alert_id, "reject", actor, {"reason": reason})

    async def stop(self, alert_id: str, actor: Actor) -> Stopped:
        """End all hand-overs of it (S12), also when that was done already. Returns once no sender works on it any more, 2 s at most."""
        actor.require("stop")
        await self._end_hand_overs(alert_id, actor)
        try:
            before = await self._move(alert_id, "stop", actor, {})
        except (Conflict, NotFound):
            self._unwritten.pop(alert_id, None)  # it is over already, or not there
            raise
        self._unwritten.pop(alert_id, None)
        self._ended(before)
        for mailing in await self._mailings(before):
            await self._halt(mailing)
        state = await self._quiet(before)
        async with self._database.write() as connection:
            unknown = state.uncertain + max(0, state.planned - state.settled)
            stopped = Stopped(state.handed_over, state.simulated, state.withheld, unknown)
            details = msgspec.to_builtins(stopped)
            await audit.append(connection, milliseconds(self._clock), actor.label, "stop counted", alert_id, details)
        return stopped

    async def _end_hand_overs(self, alert_id: str, actor: Actor) -> None:
        """Without waiting for who writes now: that node may hang, and the hand-overs go on meanwhile.

        If no more than this comes to pass, the alert is live still and reaches nobody: `finish_stops` does the rest.
        """
        live = select(tables.alert.c.number).where(tables.alert.c.id == alert_id, tables.alert.c.status == "live")
        ending = update(tables.mailing).where(tables.mailing.c.alert.in_(live)).values(state="stopped").returning(tables.mailing.c.id)
        try:
            async with self._database.write(alone=False) as connection:
                mailings = list((await connection.execute(ending)).scalars())
            for mailing in mailings:
                await self._halt(mailing)
        except Exception as error:  # noqa: BLE001 - whatever it was, what follows does the same again, and so does each second
            log.error("stop_not_at_once", alert_id=alert_id, error=type(error).__name__)  # noqa: TRY400 - said each second
            self._unwritten[alert_id] = actor
            await self._hold_all(alert_id)

    async def _hold_all(self, alert_id: str) -> None:
        """The database takes nothing, as when a disk is full: senders end all the same, and it is written as soon as it can be."""
        live = select(tables.alert.c.number).where(tables.alert.c.id == alert_id, tables.alert.c.status == "live")
        try:
            async with self._database.read() as connection:
                mailings = list((await connection.execute(select(tables.mailing.c.id).where(tables.mailing.c.alert.in_(live)))).scalars())
        except Exception:  # noqa: BLE001 - nothing can be read either: senders pause by themselves until what is stopped is known again
            return
        for mailing in mailings:
            self._hold(mailing)

    async def write_stops(self) -> None:
        """Stops that could not be written are tried again, in the name of whoever asked for them."""
        for alert_id, actor in list(self._unwritten.items()):
            try:
                await self.stop(alert_id, actor)
            except (Conflict, NotFound):
                pass  # it is over by now
            except Exception as error:  # noqa: BLE001 - the next look tries again
                log.error("stop_not_written", alert_id=alert_id, error=type(error).__name__)  # noqa: TRY400 - said each second

    async def write_last_stops(self) -> None:
        """Before this process ends. What can't be written now either goes on after the next start: whoever asked was told that it is not
        certain."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_STOPS_S):
                await self.write_stops()

    async def _quiet(self, alert: StoredAlert) -> Progress:
        deadline = asyncio.get_running_loop().time() + STOP_WAIT_S
        while True:
            state = await progress(self._database, alert)
            if state.settled >= state.planned or asyncio.get_running_loop().time() >= deadline:
                return state
            await asyncio.sleep(0.02)

    async def _move(self, alert_id: str, action: Transition, actor: Actor, details: dict[str, Any]) -> StoredAlert:
        async with self._database.write() as connection:
            now = milliseconds(self._clock)  # of its turn: what ends comes into the order of what goes live
            alert = await fetch(connection, alert_id)
            if alert is None:
                raise NotFound(f"There is no alert {alert_id!r}.")
            if action == "stop" and alert.status == "stopped":
                return alert
            alert = await records.move(connection, alert, action, now)
            await audit.append(connection, now, actor.label, action, alert_id, details)
        return alert

    async def finish_stops(self) -> None:
        """A stop that broke off after its first step is ended by whoever looks, once two looks have found it.

        Of an alert that is live only a stop leaves the mailing *stopped*: whatever else ends one writes another state, or ends the alert
        in the same transaction.
        """
        halves = select(tables.alert.c.id).join(tables.mailing, tables.mailing.c.alert == tables.alert.c.number)
        async with self._database.read() as connection:
            found = await connection.execute(halves.where(tables.alert.c.status == "live", tables.mailing.c.state == "stopped"))
        half = set(found.scalars())
        due, self._half_stopped = half & self._half_stopped, half
        for alert_id in due:
            await self.stop(alert_id, SYSTEM)

    async def _mailings(self, alert: StoredAlert) -> list[int]:
        async with self._database.read() as connection:
            return list((await connection.execute(select(tables.mailing.c.id).where(tables.mailing.c.alert == alert.number))).scalars())

    # -- launching and ending

    async def end_expired(self) -> int:
        """Whatever has run out is ended, as its text said it would be (S13). Returns how many."""
        query = select(tables.alert.c.id).where(
            tables.alert.c.status.in_(("draft", "awaiting_approval", "live")), tables.alert.c.expires_at <= milliseconds(self._clock)
        )
        async with self._database.read() as connection:
            due = list((await connection.execute(query)).scalars())
        for alert_id in due:
            async with self._database.write() as connection:
                now = milliseconds(self._clock)
                alert = await fetch(connection, alert_id)
                if alert is None or not lifecycle.may(records.status_of(alert), "expire"):
                    continue
                await records.move(connection, alert, "expire", now)
                await audit.append(connection, now, "system:0 tocsin", "expired", alert_id)
            self._ended(alert)
        return len(due)
