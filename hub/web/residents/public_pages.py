"""Pages that are the same for everyone, as routes."""

from __future__ import annotations

from aiohttp import web

from hub.web.context import hub
from hub.web.language import chosen_language, page_language, split_address
from hub.web.pages import PAGES, Here
from hub.web.publication import Asked, Kind, answer, asset_asked
from hub.web.residents.filters import NoSuchPlace, read_filter
from hub.web.residents.home import NOTHING, home


async def home_page(request: web.Request) -> web.StreamResponse:
    """``GET /?place=&topic=&language=``."""
    try:
        wanted = read_filter(request.query, hub(request).catalog)
    except NoSuchPlace as unknown:
        return await _no_such_place(request, unknown)
    return await answer(request, _asked(request, "home", "", wanted.query))


async def _no_such_place(request: web.Request, unknown: NoSuchPlace) -> web.Response:
    """The whole list, and what to type instead. It holds a visitor's words, so it is kept nowhere."""
    prefix = split_address(request.path)[0]
    place = Here(page_language(request), "/", chosen=chosen_language(request), prefixed=prefix is not None)
    body, _ = await home(hub(request), request.app[PAGES], place, NOTHING, unknown)
    headers = {"Cache-Control": "no-store", "Content-Language": place.language}
    return web.Response(body=body, status=422, content_type="text/html", charset="utf-8", headers=headers)


async def language_home(request: web.Request) -> web.StreamResponse:
    """``GET /es``: the front page in Spanish has a slash at its end, so that links on it can be relative to it."""
    raise web.HTTPMovedPermanently(f"{request.path}/")


async def alert_page(request: web.Request) -> web.StreamResponse:
    """``GET /alerts/{id}``."""
    return await answer(request, _asked(request, "alert", request.match_info["id"]))


def _asked(request: web.Request, kind: Kind, name: str, query: str = "") -> Asked:
    chosen, prefixed = chosen_language(request) is not None, split_address(request.path)[0] is not None
    return Asked(kind, name, query, language=page_language(request), chosen=chosen, prefixed=prefixed)


async def offline_page(request: web.Request) -> web.StreamResponse:
    """``GET /offline``."""
    return await answer(request, _asked(request, "offline", ""))


async def service_worker(request: web.Request) -> web.StreamResponse:
    """``GET /sw.js``."""
    return await answer(request, Asked("worker"))


async def manifest(request: web.Request) -> web.StreamResponse:
    """``GET /manifest.webmanifest``."""
    return await answer(request, Asked("manifest"))


async def picture(request: web.Request) -> web.StreamResponse:
    """``GET /pictures/{id}.svg``."""
    return await answer(request, Asked("picture", request.match_info["id"]))


async def asset(request: web.Request) -> web.StreamResponse:
    """``GET /assets/{name}``."""
    return await answer(request, asset_asked(request.match_info["name"], request.query.get("v", "")))
