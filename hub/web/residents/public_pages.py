"""Pages that are the same for everyone, as routes."""

from __future__ import annotations

from aiohttp import web

from hub.web.language import chosen_language, page_language
from hub.web.publication import Asked, answer, asset_asked


async def home_page(request: web.Request) -> web.StreamResponse:
    """``GET /``."""
    return await answer(request, Asked("home", language=page_language(request), chosen=chosen_language(request) is not None))


async def alert_page(request: web.Request) -> web.StreamResponse:
    """``GET /alerts/{id}``."""
    alert, chosen = request.match_info["id"], chosen_language(request) is not None
    return await answer(request, Asked("alert", alert, language=page_language(request), chosen=chosen))


async def asset(request: web.Request) -> web.StreamResponse:
    """``GET /assets/{name}``."""
    return await answer(request, asset_asked(request.match_info["name"], request.query.get("v", "")))
