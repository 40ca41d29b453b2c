"""Pages that are the same for everyone, as routes."""

from __future__ import annotations

from aiohttp import web

from hub.web.language import chosen_language, page_language, split_address
from hub.web.publication import Asked, Kind, answer, asset_asked


async def home_page(request: web.Request) -> web.StreamResponse:
    """``GET /``."""
    return await answer(request, _asked(request, "home", ""))


async def language_home(request: web.Request) -> web.StreamResponse:
    """``GET /es``: the front page in Spanish has a slash at its end, so that links on it can be relative to it."""
    raise web.HTTPMovedPermanently(f"{request.path}/")


async def alert_page(request: web.Request) -> web.StreamResponse:
    """``GET /alerts/{id}``."""
    return await answer(request, _asked(request, "alert", request.match_info["id"]))


def _asked(request: web.Request, kind: Kind, name: str) -> Asked:
    chosen, prefixed = chosen_language(request) is not None, split_address(request.path)[0] is not None
    return Asked(kind, name, language=page_language(request), chosen=chosen, prefixed=prefixed)


async def asset(request: web.Request) -> web.StreamResponse:
    """``GET /assets/{name}``."""
    return await answer(request, asset_asked(request.match_info["name"], request.query.get("v", "")))
