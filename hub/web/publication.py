"""The public documents, whatever brings the question: the same finished bytes for a browser, a feed reader and a copy on a disk.

Nothing here knows a visitor. A page depends on its address and its language, open data on its address alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qsl, urlencode

import msgspec
from aiohttp import web

from hub.errors import HubError, NotFound
from hub.feeds import selection
from hub.web import open_data
from hub.web.assets import asset_headers, assets
from hub.web.context import HubContext, PublicContext
from hub.web.language import PAGE_LANGUAGES, accepted_language, split_address
from hub.web.pages import Here, Pages, Place
from hub.web.ready import OF_THE_BODY, Document, Ready, Shelf, finish
from hub.web.residents.alert import alert_page
from hub.web.residents.home import home
from hub.web.security import OPEN, OURS, security_headers

Kind = Literal["home", "alert", "cap", "atom", "rss", "json", "geojson", "alerts", "asset"]

PAGE_CACHE = "public, max-age=0, s-maxage=5, stale-if-error=600"
"""A browser asks each time, since a page of alerts may not be old; a cache that many share asks every five seconds."""
LIST_CACHE = "public, max-age=10, stale-if-error=600"
DOCUMENT_CACHE = "public, max-age=60, stale-if-error=86400"

FEEDS: dict[str, Kind] = {
    "/feeds/alerts.atom": "atom",
    "/feeds/alerts.rss": "rss",
    "/feeds/alerts.json": "json",
    "/feeds/alerts.geojson": "geojson",
}
LISTS: dict[str, Kind] = {**FEEDS, "/api/v1/public/alerts": "alerts"}

_ALERT = re.compile(r"/alerts/([\w-]{1,64})")
_CAP = re.compile(r"/feeds/cap/([\w-]{1,64})\.xml")
_ASSET = re.compile(r"/assets/([\w./-]{1,64})")
_PLAIN_QUERY = re.compile(r"[\w.,=&-]{0,200}", re.ASCII)


class Asked(msgspec.Struct, frozen=True):
    """One public document: which, narrowed how (in the one spelling of that query), in which language."""

    kind: Kind
    name: str = ""
    """Of an asset, or the id of an alert."""
    query: str = ""
    language: str = ""
    """Of a page; open data has no language but that of its query."""
    chosen: bool = False
    """The language was chosen by hand, so links keep it."""
    prefixed: bool = False
    """It was chosen by the address, ``/es/``, and so are those of the links."""

    @property
    def path(self) -> str:
        """The address without its query."""
        fixed = {
            "home": "/",
            "alert": f"/alerts/{self.name}",
            "cap": f"/feeds/cap/{self.name}.xml",
            "asset": f"/assets/{self.name}",
        }
        return fixed.get(self.kind) or next(path for path, kind in LISTS.items() if kind == self.kind)

    @property
    def exact(self) -> bool:
        """It names a point or a box: nobody else asks the same, and where somebody is should not be kept."""
        return any(f"{name}=" in self.query for name in ("lat", "lon", "bbox"))


class Publication:
    """Makes public documents and keeps them ready."""

    def __init__(self, context: HubContext, pages: Pages) -> None:
        self._maker = Maker(context, pages, context.clock())
        self._catalog = context.catalog
        self.always = {"Server": "Tocsin", **security_headers(context)}
        self._shelf: Shelf[Asked] = Shelf(self._maker.document, self.always, lambda: context.news.version, context.clock)
        self._assets: dict[Asked, Ready] = {}
        self.read = lru_cache(maxsize=4096)(self._read)

    def peek(self, asked: Asked) -> Ready | None:
        """What is finished and still holds. The assets never change while the process lives."""
        return self._assets.get(asked) if asked.kind == "asset" else self._shelf.peek(asked)

    async def get(self, asked: Asked) -> Ready:
        """The finished document. Raises NotFound, InvalidInput."""
        if asked.kind == "asset":
            if asked not in self._assets:
                self._assets[asked] = finish(_asset(asked), self.always)
            return self._assets[asked]
        if asked.exact:
            return finish(await self._maker.document(asked), self.always)
        return await self._shelf.get(asked)

    def _read(self, target: str, accept_language: str) -> Asked | None:
        """What a request line asks for, if it is a public document in plain spelling; None leaves it to the routes."""
        path, _, query = target.partition("?")
        if not _PLAIN_QUERY.fullmatch(query):
            return None
        if path in LISTS:
            return self._list(LISTS[path], query)
        if (cap := _CAP.fullmatch(path)) is not None:
            return Asked("cap", cap[1]) if not query else None
        if (asset := _ASSET.fullmatch(path)) is not None:
            return asset_asked(asset[1], dict(parse_qsl(query)).get("v", ""))
        return self._read_page(path, query, accept_language)

    def _read_page(self, address: str, query: str, accept_language: str) -> Asked | None:
        prefix, path = split_address(address)
        alert, by_hand = _ALERT.fullmatch(path), query.removeprefix("lang=") if query else None
        if (path != "/" and alert is None) or (query and (prefix or by_hand not in PAGE_LANGUAGES or query != f"lang={by_hand}")):
            return None
        chosen = prefix or by_hand
        return Asked(
            "alert" if alert else "home",
            alert[1] if alert else "",
            language=chosen or accepted_language(accept_language),
            chosen=chosen is not None,
            prefixed=prefix is not None,
        )

    def _list(self, kind: Kind, query: str) -> Asked | None:
        pairs = parse_qsl(query, keep_blank_values=True)
        if len({name for name, _ in pairs}) != len(pairs):
            return None
        try:
            return self.listed(kind, dict(pairs))
        except HubError:
            return None  # refused in full by the route itself

    def listed(self, kind: Kind, query: Mapping[str, str]) -> Asked:
        """A list narrowed by these parameters. Raises InvalidInput."""
        if kind == "alerts":
            open_data.read_question(query, self._catalog)
            return Asked(kind, query=urlencode(sorted(query.items())))
        return Asked(kind, query=selection.read_selection(query, self._catalog).query)


class Maker:
    """Makes the documents anew, each time it is asked. `started`: seconds since 1970, what a feed without news says it was updated at."""

    def __init__(self, context: PublicContext, pages: Pages, started: float) -> None:
        self._context, self._pages, self._started = context, pages, started

    async def document(self, asked: Asked) -> Document:
        """Raises NotFound, InvalidInput."""
        if asked.kind in {"home", "alert"}:
            return await self._page(asked)
        content_type, cache, (body, good_until) = await self._open(asked)
        headers = {"Content-Type": content_type, "Cache-Control": cache, "Vary": "Accept-Encoding", **OPEN}
        return Document(body=body, headers=headers, good_until=good_until)

    async def _page(self, asked: Asked) -> Document:
        place = Here(asked.language, asked.path, chosen=asked.language if asked.chosen else None, prefixed=asked.prefixed)
        body, good_until = await self.page(asked, place)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Language": asked.language,
            "Cache-Control": PAGE_CACHE,
            "Vary": "Accept-Encoding" if asked.chosen else "Accept-Encoding, Accept-Language",
            **OURS,
        }
        return Document(body=body, headers=headers, good_until=good_until)

    async def page(self, asked: Asked, place: Place) -> tuple[bytes, float]:
        """A page as it is read at `place`, and until when it is true."""
        if asked.kind == "home":
            return await home(self._context, self._pages, place)
        return await alert_page(self._context, self._pages, place, asked.name)

    async def _open(self, asked: Asked) -> tuple[str, str, tuple[bytes, float]]:
        context, query = self._context, dict(parse_qsl(asked.query, keep_blank_values=True))
        if asked.kind == "cap":
            return open_data.CAP, DOCUMENT_CACHE, await open_data.cap(context, asked.name)
        if asked.kind == "alerts":
            return open_data.JSON, LIST_CACHE, await open_data.alerts(context, query)
        return open_data.TYPES[asked.kind], LIST_CACHE, await open_data.feed(context, asked.kind, query, self._started)


def asset_asked(name: str, version: str) -> Asked:
    """A file of ``templates/assets``: in its own version, or in whichever one."""
    known = assets().get(name)
    return Asked("asset", name, version if known is not None and version == known.version else "")


def _asset(asked: Asked) -> Document:
    if asked.name not in assets():
        raise NotFound("There is no such file.")
    return Document(body=assets()[asked.name].body, headers=asset_headers(asked.name, asked.query) | OURS)


PUBLICATION: web.AppKey[Publication] = web.AppKey("publication", Publication)


async def answer(request: web.Request, asked: Asked) -> web.Response:
    """The finished document as aiohttp's answer: packed when that can be read, 304 when it is known. Raises NotFound, InvalidInput."""
    ready = await request.app[PUBLICATION].get(asked)
    variant = ready.variant(request.headers.get("Accept-Encoding", ""))
    if ready.knows(request.headers.get("If-None-Match", "")):
        return web.Response(status=304, headers={name: value for name, value in variant.headers.items() if name not in OF_THE_BODY})
    return web.Response(body=variant.body, headers=variant.headers)
