"""The city's areas for programs and our own maps: found by name, and drawn layer by layer."""

from __future__ import annotations

import asyncio
import functools
import gzip
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from hub.errors import NotFound
from hub.web.api.exchange import bad_parameter, public_answer, query
from hub.web.context import hub

if TYPE_CHECKING:
    from subscriptions.areas import Area

SEARCH_CHARACTERS = 80
SEARCH_SECONDS = 3600
LAYER_SECONDS = 86_400


class FoundArea(msgspec.Struct, frozen=True, kw_only=True):
    """One area; `layer` and `name` are what a sign-up says, as ``{"zip": "11201"}``."""

    key: str
    layer: str
    id: str
    name: str
    borough: str | None
    population: int | None


class FoundAreas(msgspec.Struct, frozen=True):
    """Best first."""

    areas: tuple[FoundArea, ...]
    near: tuple[FoundArea, ...] = ()
    """When none holds the text: what may have been meant."""


async def search_areas(request: web.Request) -> web.StreamResponse:
    """ZIPs, neighborhoods and boroughs whose names hold the text."""
    text = query(request, "q").get("q", "").strip()
    if not 1 <= len(text) <= SEARCH_CHARACTERS:
        raise bad_parameter("q", f"say what to look for in up to {SEARCH_CHARACTERS} characters, as in ?q=Astoria")
    catalog = hub(request).catalog
    found = catalog.search(text)
    answer = FoundAreas(_shown(found), _shown([] if found else catalog.near(text)))
    return public_answer(request, msgspec.json.encode(answer), "application/json", max_age=SEARCH_SECONDS)


def _shown(areas: list[Area]) -> tuple[FoundArea, ...]:
    return tuple(
        FoundArea(key=area.key, layer=area.layer, id=area.id, name=area.name, borough=area.borough, population=area.population)
        for area in areas
    )


async def area_layer(request: web.Request) -> web.StreamResponse:
    """All areas of a layer as GeoJSON, simplified for maps."""
    query(request)
    catalog, layer = hub(request).catalog, request.match_info["layer"]
    if layer not in catalog.layers:
        raise NotFound(f"This city has no such layer. It has {', '.join(catalog.layers)}.")
    # Drawn once and kept; the first time takes long enough to be in others' way.
    body = await asyncio.to_thread(catalog.geojson, layer)
    response = public_answer(request, body, "application/geo+json", max_age=LAYER_SECONDS)
    if response.status == 200 and "gzip" in request.headers.get("Accept-Encoding", ""):
        response.body = await asyncio.to_thread(_packed, body)
        response.headers["Content-Encoding"] = "gzip"
    return response


@functools.lru_cache(maxsize=32)
def _packed(body: bytes) -> bytes:
    """Kept as well: a map is asked for by every visitor at the same moment."""
    return gzip.compress(body, 9, mtime=0)
