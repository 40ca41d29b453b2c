"""Alerts for staff programs: write, preview, approve, stop, follow up, and see how far one has got. The rules are `hub.publishing`'s."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.alerts.faults import Faults, shown
from hub.alerts.json_fields import Fields, decode
from hub.alerts.lifecycle import STATUSES
from hub.alerts.store import StoredAlert
from hub.errors import BadRequest, NotFound
from hub.web.api.alert_shapes import Accepted, AlertPage, Reach, StoppedView, links_of, view_of
from hub.web.api.exchange import XML_TYPES, actor_of, choice, json_answer, moment, number, query, read_body, requires
from hub.web.context import hub
from hub.web.middlewares import publishing_turn
from subscriptions.topics import TOPICS

LONGEST_KEY = 255
PAGE = 50
LONGEST_REASON = 500


@requires("draft")
async def create_alert(request: web.Request) -> web.StreamResponse:
    """Publish, or leave for a second person to approve."""
    raw = await read_body(request)
    actor = actor_of(request)
    with publishing_turn(request, actor):
        alert = await hub(request).publishing.submit(raw, actor, source="api", idempotency_key=_key(request))
    return await _accepted(request, alert, status=201)


@requires("draft")
async def create_from_cap(request: web.Request) -> web.StreamResponse:
    """The same from CAP 1.2 XML."""
    raw = await read_body(request, XML_TYPES)
    actor = actor_of(request)
    with publishing_turn(request, actor):
        alert = await hub(request).publishing.submit(raw, actor, source="cap", idempotency_key=_key(request))
    return await _accepted(request, alert, status=201)


@requires("preview")
async def preview_alert(request: web.Request) -> web.StreamResponse:
    """What would go to whom; nothing is stored."""
    return json_answer(await hub(request).publishing.preview(await read_body(request), actor_of(request)))


@requires("read")
async def list_alerts(request: web.Request) -> web.StreamResponse:
    """A page of alerts, newest first."""
    asked = query(request, "status", "topic", "since", "cursor")
    found = await hub(request).alerts.recent(
        status=(status,) if (status := choice(asked, "status", STATUSES)) else (),
        topic=choice(asked, "topic", TOPICS),
        since=moment(asked, "since"),
        before=number(asked, "cursor"),
        limit=PAGE + 1,
    )
    shown_now = found[:PAGE]
    following = str(shown_now[-1].number) if len(found) > PAGE else None
    return json_answer(AlertPage(alerts=tuple(view_of(alert, hub(request).public_url) for alert in shown_now), next=following))


@requires("read")
async def show_alert(request: web.Request) -> web.StreamResponse:
    """One alert."""
    alert, context = await _known(request), hub(request)
    return json_answer(view_of(alert, context.public_url, await context.publishing.sent_back(alert)))


@requires("read")
async def show_progress(request: web.Request) -> web.StreamResponse:
    """How far it has got."""
    return json_answer(await hub(request).publishing.progress(request.match_info["id"]))


@requires("approve")
async def approve_alert(request: web.Request) -> web.StreamResponse:
    """The second person's yes."""
    wish = _text_field(await request.read(), "hash", 64)
    actor = actor_of(request)
    with publishing_turn(request, actor):
        alert = await hub(request).publishing.approve(request.match_info["id"], actor, expected_hash=wish or None)
    return await _accepted(request, alert)


@requires("approve")
async def reject_alert(request: web.Request) -> web.StreamResponse:
    """The second person's no."""
    reason = _text_field(await request.read(), "reason", LONGEST_REASON)
    return await _accepted(request, await hub(request).publishing.reject(request.match_info["id"], actor_of(request), reason))


@requires("stop")
async def stop_alert(request: web.Request) -> web.StreamResponse:
    """The kill switch: never limited in rate, and never refused for what stands in its body."""
    stopped = await hub(request).publishing.stop(request.match_info["id"], actor_of(request))
    alert = await _known(request)
    return json_answer(StoppedView(id=alert.id, status=alert.status, **msgspec.structs.asdict(stopped)))


@requires("draft")
async def update_alert(request: web.Request) -> web.StreamResponse:
    """A new version of it."""
    raw = await read_body(request)
    actor = actor_of(request)
    with publishing_turn(request, actor):
        alert = await hub(request).publishing.update(request.match_info["id"], raw, actor, idempotency_key=_key(request))
    return await _accepted(request, alert, status=201)


@requires("draft")
async def cancel_alert(request: web.Request) -> web.StreamResponse:
    """Call it off; without a body, in the words it went out with (S3: one step, prepared beforehand)."""
    raw, actor, publishing = await request.read(), actor_of(request), hub(request).publishing
    with publishing_turn(request, actor):
        if raw.strip() in {b"", b"{}"}:
            alert = await publishing.call_off(request.match_info["id"], actor, idempotency_key=_key(request))
        else:
            alert = await publishing.cancel(request.match_info["id"], raw, actor, idempotency_key=_key(request))
    return await _accepted(request, alert, status=201)


async def _accepted(request: web.Request, alert: StoredAlert, *, status: int = 200) -> web.Response:
    context = hub(request)
    outlook = None if alert.status in {"ended", "stopped"} else await context.publishing.outlook(alert)
    links = links_of(alert, context.public_url)
    answer = Accepted(
        id=alert.id,
        status=alert.status,
        audience=Reach(people=alert.audience, by_channel=outlook.by_channel if outlook else {}),
        links=links,
        forecast=outlook.forecast if outlook else None,
        warnings=alert.warnings,
    )
    return json_answer(answer, status=status, headers={"Location": links["self"]} if status == 201 else None)


async def _known(request: web.Request) -> StoredAlert:
    alert = await hub(request).alerts.get(request.match_info["id"])
    if alert is None:
        raise NotFound(f"There is no alert {shown(request.match_info['id'])!r}.")
    return alert


def _key(request: web.Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise BadRequest(f"The header Idempotency-Key holds 1 to {LONGEST_KEY} printable ASCII characters.")
    return key


def _text_field(raw: bytes, name: str, longest: int) -> str:
    """The one optional text of a small body; no body is an empty one."""
    fields = Fields(decode(raw) if raw.strip() else {}, "", faults := Faults())
    text = fields.text(name, longest, nullable=True, lines=True, empty=True)
    fields.close()
    faults.check()
    return text
