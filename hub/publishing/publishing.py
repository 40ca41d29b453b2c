"""The way of an alert from its author to the ledger, under the safeguards of publishing.

read → resolve and grade → match for the preview → freeze (hash) → [a second person approves] → commit alert, audit and launch row in ONE
transaction → signal. From the commit on it is the planner's: nothing here sends anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts import area as areas
from hub.alerts import lifecycle
from hub.alerts.alert import Alert
from hub.alerts.fingerprint import fingerprint
from hub.alerts.store import AlertStore, StoredAlert, fetch
from hub.clock import Clock, milliseconds
from hub.delivery.progress import Progress, progress
from hub.delivery.rendering import Renderer
from hub.errors import Conflict, Forbidden, NotFound
from hub.publishing import records
from hub.publishing.draft import Draft, Source, read_draft
from hub.publishing.preview import Preview, describe
from hub.staff import audit
from hub.staff.actor import Actor
from hub.store import tables
from hub.store.database import Database
from subscriptions.areas import AreaCatalog
from subscriptions.audience import Audience
from subscriptions.matching import Match

Transition = Literal["approve", "reject", "stop"]

GROWTH_ALLOWED = 3
"""An audience grown by more than this since the draft is shown again before it is approved (S6)."""
STOP_WAIT_S = 2.0
KEYS_KEPT_MS = 7 * 24 * 3600 * 1000


class Stopped(msgspec.Struct, frozen=True):
    """How many had gone when the stop took effect, and how many will not go."""

    handed_over: int
    withheld: int


class Publishing:
    """Everything staff can do with an alert."""

    def __init__(
        self,
        database: Database,
        catalog: AreaCatalog,
        audience: Audience,
        renderer: Renderer,
        clock: Clock,
        *,
        refresh: Callable[[], Awaitable[None]],
        launched: Callable[[StoredAlert], None],
        halt: Callable[[int], Awaitable[int]],
        ended: Callable[[StoredAlert], None],
    ) -> None:
        self._database, self._catalog, self._audience = database, catalog, audience
        self._renderer, self._clock = renderer, clock
        self._refresh, self._launched, self._halt, self._ended = refresh, launched, halt, ended
        self._alerts = AlertStore(database)

    # -- reading

    async def preview(self, raw: bytes, actor: Actor) -> Preview:
        """Nothing is stored. Raises InvalidInput, BadRequest."""
        actor.require("preview")
        draft = await self._read(raw, "api")
        alert = records.unstored(draft, actor, milliseconds(self._clock))
        return describe(
            alert,
            await self._match(draft.document, draft.area, draft.grade),
            self._renderer,
            self._catalog,
            approval_needed=draft.approval_needed,
            warnings=list(draft.warnings),
        )

    async def review(self, alert_id: str) -> Preview:
        """The same for an alert that is stored: what an approver looks at."""
        alert = await self._known(alert_id)
        match = await self._match(alert.document, alert.area, alert.grade)
        return describe(alert, match, self._renderer, self._catalog, approval_needed=alert.status == "awaiting_approval", warnings=[])

    async def progress(self, alert_id: str) -> Progress:
        """How far it has got. Raises NotFound."""
        return await progress(self._database, await self._known(alert_id))

    async def _read(self, raw: bytes, source: Source, follows: str | None = None) -> Draft:
        return await read_draft(raw, source, self._catalog, self._clock(), follows=follows)

    async def _match(self, document: Alert, area: areas.ResolvedArea, grade: int) -> Match:
        await self._refresh()
        return self._audience.match(areas.target(area, document, grade, self._catalog))

    async def _known(self, alert_id: str) -> StoredAlert:
        alert = await self._alerts.get(alert_id)
        if alert is None:
            raise NotFound(f"There is no alert {alert_id!r}.")
        return alert

    # -- submitting

    async def submit(self, raw: bytes, actor: Actor, *, source: Source = "api", idempotency_key: str | None = None) -> StoredAlert:
        """Store it, and publish it unless somebody else must approve first.

        The same `idempotency_key` with the same body gives the alert that the first call made; with another body it is InvalidInput.
        """
        actor.require("draft")
        seen = await self._seen(raw, actor, idempotency_key)
        if seen is not None:
            return seen
        draft = await self._read(raw, source)
        return await self._store(draft, raw, actor, idempotency_key)

    async def update(self, alert_id: str, raw: bytes, actor: Actor, *, idempotency_key: str | None = None) -> StoredAlert:
        """A new version with CAP msgType Update: to whoever is in its area, and to everyone the earlier ones reached."""
        return await self._follow(alert_id, raw, actor, "Update", idempotency_key)

    async def cancel(self, alert_id: str, raw: bytes, actor: Actor, *, idempotency_key: str | None = None) -> StoredAlert:
        """A message with CAP msgType Cancel, to everyone the earlier ones reached and to nobody else."""
        return await self._follow(alert_id, raw, actor, "Cancel", idempotency_key)

    async def _follow(self, alert_id: str, raw: bytes, actor: Actor, kind: str, key: str | None) -> StoredAlert:
        actor.require("draft")
        seen = await self._seen(raw, actor, key)
        if seen is not None:
            return seen
        await self._known(alert_id)
        draft = await self._read(raw, "api", follows=alert_id)
        document = msgspec.structs.replace(draft.document, msgType=kind, references=(alert_id,))
        return await self._store(msgspec.structs.replace(draft, document=document), raw, actor, key)

    async def _seen(self, raw: bytes, actor: Actor, key: str | None) -> StoredAlert | None:
        if key is None:
            return None
        async with self._database.read() as connection:
            return await records.by_key(connection, actor, key, raw)

    async def _store(self, draft: Draft, raw: bytes, actor: Actor, key: str | None) -> StoredAlert:
        status = self._first_status(draft, actor)
        people = 0 if draft.expired else (await self._match(draft.document, draft.area, draft.grade)).people
        now = milliseconds(self._clock)
        async with self._database.write() as connection:
            earlier = await records.earlier(connection, draft, actor, key, raw)
            if earlier is not None:
                return earlier
            chain = await records.chain_of(connection, draft)
            row = records.new_row(draft, actor, status, people, chain, now)
            await connection.execute(insert(tables.alert).values(row))
            alert = await fetch(connection, row["id"])
            assert alert is not None  # noqa: S101 - inserted a line above, in the same transaction
            if key is not None:
                await connection.execute(insert(tables.idempotency).values(records.key_row(actor, key, raw, alert.id, now)))
            await audit.append(
                connection, now, actor.label, "submitted", alert.id, {"status": status, "people": people, "hash": alert.hash}
            )
            if status == "live":
                await records.launch(connection, alert, now)
        if status == "live":
            self._launched(alert)
        return alert

    def _first_status(self, draft: Draft, actor: Actor) -> str:
        if draft.expired:
            return lifecycle.apply("draft", "expire")
        if draft.approval_needed or actor.role == "author":
            return lifecycle.apply("draft", "submit")
        actor.require("publish")
        return lifecycle.apply("draft", "publish")

    # -- the second person

    async def approve(self, alert_id: str, actor: Actor, *, expected_hash: str | None = None) -> StoredAlert:
        """Publish what another person wrote. `expected_hash` is that of what the approver has seen.

        Raises Forbidden for its own author (S1), Conflict when it is not waiting, was changed, or its audience has grown (S6).
        """
        actor.require("approve")
        seen = await self._known(alert_id)
        people = (await self._match(seen.document, seen.area, seen.grade)).people
        now = milliseconds(self._clock)
        async with self._database.write() as connection:
            alert = await self._waiting(connection, alert_id, actor, expected_hash, now)
            grown = people > max(GROWTH_ALLOWED * alert.audience, alert.audience + 10)
            if grown:
                await connection.execute(update(tables.alert).where(tables.alert.c.id == alert_id).values(audience=people))
            else:
                changes = {
                    "status": lifecycle.apply(_status(alert), "approve"),
                    "approver": actor.label,
                    "approved_at": now,
                    "live_at": now,
                }
                await connection.execute(update(tables.alert).where(tables.alert.c.id == alert_id).values(changes))
                await audit.append(connection, now, actor.label, "approved", alert_id, {"hash": alert.hash, "people": people})
                alert = msgspec.structs.replace(alert, **changes)
                await records.launch(connection, alert, now)
        if grown:
            raise Conflict(
                f"The audience has grown from {seen.audience} to {people} people since it was written. Look again, then approve."
            )
        self._launched(alert)
        return alert

    async def _waiting(self, connection: AsyncConnection, alert_id: str, actor: Actor, expected: str | None, now: int) -> StoredAlert:
        alert = await fetch(connection, alert_id)
        if alert is None:
            raise NotFound(f"There is no alert {alert_id!r}.")
        lifecycle.apply(_status(alert), "approve")
        if alert.author == actor.label:
            raise Forbidden("Somebody else must approve this: nobody approves what they wrote themselves.")
        if fingerprint(alert.document, alert.area, alert.grade) != alert.hash or expected not in {None, alert.hash}:
            raise Conflict("This is not what you looked at: open the alert again and approve what you see then.")
        if alert.expires_at <= now:
            raise Conflict("It has expired and would reach nobody. Write it again with a later end.")
        return alert

    async def reject(self, alert_id: str, actor: Actor, reason: str) -> StoredAlert:
        """Back to its author, with a reason."""
        actor.require("approve")
        return await self._move(alert_id, "reject", actor, {"reason": reason})

    async def stop(self, alert_id: str, actor: Actor) -> Stopped:
        """End all hand-overs of it (S12). Returns once no sender works on it any more, 2 s at most."""
        actor.require("stop")
        before = await self._move(alert_id, "stop", actor, {})
        for mailing in await self._mailings(before):
            await self._halt(mailing)
        state = await self._quiet(before)
        async with self._database.write() as connection:
            details = {"handed_over": state.handed_over + state.simulated, "withheld": state.withheld}
            await audit.append(connection, milliseconds(self._clock), actor.label, "stop counted", alert_id, details)
        self._ended(before)
        return Stopped(state.handed_over + state.simulated, state.withheld)

    async def _quiet(self, alert: StoredAlert) -> Progress:
        deadline = asyncio.get_running_loop().time() + STOP_WAIT_S
        while True:
            state = await progress(self._database, alert)
            if state.settled >= state.planned or asyncio.get_running_loop().time() >= deadline:
                return state
            await asyncio.sleep(0.02)

    async def _move(self, alert_id: str, action: Transition, actor: Actor, details: dict[str, Any]) -> StoredAlert:
        now = milliseconds(self._clock)
        async with self._database.write() as connection:
            alert = await fetch(connection, alert_id)
            if alert is None:
                raise NotFound(f"There is no alert {alert_id!r}.")
            status = lifecycle.apply(_status(alert), action)
            ended = {"ended_at": now} if status in {"ended", "stopped"} else {}
            await connection.execute(update(tables.alert).where(tables.alert.c.id == alert_id).values(status=status, **ended))
            await audit.append(connection, now, actor.label, action, alert_id, details)
        return msgspec.structs.replace(alert, status=status, **ended)

    async def _mailings(self, alert: StoredAlert) -> list[int]:
        async with self._database.read() as connection:
            return list((await connection.execute(select(tables.mailing.c.id).where(tables.mailing.c.alert == alert.number))).scalars())

    # -- launching and ending

    async def forget_keys(self) -> None:
        """Idempotency keys are kept for a week."""
        async with self._database.write() as connection:
            old = tables.idempotency.c.at < milliseconds(self._clock) - KEYS_KEPT_MS
            await connection.execute(delete(tables.idempotency).where(old))

    async def end_expired(self) -> int:
        """Whatever has run out is ended, as its text said it would be (S13). Returns how many."""
        now = milliseconds(self._clock)
        query = select(tables.alert.c.id).where(
            tables.alert.c.status.in_(("draft", "awaiting_approval", "live")), tables.alert.c.expires_at <= now
        )
        async with self._database.read() as connection:
            due = list((await connection.execute(query)).scalars())
        for alert_id in due:
            async with self._database.write() as connection:
                alert = await fetch(connection, alert_id)
                if alert is None or not lifecycle.may(_status(alert), "expire"):
                    continue
                changes = {"status": lifecycle.apply(_status(alert), "expire"), "ended_at": now}
                await connection.execute(update(tables.alert).where(tables.alert.c.id == alert_id).values(changes))
                await audit.append(connection, now, "system:0 tocsin", "expired", alert_id)
            self._ended(alert)
        return len(due)


def _status(alert: StoredAlert) -> lifecycle.AlertStatus:
    return alert.status  # type: ignore[return-value]  # only lifecycle.apply writes it
