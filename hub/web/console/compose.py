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
from hub.web.console import form as forms
from hub.web.console import log_in, versions
from hub.web.console.faults import errors_of
from hub.web.console.form import Form, Unfinished
from hub.web.console.repeats import repeats
from hub.web.console.staff import ENGLISH, actor_of, page, see_other, staff_card
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
    """``GET /console/compose[?start=|copy=|correct=|update=|cancel=]``."""
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
        return await _form_page(request, forms.as_chosen(form), {}, unsent=True)
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
    for name in ("copy", "correct", "update", "cancel"):
        if name in request.query:
            stored = await _known(hub(request), request.query[name])
            form = forms.from_alert(stored.document, hub(request).catalog)
            return msgspec.structs.replace(form, values={**form.values, **await _meant(name, stored, hub(request))})
    return Form(dict(forms.DEFAULTS))


async def _meant(name: str, stored: StoredAlert, context: HubContext) -> dict[str, str]:
    """What the new alert is to the stored one. Written again, it may be a drill this time; what follows an alert is as real as that one."""
    match name:
        case "update":
            return {"follows": stored.id, "kind": "Update"} | _same_end(stored, context)
        case "cancel":
            return {"follows": stored.id, "kind": "Cancel"} | _called_off(stored)
        case "correct" if (followed := await versions.still_followed(context, stored)) is not None:
            return {"follows": followed.id, "kind": stored.document.msgType} | _same_end(stored, context)
        case _:
            return {"status": ""}


def _same_end(stored: StoredAlert, context: HubContext) -> dict[str, str]:
    """Nobody who mends a word should change by the way until when it holds."""
    ends_at = stored.expires_at / 1000
    return forms.ending(ends_at) if ends_at > context.clock() else {}


def _called_off(stored: StoredAlert) -> dict[str, str]:
    """A call-off in one's own words keeps the headline that people know, and nothing of what they were told to do."""
    emptied = {f"{part}_{tag}": "" for part in ("description", "instruction") for tag in forms.LANGUAGES}
    return emptied | {"urgency": "Past"} | forms.ending(stored.expires_at / 1000)


def _document(form: Form, context: HubContext) -> bytes:
    return msgspec.json.encode(forms.document(form, context.clock()))


async def _preview(request: web.Request, form: Form, actor: Actor, *, changed: bool = False) -> web.Response:
    context, kind = hub(request), _kind(form)
    form = forms.fixed_end(form, context.clock())
    try:
        raw = _document(form, context)
        shown = await _look(form, raw, actor, context)
    except (Unfinished, InvalidInput, Conflict) as faults:
        return await _form_again(request, form, faults)
    alert, earlier = _unstored(raw, shown, actor, context, kind), await _followed(form, context)
    twice = await repeats(alert, context, earlier.chain if earlier else "") if kind != "Cancel" else []
    return page(
        request,
        "preview.html",
        card=staff_card(alert, context),
        kind=kind,
        follows=versions.follows(alert, earlier),
        preview=msgspec.structs.replace(shown, warnings=shown.warnings + twice),
        shape=msgspec.json.encode(shown.area_geojson).decode(),
        hidden=form.hidden(),
        once=secrets.token_urlsafe(16),
        changed=changed,
        needs_approval=shown.approval_needed or not may(actor.role, "publish"),
    )


async def _followed(form: Form, context: HubContext) -> StoredAlert | None:
    return await _known(context, form.get("follows")) if form.get("follows") else None


async def _form_again(request: web.Request, form: Form, faults: Unfinished | InvalidInput | Conflict) -> web.Response:
    """The form as it was sent, with what to mend; or with what happened meanwhile, such as that another called the alert off."""
    status, now = 409 if isinstance(faults, Conflict) else 422, hub(request).clock()
    match faults:
        case Conflict():
            errors: Mapping[str, str] = {"form": faults.detail}
        case InvalidInput():
            errors = errors_of(faults, form, now)
        case _:
            errors = faults.errors
    # A fault of the moment is shown at its field, which stands open only when a moment is chosen.
    form = form if "expires_at" in errors else forms.as_chosen(form)
    return await _form_page(request, form, errors, status=status, unsent=True)


def _unstored(raw: bytes, shown: Preview, actor: Actor, context: HubContext, kind: MsgType) -> StoredAlert:
    """The alert as it will stand on the public page: nothing is stored, so the row is made for this look only."""
    now = milliseconds(context.clock)
    document = msgspec.structs.replace(read_alert(raw, context.catalog, context.clock()), msgType=kind)
    return StoredAlert(
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


async def _form_page(
    request: web.Request, form: Form, errors: Mapping[str, str], *, status: int = 200, unsent: bool = False
) -> web.Response:
    """`unsent`: it holds what was typed before, which nothing else keeps."""
    context, kind = hub(request), form.get("kind")
    earlier = await _followed(form, context)
    return page(
        request,
        "compose.html",
        status=status,
        form=form,
        errors=errors,
        heading=HEADINGS.get(kind, HEADINGS[""]),
        follows={"id": earlier.id, "headline": earlier.document.infos[0].headline} if earlier else None,
        follows_note=NOTES.get(kind, ""),
        ended_at=ENGLISH.phrases.end(earlier.expires_at / 1000, context.clock()) if earlier else "",
        unsent=unsent,
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
