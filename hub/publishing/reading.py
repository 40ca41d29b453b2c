"""What staff look at before anything goes out, and while it does. Nothing here is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from sqlalchemy import select

from hub.alerts.alert import Alert, MsgType
from hub.alerts.store import AlertStore, StoredAlert
from hub.clock import Clock, milliseconds
from hub.delivery.forecast import Forecast, Forecaster
from hub.delivery.planner import Planner
from hub.delivery.progress import Progress, progress
from hub.delivery.words.rendering import Renderer
from hub.errors import InvalidInput, NotFound
from hub.publishing import chains, records
from hub.publishing.draft import APPROVAL_FROM, Draft, Source
from hub.publishing.preview import Preview, by_channel, by_way, describe, too_late, unprovided
from hub.staff import audit
from hub.staff.actor import Actor
from hub.staff.audit import AuditEntry
from hub.store import tables
from hub.store.database import Database
from subscriptions.areas import AreaCatalog
from subscriptions.errors import FieldError
from subscriptions.matching import Match


class Outlook(msgspec.Struct, frozen=True):
    """Who an alert is for, and when the last of them has it."""

    match: Match
    forecast: Forecast

    @property
    def by_channel(self) -> dict[str, int]:
        """Deliveries per channel."""
        return by_channel(self.match)


def needs_second(draft: Draft, actor: Actor, replaced: int) -> bool:
    """`replaced` is the weight of what it takes the place of: who may not raise an alarm alone may not lower one alone either (S1)."""
    heavy = replaced >= APPROVAL_FROM and not draft.prepared
    return draft.approval_needed or heavy or actor.role == "author"


class Reading:
    """What `hub.publishing.publishing.Publishing` reads with."""

    def __init__(
        self,
        database: Database,
        catalog: AreaCatalog,
        planner: Planner,
        renderer: Renderer,
        clock: Clock,
        forecaster: Forecaster,
        *,
        refresh: Callable[[], Awaitable[None]],
    ) -> None:
        """`refresh` brings the audience up to the tables."""
        self._database, self._catalog, self._planner = database, catalog, planner
        self._renderer, self._clock = renderer, clock
        self._forecaster, self._refresh = forecaster, refresh
        self._alerts = AlertStore(database)

    async def preview(self, raw: bytes, actor: Actor, *, follows: str | None = None, kind: MsgType = "Alert") -> Preview:
        """Nothing is stored. `follows` and `kind` for an update or a cancel of that alert. Raises InvalidInput, BadRequest, NotFound."""
        actor.require("preview")
        draft = await self._read(raw, "api") if follows is None else await self._following(raw, follows, kind)
        if follows is not None and raw == records.prepared_cancel(await self._known(follows)):
            draft = msgspec.structs.replace(draft, prepared=True)
        async with self._database.read() as connection:
            chain = await chains.chain_of(connection, draft)
            replaced = await chains.weight(connection, *([chain] if chain is not None else []))
        alert = records.unstored(draft, actor, milliseconds(self._clock), chain)
        return await self._described(alert, approval_needed=needs_second(draft, actor, replaced))

    async def review(self, alert_id: str) -> Preview:
        """The same for an alert that is stored: what an approver looks at."""
        alert = await self._known(alert_id)
        return await self._described(alert, approval_needed=alert.status == "awaiting_approval")

    async def _described(self, alert: StoredAlert, *, approval_needed: bool) -> Preview:
        outlook = await self.outlook(alert)
        late = too_late(outlook.forecast, alert.expires_at / 1000 - self._clock())
        told = await self._latest(alert)
        return describe(
            alert,
            outlook.match,
            self._renderer,
            self._catalog,
            approval_needed=approval_needed,
            warnings=[*alert.warnings, *late, *unprovided(outlook.forecast)],
            forecast=outlook.forecast,
            before=told.document if told is not alert else None,
        )

    async def outlook(self, alert: StoredAlert) -> Outlook:
        """Who would get it, and how long it would take, as it stands now."""
        match = await self._audience_of(alert)
        return Outlook(match, await self._forecaster.of(by_way(match), records.priority(alert), alert=alert.number))

    async def progress(self, alert_id: str) -> Progress:
        """How far it has got. Raises NotFound."""
        return await progress(self._database, await self._known(alert_id))

    async def sent_back(self, alert: StoredAlert) -> AuditEntry | None:
        """Who sent it back to its author, when and why; None for what was not, or waits no more."""
        if alert.status != "draft":
            return None
        async with self._database.read() as connection:
            return await audit.latest(connection, alert.id, "reject")

    async def _read(self, raw: bytes, source: Source, follows: str | None = None) -> Draft:
        draft = await records.read(raw, source, self._alerts, self._catalog, self._clock(), follows)
        incident = draft.document.incident
        if incident is not None and not await self._has_incident(incident):
            raise InvalidInput((FieldError("/incident", "There is no such incident; open one first, or leave it out."),))
        return draft

    async def _has_incident(self, incident: str) -> bool:
        async with self._database.read() as connection:
            query = select(tables.incident.c.id).where(tables.incident.c.id == incident)
            return (await connection.execute(query)).first() is not None

    async def _audience_of(self, alert: StoredAlert) -> Match:
        """Who would get it now: by its area, and for an update or a cancel whoever the earlier ones reached (S3)."""
        await self._refresh()
        return await self._planner.audience_of(alert)

    async def _known(self, alert_id: str) -> StoredAlert:
        alert = await self._alerts.get(alert_id)
        if alert is None:
            raise NotFound(f"There is no alert {alert_id!r}.")
        return alert

    async def _latest(self, alert: StoredAlert) -> StoredAlert:
        """What people were told last of what an alert tells of."""
        told = [one for one in await self._alerts.chain(alert.chain) if one.live_at is not None]
        return told[-1] if told else alert

    async def _following(self, raw: bytes, alert_id: str, kind: MsgType) -> Draft:
        followed = await self._known(alert_id)
        async with self._database.read() as connection:
            await chains.check_open(connection, followed.chain, follows=(alert_id,) if kind == "Update" else ())
        draft = await self._read(chains.following(raw, followed), "api", follows=alert_id)
        _check_own_words(draft.document, alert_id, kind)
        if draft.document.status != followed.document.status:
            raise chains.other_status(followed)
        readers = chains.same_readers(draft.document, followed.document)
        document = msgspec.structs.replace(draft.document, msgType=kind, references=(alert_id,), audience_languages=readers)
        return msgspec.structs.replace(draft, document=document)


def _check_own_words(document: Alert, alert_id: str, kind: MsgType) -> None:
    """What the body says of itself must not contradict where it was sent."""
    faults = []
    if document.msgType not in {"Alert", kind}:
        faults.append(FieldError("/msgType", f"This makes a message of msgType {kind}: leave it out."))
    if document.references not in {(), (alert_id,)}:
        faults.append(FieldError("/references", f"This is about {alert_id} alone: leave it out."))
    if faults:
        raise InvalidInput(tuple(faults))
