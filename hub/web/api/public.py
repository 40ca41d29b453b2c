"""Open data: what is on now as JSON, the feeds, and the live stream. No log-in, any origin, nothing about anyone."""

from __future__ import annotations

from contextlib import aclosing

from aiohttp import web

from hub.errors import Unavailable
from hub.feeds import selection
from hub.web import open_data
from hub.web.api.exchange import query
from hub.web.context import hub
from hub.web.publication import PUBLICATION, Asked, Kind, answer

MOST_STREAMS = 5000
STREAM_HEADERS = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


async def public_alerts(request: web.Request) -> web.StreamResponse:
    """``?zip=`` or ``?lat=&lon=`` or ``?bbox=``, ``&severity=`` (at least), ``&active=false`` for those that are over."""
    return await _list(request, "alerts", open_data.PARAMETERS)


async def atom_feed(request: web.Request) -> web.StreamResponse:
    """``?zip=&topic=&language=``: what is live, as Atom (RFC 4287)."""
    return await _list(request, "atom", selection.NAMES)


async def rss_feed(request: web.Request) -> web.StreamResponse:
    """The same as RSS 2.0."""
    return await _list(request, "rss", selection.NAMES)


async def json_feed(request: web.Request) -> web.StreamResponse:
    """The same as a JSON Feed 1.1."""
    return await _list(request, "json", selection.NAMES)


async def geojson_feed(request: web.Request) -> web.StreamResponse:
    """The same as GeoJSON (RFC 7946), with where each holds."""
    return await _list(request, "geojson", selection.NAMES)


async def _list(request: web.Request, kind: Kind, parameters: tuple[str, ...]) -> web.StreamResponse:
    return await answer(request, request.app[PUBLICATION].listed(kind, query(request, *parameters)))


async def cap_feed(request: web.Request) -> web.StreamResponse:
    """One published alert as CAP 1.2, also when it is over."""
    return await answer(request, Asked("cap", request.match_info["id"]))


async def live_stream(request: web.Request) -> web.StreamResponse:
    """Server-Sent Events ``alert | update | cancel | end``, resumed by Last-Event-ID. A reader that is too slow is let go."""
    context = hub(request)
    if context.live.readers >= MOST_STREAMS:
        raise Unavailable("Too many live streams are open. The lists and feeds show the same.")
    response = web.StreamResponse(headers=STREAM_HEADERS)
    await response.prepare(request)
    with context.metrics.sse_clients.track_inprogress():
        try:
            async with aclosing(context.live.subscribe(event_id(request.headers.get("Last-Event-ID", "")))) as texts:
                async for text in texts:
                    await response.write(text)
        except ConnectionError:
            pass  # the reader has gone, which is how most streams end
    return response


def event_id(text: str) -> int | None:
    """The value of Last-Event-ID, None when it is none of ours."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 19 else None
