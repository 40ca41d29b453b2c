"""A geocoder on loopback that answers as Nominatim's search does (nominatim.org/release-docs/latest/api/Search)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from aiohttp.test_utils import TestServer


class Nominatim:
    """Knows some addresses; `broken` makes it answer with that instead, `asked` keeps each question."""

    def __init__(self, known: Mapping[str, tuple[float, float]]) -> None:
        self.known = dict(known)
        self.asked: list[dict[str, str]] = []
        self.agents: list[str] = []
        self.broken: web.Response | None = None
        self.url = ""

    async def search(self, request: web.Request) -> web.Response:
        """``GET /search``: a list, empty when there is no such address."""
        self.asked.append(dict(request.query))
        self.agents.append(request.headers["User-Agent"])
        if self.broken is not None:
            return self.broken
        point = self.known.get(request.query["q"])
        found = [{"place_id": 1, "lat": str(point[0]), "lon": str(point[1]), "display_name": "found"}] if point else []
        return web.json_response(found)


@asynccontextmanager
async def nominatim(known: Mapping[str, tuple[float, float]]) -> AsyncIterator[Nominatim]:
    """It listens at `url` until the block ends."""
    peer = Nominatim(known)
    application = web.Application()
    application.router.add_get("/geo/search", peer.search)
    async with TestServer(application, host="127.0.0.1") as server:
        peer.url = str(server.make_url("/geo"))
        yield peer
