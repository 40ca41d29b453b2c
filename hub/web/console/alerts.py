"""The list of alerts, and one alert: reviewed by a second person, followed while it goes out, stopped."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from hub.errors import Conflict, Forbidden, NotFound
from hub.publishing.records import prepared_cancel
from hub.staff.roles import may
from hub.web.api.exchange import whole
from hub.web.console import versions
from hub.web.console.compose import compose_page, compose_preview, compose_submit
from hub.web.console.repeats import repeats
from hub.web.console.staff import ENGLISH, actor_of, heading, name_of, page, row, see_other, staff_card
from hub.web.console.starters import starters
from hub.web.console.words import standing_still
from hub.web.context import hub
from hub.web.middlewares import publishing_turn

if TYPE_CHECKING:
    from hub.alerts.store import StoredAlert
    from hub.publishing.preview import Preview
    from hub.staff.actor import Actor
    from hub.staff.audit import AuditEntry
    from hub.web.context import HubContext

__all__ = [
    "alert_approve",
    "alert_call_off",
    "alert_reject",
    "alert_review",
    "alert_stop",
    "compose_page",
    "compose_preview",
    "compose_submit",
    "console_home",
]

PAGE = 40
LONGEST_REASON = 500


async def console_home(request: web.Request) -> web.StreamResponse:
    """``GET /console[?before=]``."""
    actor, context = actor_of(request), hub(request)
    actor.require("read")
    before = whole(request.query.get("before", ""))
    found = await context.alerts.recent(before=before, limit=PAGE + 1)
    waiting = await context.alerts.recent(status=("awaiting_approval",)) if before is None else []
    waits = [row(stored, context, actor) for stored in waiting]
    return page(
        request,
        "console_home.html",
        rows=[row(stored, context, actor) for stored in found[:PAGE]],
        waiting=waits,
        to_decide=sum(not one.own for one in waits) if may(actor.role, "approve") else 0,
        older=found[PAGE - 1].number if len(found) > PAGE else None,
        notices=[title for title, _ in context.demo_notices()],
        starters=starters(),
        alarms=[(one.alert, standing_still(one)) for one in context.stalled()],
    )


async def alert_review(request: web.Request) -> web.StreamResponse:
    """``GET /console/alerts/{id}[?call-off]``: what an approver decides on, or how far it has got, or whether to call it off."""
    actor, stored = actor_of(request), await _known(request)
    actor.require("read")
    asked = await _call_off(request, stored, actor) if "call-off" in request.query else None
    return await _page(request, stored, note=NOTES.get(request.query.get("note", ""), ""), good=True, call_off=asked)


NOTES = {"back": "It went back to its author."}


async def alert_approve(request: web.Request) -> web.StreamResponse:
    """``POST /console/alerts/{id}/approve``: with the hash and the number of people that the approver saw (S1, S2)."""
    actor, stored = actor_of(request), await _known(request)
    data = await request.post()
    seen = str(data.get("people", ""))
    if stored.document.status == "Actual" and _digits(str(data.get("typed", ""))) != seen:
        return await _page(request, stored, errors={"typed": "That is not the number of people shown above. Look again."})
    try:
        with publishing_turn(request, actor):
            await hub(request).publishing.approve(stored.id, actor, expected_hash=str(data.get("expected_hash", "")))
    except (Conflict, Forbidden) as refused:
        return await _page(request, await _known(request), note=refused.detail, status=refused.status)
    return see_other(f"/console/alerts/{stored.id}")


async def alert_reject(request: web.Request) -> web.StreamResponse:
    """``POST /console/alerts/{id}/reject``."""
    actor, stored = actor_of(request), await _known(request)
    reason = str((await request.post()).get("reason", "")).strip()[:LONGEST_REASON]
    if not reason:
        return await _page(request, stored, errors={"reason": "Say what must change."})
    await hub(request).publishing.reject(stored.id, actor, reason)
    return see_other(f"/console/alerts/{stored.id}?note=back")


async def alert_stop(request: web.Request) -> web.StreamResponse:
    """``POST /console/alerts/{id}/stop`` (S12)."""
    actor, stored = actor_of(request), await _known(request)
    stopped = await hub(request).publishing.stop(stored.id, actor)
    outbox = f" and {stopped.simulated:,} are in the outbox" if stopped.simulated else ""
    note = f"Stopped. {stopped.handed_over:,} messages had gone{outbox}, {stopped.withheld:,} will not go."
    if stopped.unknown:
        note += f" {stopped.unknown:,} were on their way and may have gone: whoever calls it off reaches them, too."
    return await _page(request, await _known(request), note=note, good=True)


async def alert_call_off(request: web.Request) -> web.StreamResponse:
    """``POST /console/alerts/{id}/call-off``: in prepared words, to everyone who got it (S3)."""
    actor, stored = actor_of(request), await _known(request)
    once = str((await request.post()).get("once", ""))[:64]
    try:
        with publishing_turn(request, actor):
            made = await hub(request).publishing.call_off(stored.id, actor, idempotency_key=f"console-{once}" if once else None)
    except Conflict as refused:
        return await _page(request, stored, note=refused.detail, status=refused.status)
    return see_other(f"/console/alerts/{made.id}")


async def _call_off(request: web.Request, stored: StoredAlert, actor: Actor) -> Preview | None:
    """What a call-off would say, and to whom; None for what can't be called off. Looked up only when asked: it reads who was reached."""
    if not stored.is_believed or stored.document.msgType == "Cancel" or not may(actor.role, "draft"):
        return None
    if await versions.newer(hub(request), stored):
        return None
    return await hub(request).publishing.preview(prepared_cancel(stored), actor, follows=stored.id, kind="Cancel")


async def _page(
    request: web.Request,
    stored: StoredAlert,
    *,
    note: str = "",
    good: bool = False,
    status: int = 200,
    errors: Mapping[str, str] | None = None,
    call_off: Preview | None = None,
) -> web.Response:
    context, actor = hub(request), actor_of(request)
    waiting = stored.status == "awaiting_approval"
    preview = await _reviewed(stored, context) if waiting else None
    progress = await context.publishing.progress(stored.id) if stored.live_at is not None else None
    line, newer = row(stored, context, actor), await versions.newer(context, stored)
    running = progress is not None and not progress.finished and stored.status == "live"
    return page(
        request,
        "console_alert.html",
        status=422 if errors else status,
        row=line,
        card=staff_card(stored, context),
        heading=_heading(stored, line.card.mark, decides=may(actor.role, "approve") and not line.own),
        state=f"{stored.status} {newer.id if newer else ''}",
        follows=versions.follows(stored, await versions.earlier(context, stored)),
        waiting=waiting,
        believed=stored.is_believed and newer is None,
        sent_back=_sent_back(await context.publishing.sent_back(stored), context.clock()),
        corrected_by=await versions.corrected_by(context, stored),
        newer=row(newer, context, actor) if newer else None,
        preview=preview,
        shape=msgspec.json.encode(preview.area_geojson).decode() if preview else "",
        progress=progress,
        alarm=next((standing_still(one) for one in context.stalled() if one.alert == stored.id), ""),
        running=running,
        stoppable=running or stored.status in {"awaiting_approval", "scheduled"},
        call_off=call_off,
        once=secrets.token_urlsafe(16),
        note=note,
        note_good=good,
        errors=errors or {},
    )


async def _reviewed(stored: StoredAlert, context: HubContext) -> Preview:
    """What an approver looks at, with what only the other alerts can tell."""
    preview = await context.publishing.review(stored.id)
    return msgspec.structs.replace(preview, warnings=preview.warnings + await repeats(stored, context, stored.chain))


def _sent_back(entry: AuditEntry | None, now: float) -> tuple[str, str, str] | None:
    """By whom, when and why."""
    if entry is None:
        return None
    when = ENGLISH.phrases.moment(datetime.fromisoformat(entry.at).timestamp(), now) if entry.at else ""
    return name_of(entry.actor), when, str(entry.details.get("reason", ""))


def _heading(stored: StoredAlert, mark: str, *, decides: bool) -> str:
    if stored.status == "awaiting_approval" and decides:
        return "Drill to approve" if mark else "Real alert to approve"
    return heading(stored)


def _digits(text: str) -> str:
    """What was typed without the separators that people put into numbers."""
    return "".join(character for character in text if character not in " ,.'\u00a0")


async def _known(request: web.Request) -> StoredAlert:
    stored = await hub(request).alerts.get(request.match_info["id"])
    if stored is None:
        raise NotFound("There is no such alert.")
    return stored
