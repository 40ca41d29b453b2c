"""For whoever runs the hub: does it live, can it work, how is it doing, and what a problem's type means."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.errors import NotFound
from hub.metrics import CONTENT_TYPE
from hub.web.api.exchange import json_answer, public_answer
from hub.web.api.problems import problem_kinds
from hub.web.context import hub

DECISIVE = ("publish", "delivery")
"""Parts without which the hub is not ready. A provider that is away is named, and its messages wait."""


class Alive(msgspec.Struct, frozen=True):
    """The process answers."""

    status: str = "ok"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """`parts`: each ``ok`` or why not."""

    ready: bool
    parts: dict[str, str]


async def healthz(_: web.Request) -> web.StreamResponse:
    """The process lives; nothing else is asked."""
    return json_answer(Alive())


async def readyz(request: web.Request) -> web.StreamResponse:
    """It can publish and hand over: 200, else 503."""
    parts = dict(await hub(request).readiness())
    ready = all(parts.get(part) == "ok" for part in DECISIVE)
    return json_answer(Readiness(ready=ready, parts=parts), status=200 if ready else 503)


async def metrics(request: web.Request) -> web.StreamResponse:
    """Prometheus' text format."""
    return web.Response(body=hub(request).metrics.render(), headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"})


async def problem_type(request: web.Request) -> web.StreamResponse:
    """What the `type` of a problem leads to."""
    kind = problem_kinds(hub(request).public_url).get(request.match_info["slug"])
    if kind is None:
        raise NotFound("There is no such problem.")
    return public_answer(request, msgspec.json.encode(kind), "application/json", max_age=3600)
