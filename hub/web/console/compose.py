"""Writing an alert: form → preview → submit. What is submitted is what was previewed, or it is shown again (safeguards S5, S6)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from hub.alerts.alert import MsgType
from hub.alerts.area import resolve
from hub.alerts.store import StoredAlert
from hub.alerts.validation import read_alert
from hub.clock import milliseconds
from hub.errors import Conflict, InvalidInput, NotFound
from hub.staff.actor import Actor
from hub.staff.roles import may
from hub.web.api.exchange import whole
from hub.web.cards import Card
from hub.web.console import form as forms
from hub.web.console import log_in
from hub.web.console.form import Form, Unfinished
from hub.web.console.staff import actor_of, page, see_other, staff_card
from hub.web.console.starters import starter, starters
from hub.web.context import ACTOR, HubContext, hub
from hub.web.middlewares import publishing_turn
from hub.web.security import check_form, is_of_this_log_in
from subscriptions.severity import rank

if TYPE_CHECKING:
    from hub.publishing.preview import Preview

HEADINGS = {"": "New alert", "Update": "Update an alert", "Cancel": "Call off an alert"}
NOTES = {
    "Update": "Goes to everyone in its area, and to everyone who got this:",
    "Cancel": "Every message begins with “Cancelled”. Goes to nobody but everyone who got this:",
}


async def compose_page(request: web.Request) -> web.StreamResponse:
    """``GET /console/compose[?start=|copy=|update=|cancel=]``."""
    actor_of(request).require("draft")
    return await _form_page(request, await _first_form(request), {})


async def compose_preview(request: web.Request) -> web.StreamResponse:
    """``POST /console/compose/preview``; with ``action=edit`` back to the form. Keeps nothing, so it asks for no token."""
    data = await request.post()
    form = forms.read(data)
    if ACTOR not in request:
        return log_in.ask(request, form)
    actor = actor_of(request)
    actor.require("preview")
    if data.get("action") == "edit":
        return await _form_page(request, form, {})
    return await _preview(request, form, actor)


async def compose_submit(request: web.Request) -> web.StreamResponse:
    """``POST /console/compose``: publish, or send for approval. A ready-made notice of the demonstration comes by its number."""
    data = await request.post()
    form, context = forms.read(data), hub(request)
    if "notice" not in data and ACTOR not in request:
        return log_in.ask(request, form)
    actor = actor_of(request)
    actor.require("draft")
    if "notice" in data:
        await check_form(request)
        return await _demo_notice(request, str(data["notice"]), actor)
    if not await is_of_this_log_in(request):
        return await _preview(request, form, actor)
    try:
        raw = _document(form, context)
        shown = await _look(form, raw, actor, context)
        if shown.hash != data.get("expected_hash"):
            return await _preview(request, form, actor, changed=True)
        with publishing_turn(request, actor):
            stored = await _submit(form, raw, actor, context, str(data.get("once", ""))[:64])
    except (Unfinished, InvalidInput, Conflict) as faults:
        return await _form_again(request, form, faults)
    return see_other(f"/console/alerts/{stored.id}")


async def _submit(form: Form, raw: bytes, actor: Actor, context: HubContext, once: str) -> StoredAlert:
    """The key of the preview makes a double click one alert (S9)."""
    publishing, follows, key = context.publishing, form.get("follows"), f"console-{once}" if once else None
    match _kind(form):
        case "Update":
            return await publishing.update(follows, raw, actor, idempotency_key=key)
        case "Cancel":
            return await publishing.cancel(follows, raw, actor, idempotency_key=key)
        case _:
            return await publishing.submit(raw, actor, source="console", idempotency_key=key)


def _kind(form: Form) -> MsgType:
    """What it is to the alert that it follows, if it follows any."""
    kind = form.get("kind") if form.get("follows") else ""
    return "Update" if kind == "Update" else "Cancel" if kind == "Cancel" else "Alert"


async def _look(form: Form, raw: bytes, actor: Actor, context: HubContext) -> Preview:
    """What goes out, to the people to whom it goes: of an update or a call-off those who got what it follows."""
    kind = _kind(form)
    return await context.publishing.preview(raw, actor, follows=form.get("follows") if kind != "Alert" else None, kind=kind)


async def notice_preview(request: web.Request) -> web.StreamResponse:
    """``GET /console/demo-notice?notice=``: a ready-made notice as the form would show it before it goes out."""
    actor, context = actor_of(request), hub(request)
    actor.require("preview")
    alert = read_alert(_notice(context, request.query.get("notice", "")), context.catalog, context.clock())
    form = forms.from_alert(alert, context.catalog)
    return await _preview(request, msgspec.structs.replace(form, values={**form.values, **forms.ending(alert.expires.timestamp())}), actor)


async def _demo_notice(request: web.Request, number: str, actor: Actor) -> web.Response:
    raw = _notice(hub(request), number)
    with publishing_turn(request, actor):
        stored = await hub(request).publishing.submit(raw, actor, source="demo")
    return see_other(f"/console/alerts/{stored.id}")


def _notice(context: HubContext, number: str) -> bytes:
    notices, position = context.demo_notices(), whole(number)
    if position is None or position >= len(notices):
        raise NotFound("There is no such ready-made notice.")
    return notices[position][1].encode()


async def _first_form(request: web.Request) -> Form:
    if (chosen := starter(request.query.get("start", ""))) is not None:
        return Form(forms.DEFAULTS | chosen.form())
    for name, kind in (("copy", ""), ("update", "Update"), ("cancel", "Cancel")):
        if name in request.query:
            stored = await _known(hub(request), request.query[name])
            form = forms.from_alert(stored.document, hub(request).catalog)
            # Written again, it may be a drill this time; what follows an alert is as real as that one.
            extra = {"follows": stored.id, "kind": kind} if kind else {"status": ""}
            return msgspec.structs.replace(form, values={**form.values, **extra, **(_called_off(stored) if kind == "Cancel" else {})})
    return Form(dict(forms.DEFAULTS))


def _called_off(stored: StoredAlert) -> dict[str, str]:
    """A call-off in one's own words keeps the headline that people know, and nothing of what they were told to do."""
    emptied = {f"{part}_{tag}": "" for part in ("description", "instruction") for tag in forms.LANGUAGES}
    return emptied | {"urgency": "Past"} | forms.ending(stored.expires_at / 1000)


def _document(form: Form, context: HubContext) -> bytes:
    return msgspec.json.encode(forms.document(form, context.clock()))


async def _preview(request: web.Request, form: Form, actor: Actor, *, changed: bool = False) -> web.Response:
    context = hub(request)
    form = forms.fixed_end(form, context.clock()) if _is_number(form.get("duration")) else form
    try:
        raw = _document(form, context)
        shown = await _look(form, raw, actor, context)
    except (Unfinished, InvalidInput, Conflict) as faults:
        return await _form_again(request, form, faults)
    return page(
        request,
        "preview.html",
        card=_card(raw, shown, actor, context, _kind(form)),
        kind=_kind(form),
        preview=shown,
        shape=msgspec.json.encode(shown.area_geojson).decode(),
        hidden=form.hidden(),
        once=secrets.token_urlsafe(16),
        changed=changed,
        needs_approval=shown.approval_needed or not may(actor.role, "publish"),
    )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


async def _form_again(request: web.Request, form: Form, faults: Unfinished | InvalidInput | Conflict) -> web.Response:
    """The form as it was sent, with what to mend; or with what happened meanwhile, such as that another called the alert off."""
    match faults:
        case Conflict():
            return await _form_page(request, form, {"form": faults.detail}, status=409)
        case InvalidInput():
            return await _form_page(request, form, forms.errors_of(faults, form), status=422)
        case _:
            return await _form_page(request, form, faults.errors, status=422)


def _card(raw: bytes, shown: Preview, actor: Actor, context: HubContext, kind: MsgType) -> Card:
    """The alert as it will stand on the public page: nothing is stored, so the row is made for this look only."""
    now = milliseconds(context.clock)
    document = msgspec.structs.replace(read_alert(raw, context.catalog, context.clock()), msgType=kind)
    unstored = StoredAlert(
        number=0,
        id="preview",
        chain="preview",
        status="draft",
        agency=actor.agency,
        source="console",
        identifier=None,
        sender=None,
        sent_at=now,
        grade=rank(shown.grade),
        document=document,
        area=resolve(document.area, context.catalog),
        hash=shown.hash,
        audience=shown.people,
        author=actor.label,
        approver=None,
        created_at=now,
        approved_at=None,
        live_at=None,
        ended_at=None,
        send_at=None,
        expires_at=int(document.expires.timestamp() * 1000),
    )
    return staff_card(unstored, context)


async def _form_page(request: web.Request, form: Form, errors: Mapping[str, str], *, status: int = 200) -> web.Response:
    context, kind = hub(request), form.get("kind")
    earlier = await _known(context, form.get("follows")) if form.get("follows") else None
    return page(
        request,
        "compose.html",
        status=status,
        form=form,
        errors=errors,
        heading=HEADINGS.get(kind, HEADINGS[""]),
        follows={"id": earlier.id, "headline": earlier.document.infos[0].headline} if earlier else None,
        follows_note=NOTES.get(kind, ""),
        called_off=kind == "Cancel",
        carried=[(name, text) for name, text in form.hidden() if not name.startswith((*forms.PARTS, "web"))],
        boroughs=sorted({area.name for area in context.catalog.areas if area.layer == "borough"}.union(form.boroughs)),
        starters=starters(),
    )


async def _known(context: HubContext, alert_id: str) -> StoredAlert:
    stored = await context.alerts.get(alert_id)
    if stored is None:
        raise NotFound("There is no such alert.")
    return stored
