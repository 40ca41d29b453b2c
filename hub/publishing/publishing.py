"""The way of an alert from its author to the ledger, under the safeguards of publishing.

read → resolve and grade → match for the preview → freeze (hash) → [a second person approves] → commit alert, audit and launch row in ONE
transaction → signal. From the commit on it is the planner's: nothing here sends anything.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import msgspec
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts import area as areas
from hub.alerts import grading, lifecycle
from hub.alerts.alert import Alert
from hub.alerts.cap_reader import read_cap
from hub.alerts.fingerprint import fingerprint
from hub.alerts.store import AlertStore, StoredAlert, fetch
from hub.alerts.validation import read_alert
from hub.clock import Clock, milliseconds
from hub.delivery.progress import Progress, progress
from hub.delivery.rendering import Renderer
from hub.errors import Conflict, Forbidden, InvalidInput, NotFound
from hub.publishing.preview import Preview, describe
from hub.staff import audit
from hub.staff.actor import Actor
from hub.store import tables
from hub.store.database import Database
from subscriptions.areas import AreaCatalog
from subscriptions.audience import Audience
from subscriptions.errors import FieldError
from subscriptions.matching import Match
from subscriptions.severity import rank

Source = Literal["api", "console", "cap", "demo"]
Transition = Literal["approve", "reject", "stop"]

APPROVAL_FROM = rank("Severe")
GROWTH_ALLOWED = 3
"""An audience grown by more than this since the draft is shown again before it is approved (S6)."""
STOP_WAIT_S = 2.0


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A document read and checked, before anything is stored."""

    document: Alert
    area: areas.ResolvedArea
    grade: int
    source: Source
    identifier: str | None = None
    sender: str | None = None
    sent_at: int
    expired: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """What an approval is bound to."""
        return fingerprint(self.document, self.area, self.grade)

    @property
    def approval_needed(self) -> bool:
        """S1: live and Severe or worse, by its own word or by our grade."""
        return self.document.status == "Actual" and max(rank(self.document.severity), self.grade) >= APPROVAL_FROM


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
        alert = self._unstored(draft, actor)
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

    async def _read(self, raw: bytes, source: Source) -> Draft:
        now = self._clock()
        if source == "cap":
            return await asyncio.to_thread(self._read_cap, raw, now)
        document = await asyncio.to_thread(read_alert, raw, self._catalog, now)
        return Draft(
            document=document,
            area=areas.resolve(document.area, self._catalog),
            grade=grading.grade(document, imported=False),
            source=source,
            sent_at=int(now * 1000),
        )

    def _read_cap(self, raw: bytes, now: float) -> Draft:
        cap = read_cap(raw, self._catalog, now)
        return Draft(
            document=cap.alert,
            area=areas.resolve(cap.alert.area, self._catalog),
            grade=grading.grade(cap.alert, imported=True),
            source="cap",
            identifier=cap.identifier,
            sender=cap.sender,
            sent_at=int(cap.sent.timestamp() * 1000),
            expired=cap.expired,
            warnings=tuple(cap.warnings),
        )

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
        draft = await self._read(raw, "api")
        document = msgspec.structs.replace(draft.document, msgType=kind, references=(alert_id,))
        return await self._store(msgspec.structs.replace(draft, document=document), raw, actor, key)

    async def _seen(self, raw: bytes, actor: Actor, key: str | None) -> StoredAlert | None:
        if key is None:
            return None
        async with self._database.read() as connection:
            return await _by_key(connection, actor, key, raw)

    async def _store(self, draft: Draft, raw: bytes, actor: Actor, key: str | None) -> StoredAlert:
        status = self._first_status(draft, actor)
        people = 0 if draft.expired else (await self._match(draft.document, draft.area, draft.grade)).people
        now = milliseconds(self._clock)
        async with self._database.write() as connection:
            earlier = await self._earlier(connection, draft, actor, key, raw)
            if earlier is not None:
                return earlier
            chain = await self._chain(connection, draft)
            row = self._row(draft, actor, status, people, chain, now)
            await connection.execute(insert(tables.alert).values(row))
            alert = await fetch(connection, row["id"])
            assert alert is not None  # noqa: S101 - inserted a line above, in the same transaction
            if key is not None:
                await connection.execute(insert(tables.idempotency).values(_key_row(actor, key, raw, alert.id, now)))
            await audit.append(connection, now, actor.label, "submitted", alert.id, {"status": status, "people": people, "hash": alert.hash})
            if status == "live":
                await self._launch(connection, alert, now)
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

    async def _earlier(self, connection: AsyncConnection, draft: Draft, actor: Actor, key: str | None, raw: bytes) -> StoredAlert | None:
        """An alert that this one repeats: by its key, or as a CAP document that came before."""
        if key is not None and (seen := await _by_key(connection, actor, key, raw)) is not None:
            return seen
        if draft.identifier is None:
            return None
        query = select(tables.alert.c.id).where(
            tables.alert.c.sender == draft.sender, tables.alert.c.identifier == draft.identifier, tables.alert.c.sent_at == draft.sent_at
        )
        known = (await connection.execute(query)).scalar_one_or_none()
        alert = await fetch(connection, known) if known is not None else None
        if alert is not None and alert.hash != draft.hash:
            raise Conflict(f"A CAP alert with this identifier, sender and sent is here already as {alert.id}, with other contents.")
        return alert

    async def _chain(self, connection: AsyncConnection, draft: Draft) -> str | None:
        """The chain that the references lead to. An author's must exist; a foreign document's may have come before its alert."""
        for position, reference in enumerate(draft.document.references):
            query = select(tables.alert.c.chain).where((tables.alert.c.id == reference) | (tables.alert.c.identifier == _identifier(reference)))
            chain = (await connection.execute(query)).scalars().first()
            if chain is not None:
                return str(chain)
            if draft.source != "cap":
                raise InvalidInput((FieldError(f"/references/{position}", f"There is no alert {reference!r}."),))
        return None

    def _row(self, draft: Draft, actor: Actor, status: str, people: int, chain: str | None, now: int) -> dict[str, Any]:
        alert_id = f"al_{secrets.token_hex(10)}"
        return {
            "id": alert_id,
            "chain": chain or alert_id,
            "status": status,
            "agency": actor.agency,
            "source": draft.source,
            "identifier": draft.identifier,
            "sender": draft.sender,
            "sent_at": draft.sent_at,
            "grade": draft.grade,
            "document": msgspec.json.encode(draft.document).decode(),
            "area": msgspec.json.encode(draft.area).decode(),
            "hash": draft.hash,
            "audience": people,
            "author": actor.label,
            "created_at": now,
            "live_at": now if status == "live" else None,
            "ended_at": now if status == "ended" else None,
            "expires_at": int(draft.document.expires.timestamp() * 1000),
        }

    def _unstored(self, draft: Draft, actor: Actor) -> StoredAlert:
        row = self._row(draft, actor, "draft", 0, None, milliseconds(self._clock))
        row |= {"document": draft.document, "area": draft.area, "number": 0, "approver": None, "approved_at": None, "send_at": None}
        return StoredAlert(**row)

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
                changes = {"status": lifecycle.apply(_status(alert), "approve"), "approver": actor.label, "approved_at": now, "live_at": now}
                await connection.execute(update(tables.alert).where(tables.alert.c.id == alert_id).values(changes))
                await audit.append(connection, now, actor.label, "approved", alert_id, {"hash": alert.hash, "people": people})
                alert = msgspec.structs.replace(alert, **changes)
                await self._launch(connection, alert, now)
        if grown:
            raise Conflict(f"The audience has grown from {seen.audience} to {people} people since it was written. Look again, then approve.")
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

    async def _launch(self, connection: AsyncConnection, alert: StoredAlert, now: int) -> None:
        """The launch row, and the end of what this alert replaces, in the caller's transaction."""
        kind = alert.document.msgType
        if kind != "Alert":
            await _supersede(connection, alert, now)
        audience = {"Alert": "matched", "Update": "matched+reached", "Cancel": "reached"}[kind]
        row = {
            "purpose": "alert",
            "alert": alert.number,
            "priority": rank("Extreme") - alert.grade,
            "state": "launched",
            "audience": audience,
            "created_at": now,
            "expires_at": alert.expires_at,
        }
        await connection.execute(insert(tables.mailing).values(row))

    async def end_expired(self) -> int:
        """Whatever has run out is ended, as its text said it would be (S13). Returns how many."""
        now = milliseconds(self._clock)
        query = select(tables.alert.c.id).where(tables.alert.c.status.in_(("draft", "awaiting_approval", "live")), tables.alert.c.expires_at <= now)
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


async def _supersede(connection: AsyncConnection, alert: StoredAlert, now: int) -> None:
    """An update takes the place of what went before at once: whatever of it is unsent stays unsent."""
    earlier = (tables.alert.c.chain == alert.chain) & (tables.alert.c.number < alert.number)
    numbers = list((await connection.execute(select(tables.alert.c.number).where(earlier))).scalars())
    await connection.execute(update(tables.alert).where(earlier, tables.alert.c.status == "live").values(status="ended", ended_at=now))
    running = tables.mailing.c.alert.in_(numbers) & tables.mailing.c.state.in_(("launched", "planned"))
    await connection.execute(update(tables.mailing).where(running).values(state="stopped"))


async def _by_key(connection: AsyncConnection, actor: Actor, key: str, raw: bytes) -> StoredAlert | None:
    query = select(tables.idempotency).where(tables.idempotency.c.actor == actor.label, tables.idempotency.c.key == key)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    if row.body_hash != hashlib.sha256(raw).digest():
        raise InvalidInput((FieldError("", "This Idempotency-Key was used with another body. Use a new key for a new alert."),))
    return await fetch(connection, row.alert)


def _key_row(actor: Actor, key: str, raw: bytes, alert_id: str, now: int) -> dict[str, Any]:
    return {"actor": actor.label, "key": key, "body_hash": hashlib.sha256(raw).digest(), "alert": alert_id, "at": now}


def _identifier(reference: str) -> str:
    """The identifier of a CAP reference triple ``sender,identifier,sent``, or the text itself."""
    parts = reference.split(",")
    return parts[1] if len(parts) == 3 else reference


def _status(alert: StoredAlert) -> lifecycle.AlertStatus:
    return alert.status  # type: ignore[return-value]  # only lifecycle.apply writes it
