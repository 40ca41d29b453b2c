"""Incidents for staff and partners; videos for anyone, private until their owner says otherwise."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.errors import NotFound, TooMany
from hub.incidents.video import ConsentReceipt, read_changes
from hub.web.api.exchange import actor_of, json_answer, query, read_body, requires
from hub.web.context import ACTOR, CLIENT, hub
from hub.web.middlewares import LIMITS


class Withdrawn(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a video that was withdrawn: who allowed what, and when."""

    receipt: tuple[ConsentReceipt, ...]


@requires("incident")
async def create_incident(request: web.Request) -> web.StreamResponse:
    """Open an incident."""
    raw = await read_body(request)
    return json_answer(await hub(request).incidents.create(raw, actor_of(request), hub(request).catalog), status=201)


@requires("incident")
async def show_incident(request: web.Request) -> web.StreamResponse:
    """One incident."""
    query(request)
    return json_answer(await hub(request).incidents.get(request.match_info["id"]))


async def add_video(request: web.Request) -> web.StreamResponse:
    """Anyone may; what strangers add is shown after somebody of staff has looked at it."""
    raw = await read_body(request)
    _slow_down(request)
    return json_answer(await hub(request).incidents.add_video(request.match_info["id"], raw, request.get(ACTOR)), status=201)


def _slow_down(request: web.Request) -> None:
    limit = request.app[LIMITS].videos
    after = limit.take(request[CLIENT]) if limit is not None and ACTOR not in request else 0
    if after:
        raise TooMany(f"Many videos came from your network just now. Try again in {after:.0f} seconds.", after)


@requires("incident")
async def review_video(request: web.Request) -> web.StreamResponse:
    """Staff have looked at it: it may be shown."""
    await hub(request).incidents.review_video(request.match_info["id"], actor_of(request))
    return web.Response(status=204)


async def change_video(request: web.Request) -> web.StreamResponse:
    """Its owner changes a choice."""
    changes = read_changes(await read_body(request))
    if changes.public or changes.share_with_agencies:  # whoever takes something back is never made to wait (V3)
        _slow_down(request)
    return json_answer(await hub(request).incidents.change_video(request.match_info["manage"], changes))


async def remove_video(request: web.Request) -> web.StreamResponse:
    """Its owner withdraws it."""
    return json_answer(Withdrawn(receipt=await hub(request).incidents.remove_video(request.match_info["manage"])))


async def watch_video(request: web.Request) -> web.StreamResponse:
    """The link that messages carry: it leads on only while the video may be shown (V3)."""
    url = await hub(request).incidents.video_url(request.match_info["video"])
    if url is None:
        raise NotFound("This video is not public, or no longer.")
    return web.Response(status=302, headers={"Location": url, "Cache-Control": "no-store"})
