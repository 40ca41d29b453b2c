"""Progress as Server-Sent Events, for the page that watches an alert go out."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from hub.web.console.staff import actor_of
from hub.web.context import hub

LOOK_EVERY_S = 0.4
LONGEST_S = 900
"""A forgotten page asks again by itself (EventSource reconnects)."""


async def progress_events(request: web.Request) -> web.StreamResponse:
    """``GET /console/alerts/{id}/events``: an event whenever a number has changed, the last one with ``finished``."""
    actor_of(request).require("read")
    publishing, alert_id = hub(request).publishing, request.match_info["id"]
    state = await publishing.progress(alert_id)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"})
    await response.prepare(request)
    told, until = b"", asyncio.get_running_loop().time() + LONGEST_S
    while asyncio.get_running_loop().time() < until:
        data = msgspec.json.encode({**msgspec.to_builtins(state), "settled": state.settled})
        if data != told:
            await response.write(b"event: progress\ndata: %b\n\n" % data)
            told = data
        if state.finished:
            break
        await asyncio.sleep(LOOK_EVERY_S)
        state = await publishing.progress(alert_id)
    return response
