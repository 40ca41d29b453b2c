"""The city's areas for programs and our own maps: found by name, and drawn layer by layer."""

from __future__ import annotations

import asyncio
import functools
import gzip

import msgspec
from aiohttp import web

from hub.errors import NotFound
from hub.web.api.exchange import bad_parameter, public_answer, query
from hub.web.context import hub

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


async def search_areas(request: web.Request) -> web.StreamResponse:
    """ZIPs, neighborhoods and boroughs whose names hold the text."""
    text = query(request, "q").get("q", "").strip()
    if not 1 <= len(text) <= SEARCH_CHARACTERS:
        raise bad_parameter("q", f"say what to look for in up to {SEARCH_CHARACTERS} characters, as in ?q=Astoria")
    found = tuple(
        FoundArea(key=area.key, layer=area.layer, id=area.id, name=area.name, borough=area.borough, population=area.population)
        for area in hub(request).catalog.search(text)
    )
    return public_answer(request, msgspec.json.encode(FoundAreas(found)), "application/json", max_age=SEARCH_SECONDS)


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
