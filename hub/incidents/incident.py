"""Incidents that staff and partners open, and the videos that anyone may add to them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime

import msgspec
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts.faults import Faults
from hub.alerts.json_fields import Fields, decode
from hub.clock import Clock, instant, milliseconds
from hub.errors import NotFound
from hub.incidents import video
from hub.incidents.video import AddedVideo, ConsentReceipt, VideoChanges, VideoView
from hub.staff import audit
from hub.staff.actor import Actor
from hub.staff.roles import may
from hub.store.database import Database
from hub.store.tables import incident
from subscriptions.areas import AreaCatalog
from subscriptions.errors import UnknownArea

LONGEST_TITLE = 200

_LAYERS = ("zip", "neighborhood", "borough")


class IncidentPlace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Where it is, no finer than a named area (V11): exactly one of these."""

    zip: str | None = None
    neighborhood: str | None = None
    borough: str | None = None


class IncidentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is posted. The shape is for the API's description; `Incidents.create` reads it strictly, with every fault."""

    title: str
    place: IncidentPlace | None = None


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened or goes on, to which alerts and videos may point. `place` is an area key such as ``zip:11201``."""

    id: str
    title: str
    agency: str
    place: str | None
    created_at: datetime


class Incidents:
    """All of it, over one database."""

    def __init__(self, database: Database, clock: Clock, changed: Callable[[], None]) -> None:
        """`changed` is called after each change to what may be shown: pages with a video are then made anew (V3)."""
        self._database, self._clock, self._changed = database, clock, changed

    async def create(self, raw: bytes, actor: Actor, catalog: AreaCatalog) -> Incident:
        """Open one. Raises BadRequest, InvalidInput, Forbidden."""
        actor.require("incident")
        title, place = _read(raw, catalog)
        now, number = milliseconds(self._clock), f"inc_{secrets.token_hex(10)}"
        row = insert(incident).values(id=number, agency=actor.agency, title=title, place=place, created_at=now)
        async with self._database.write() as connection:
            await connection.execute(row)
            await audit.append(connection, now, actor.label, "incident.create", number, {"place": place})
        return Incident(id=number, title=title, agency=actor.agency, place=place, created_at=instant(now / 1000))

    async def get(self, incident_id: str) -> Incident:
        """Raises NotFound."""
        async with self._database.read() as connection:
            return await _known(connection, incident_id)

    async def add_video(self, incident_id: str, raw: bytes, actor: Actor | None) -> AddedVideo:
        """Add a link to a video. What a stranger sends waits until `review_video`; what staff send is reviewed by sending it (S14)."""
        wish = video.read_request(raw)
        reviewer = actor.label if actor and may(actor.role, "incident") else None
        async with self._database.write() as connection:
            await _known(connection, incident_id)
            added = await video.add(connection, incident_id, wish, reviewer, milliseconds(self._clock))
        if wish.public and reviewer is not None:
            self._changed()
        return added

    async def review_video(self, video_id: str, actor: Actor) -> None:
        """Let a stranger's video be shown, as far as its owner allows. Raises NotFound, Gone."""
        actor.require("incident")
        now = milliseconds(self._clock)
        async with self._database.write() as connection:
            await video.review(connection, video_id, actor.label)
            await audit.append(connection, now, actor.label, "video.review", video_id)
        self._changed()

    async def change_video(self, manage: str, changes: VideoChanges) -> VideoView:
        """Change either choice; each writes its own receipt (V4). Raises NotFound, Gone."""
        async with self._database.write() as connection:
            view, shown_otherwise = await video.change(connection, manage, changes, milliseconds(self._clock))
        if shown_otherwise:
            self._changed()
        return view

    async def remove_video(self, manage: str) -> tuple[ConsentReceipt, ...]:
        """Withdraw it for good: its link answers 404 from now on. Twice is no error. Raises NotFound."""
        async with self._database.write() as connection:
            receipts, was_shown = await video.remove(connection, manage, milliseconds(self._clock))
        if was_shown:
            self._changed()
        return receipts

    async def public_videos(self, incident_id: str) -> tuple[str, ...]:
        """Ids of what may be shown now; read anew for each batch of messages (V3)."""
        async with self._database.read() as connection:
            return await video.public_videos(connection, incident_id)

    async def video_url(self, video_id: str) -> str | None:
        """Where a video is, only while it may be shown."""
        async with self._database.read() as connection:
            return await video.public_url(connection, video_id)


def _read(raw: bytes, catalog: AreaCatalog) -> tuple[str, str | None]:
    faults = Faults()
    fields = Fields(decode(raw), "", faults)
    title = fields.text("title", LONGEST_TITLE, required=True)
    place = _place(Fields(fields.value("place"), "/place", faults), catalog) if fields.given("place", nullable=True) else None
    for name in ("lat", "lon", "started_at", "ended_at"):
        fields.refuse(name, "is not yet supported: leave it out")
    fields.close()
    faults.check()
    return title, place


def _place(fields: Fields, catalog: AreaCatalog) -> str | None:
    named = {layer: fields.text(layer, 80, nullable=True) for layer in _LAYERS}
    fields.close()
    given = [(layer, text) for layer, text in named.items() if text]
    if len(given) != 1:
        fields.faults.add(fields.pointer, f"must name exactly one of {', '.join(_LAYERS)}")
        return None
    layer, text = given[0]
    try:
        return catalog.resolve(layer, text).key
    except UnknownArea as error:
        meant = f" Did you mean {' or '.join(error.suggestions)}?" if error.suggestions else ""
        fields.fault(layer, f"there is no such {layer}.{meant}")
        return None


async def _known(connection: AsyncConnection, incident_id: str) -> Incident:
    row = (await connection.execute(select(incident).where(incident.c.id == incident_id))).first()
    if row is None:
        raise NotFound("There is no such incident.")
    return Incident(id=row.id, title=row.title, agency=row.agency, place=row.place, created_at=instant(row.created_at / 1000))
