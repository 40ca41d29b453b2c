"""Open data: what is on now as JSON, the feeds, and the live stream. No log-in, any origin, nothing about anyone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import datetime

import msgspec
from aiohttp import web

from hub.alerts.alert import Area, Info
from hub.alerts.cap_writer import reference_to, write_cap
from hub.alerts.store import StoredAlert
from hub.clock import instant, milliseconds
from hub.errors import NotFound, Unavailable
from hub.feeds import selection
from hub.feeds.atom import alerts_atom
from hub.live import STILL_HERE
from hub.web.api import here
from hub.web.api.exchange import choice, public_answer, query
from hub.web.context import STARTED, HubContext, hub
from subscriptions.severity import SEVERITIES, rank

LIST_SECONDS = 10
"""How long a list of alerts may be kept by caches: short, since people act on it."""
DOCUMENT_SECONDS = 60
RECENT = 100
HEARTBEAT_S = 15.0
RETRY = b"retry: 3000\n\n"
"""Milliseconds after which a browser that lost the line comes back."""
MOST_STREAMS = 5000

PARAMETERS = (*here.PARAMETERS, "severity", "active")


class PublicAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as everyone may read it, in the author's words and CAP's terms. `grade` is its severity by the hub's own rule."""

    id: str
    chain: str
    active: bool
    agency: str
    status: str
    msgType: str  # noqa: N815 - CAP's own spelling
    category: str
    event: str
    urgency: str
    severity: str
    certainty: str
    grade: str
    topics: tuple[str, ...]
    sent: datetime
    onset: datetime | None
    expires: datetime
    infos: tuple[Info, ...]
    area: Area
    area_names: tuple[str, ...]
    references: tuple[str, ...]
    links: dict[str, str]


class PublicAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """What is on here now, the worst first."""

    alerts: tuple[PublicAlert, ...]


async def public_alerts(request: web.Request) -> web.StreamResponse:
    """``?zip=`` or ``?lat=&lon=`` or ``?bbox=``, ``&severity=`` (at least), ``&active=false`` for those that are over."""
    asked, context = query(request, *PARAMETERS), hub(request)
    holds_here = here.read_place(asked, context.catalog)
    least = rank(choice(asked, "severity", SEVERITIES) or SEVERITIES[0])
    active = choice(asked, "active", ("true", "false")) != "false"
    alerts = await (_live(context) if active else _over(context))
    found = tuple(public_alert(alert, context, active=active) for alert in alerts if alert.grade >= least and holds_here(alert))
    return public_answer(request, msgspec.json.encode(PublicAlerts(alerts=found)), "application/json", max_age=LIST_SECONDS)


async def atom_feed(request: web.Request) -> web.StreamResponse:
    """``?zip=&topic=&language=``: what is live, as Atom (RFC 4287)."""
    context = hub(request)
    chosen = selection.read_selection(query(request, *selection.NAMES), context.catalog)
    document = alerts_atom(
        selection.select(await _live(context), chosen, context.catalog),
        public_url=context.public_url,
        hub_name=context.settings.hub_name,
        updated=await _last_change(request),
        selection=chosen,
    )
    return public_answer(request, document, "application/atom+xml", max_age=LIST_SECONDS)


async def _last_change(request: web.Request) -> float:
    """Seconds since 1970 of the newest change to what is public; before the first alert, of the hub's start. Only news moves it."""
    changed = await hub(request).alerts.last_change()
    return request.app[STARTED] if changed is None else changed / 1000


async def cap_feed(request: web.Request) -> web.StreamResponse:
    """One published alert as CAP 1.2, also when it is over."""
    context = hub(request)
    alert = await context.alerts.get(request.match_info["id"])
    if alert is None or alert.live_at is None:
        raise NotFound("There is no published alert with this id.")
    referenced = [await context.alerts.get(reference) for reference in alert.document.references]
    document = await asyncio.to_thread(
        write_cap,
        alert,
        context.catalog,
        public_url=context.public_url,
        city_name=context.settings.city_name,
        references=tuple(reference_to(known, context.public_url) for known in referenced if known is not None),
    )
    return public_answer(request, document, "application/cap+xml", max_age=DOCUMENT_SECONDS)


async def live_stream(request: web.Request) -> web.StreamResponse:
    """Server-Sent Events ``alert | update | cancel | end``, resumed by Last-Event-ID. A reader that is too slow is let go."""
    context = hub(request)
    if context.live.readers >= MOST_STREAMS:
        raise Unavailable("Too many live streams are open. The lists and feeds show the same.")
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    with context.metrics.sse_clients.track_inprogress():
        try:
            async for piece in with_heartbeat(context.live.subscribe(_last_event_id(request))):
                await response.write(piece)
        except ConnectionError:
            pass  # the reader has gone, which is how most streams end
    return response


async def with_heartbeat(events: AsyncIterator[bytes], seconds: float = HEARTBEAT_S) -> AsyncIterator[bytes]:
    """How soon to come back, then the events' own bytes; a comment whenever nothing happens, so that proxies keep the line open."""
    async with aclosing(events) as source:  # type: ignore[type-var]  # an async generator, typed as the iterator it also is
        # Listening begins before the first byte is sent: who has read that byte misses nothing.
        upcoming = asyncio.ensure_future(anext(source, None))
        try:
            yield RETRY
            while True:
                done, _ = await asyncio.wait({upcoming}, timeout=seconds)
                if not done:
                    yield STILL_HERE
                    continue
                event = upcoming.result()
                if event is None:
                    return
                upcoming = asyncio.ensure_future(anext(source, None))
                yield event
        finally:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)


def public_alert(alert: StoredAlert, context: HubContext, *, active: bool) -> PublicAlert:
    """The public side of a stored alert."""
    document = alert.document
    return PublicAlert(
        id=alert.id,
        chain=alert.chain,
        active=active,
        agency=alert.agency,
        status=document.status,
        msgType=document.msgType,
        category=document.category,
        event=document.event,
        urgency=document.urgency,
        severity=document.severity,
        certainty=document.certainty,
        grade=SEVERITIES[alert.grade],
        topics=document.topics,
        sent=instant((alert.live_at or alert.sent_at) / 1000),
        onset=document.onset,
        expires=document.expires,
        infos=document.infos,
        area=document.area,
        area_names=alert.area.names,
        references=document.references,
        links={"page": f"{context.public_url}/alerts/{alert.id}", "cap": f"{context.public_url}/feeds/cap/{alert.id}.xml"},
    )


async def _live(context: HubContext) -> list[StoredAlert]:
    return await context.alerts.live(milliseconds(context.clock))


async def _over(context: HubContext) -> list[StoredAlert]:
    ended = await context.alerts.recent(status=("ended", "stopped"), limit=RECENT)
    return [alert for alert in ended if alert.live_at is not None]


def _last_event_id(request: web.Request) -> int | None:
    text = request.headers.get("Last-Event-ID", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 19 else None
