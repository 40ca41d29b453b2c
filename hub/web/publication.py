"""The public documents, whatever brings the question: the same finished bytes for a browser, a feed reader and a copy on a disk.

Nothing here knows a visitor. A page depends on its address and its language, open data on its address alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
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
from hub.web.ready import FOREVER, OF_THE_BODY, Document, Ready, Shelf, finish
from hub.web.residents import app, filters
from hub.web.residents.alert import alert_page
from hub.web.residents.home import home
from hub.web.residents.picture import picture
from hub.web.security import OPEN, OURS, security_headers

Kind = Literal["home", "alert", "cap", "atom", "rss", "json", "geojson", "alerts", "picture", "offline", "worker", "manifest", "asset"]

PAGE_CACHE = "public, max-age=0, s-maxage=5, stale-if-error=600"
"""A browser asks each time, since a page of alerts may not be old; a cache that many share asks every five seconds."""
LIST_CACHE = "public, max-age=10, stale-if-error=600"
DOCUMENT_CACHE = "public, max-age=60, stale-if-error=86400"
READ_BEFORE = 4096
"""Request lines whose meaning is at hand."""

FEEDS: dict[str, Kind] = {
    "/feeds/alerts.atom": "atom",
    "/feeds/alerts.rss": "rss",
    "/feeds/alerts.json": "json",
    "/feeds/alerts.geojson": "geojson",
}
PAGES_OF_ALL: dict[str, Kind] = {"/": "home", "/offline": "offline"}
APP: dict[str, Kind] = {"/sw.js": "worker", "/manifest.webmanifest": "manifest"}
"""Both lie at the top, to be in charge of all pages."""
LISTS: dict[str, Kind] = {**FEEDS, "/api/v1/public/alerts": "alerts"}

_ALERT = re.compile(r"/alerts/([\w-]{1,64})")
_CAP = re.compile(r"/feeds/cap/([\w-]{1,64})\.xml")
_PICTURE = re.compile(r"/pictures/([\w-]{1,64})\.svg")
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
            "offline": "/offline",
            "worker": "/sw.js",
            "manifest": "/manifest.webmanifest",
            "picture": f"/pictures/{self.name}.svg",
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
        self._read_before: dict[tuple[str, str], Asked] = {}

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

    def read(self, target: str, accept_language: str) -> Asked | None:
        """What a request line asks for, if it is a public document in plain spelling; None leaves it to the routes.

        A line that names a point is not remembered, and none that is left to the routes: it may hold somebody's token.
        """
        line = (target, accept_language)
        asked = self._read_before.get(line)
        if asked is None:
            asked = self._read(target, accept_language)
            if asked is not None and not asked.exact:
                if len(self._read_before) >= READ_BEFORE:
                    self._read_before.clear()
                self._read_before[line] = asked
        return asked

    def _read(self, target: str, accept_language: str) -> Asked | None:
        path, _, query = target.partition("?")
        if not _PLAIN_QUERY.fullmatch(query):
            return None
        if path in LISTS:
            return self._list(LISTS[path], query)
        if not query and (alone := _alone(path)) is not None:
            return alone
        if (asset := _ASSET.fullmatch(path)) is not None:
            return asset_asked(asset[1], dict(parse_qsl(query)).get("v", ""))
        prefix, path = split_address(path)
        alert = _ALERT.fullmatch(path)
        kind: Kind | None = "alert" if alert else PAGES_OF_ALL.get(path)
        return self._page(kind, prefix, alert[1] if alert else "", query, accept_language) if kind else None

    def _page(self, kind: Kind, prefix: str | None, alert: str, query: str, accept_language: str) -> Asked | None:
        """A page that is the same for all who read its language; the front page may be narrowed."""
        given = _pairs(query)
        if given is None or not given.keys() <= ({"lang"} if not prefix else set()) | (set(filters.NAMES) if kind == "home" else set()):
            return None
        by_hand = given.get("lang")
        if by_hand is not None and by_hand not in PAGE_LANGUAGES:
            return None
        try:
            narrowed = filters.read_filter(given, self._catalog).query
        except filters.NoSuchPlace:
            return None  # said in full by the route itself
        chosen = prefix or by_hand
        language = chosen or accepted_language(accept_language)
        return Asked(kind, alert, narrowed, language, chosen=chosen is not None, prefixed=prefix is not None)

    def _list(self, kind: Kind, query: str) -> Asked | None:
        given = _pairs(query)
        if given is None or not given.keys() <= set(open_data.PARAMETERS if kind == "alerts" else selection.NAMES):
            return None
        try:
            return self.listed(kind, given)
        except HubError:
            return None  # refused in full by the route itself

    def listed(self, kind: Kind, query: Mapping[str, str]) -> Asked:
        """A list narrowed by these parameters. Raises InvalidInput."""
        if kind == "alerts":
            open_data.read_question(query, self._catalog)
            return Asked(kind, query=urlencode(sorted(query.items())))
        return Asked(kind, query=selection.read_selection(query, self._catalog).query)


def _alone(path: str) -> Asked | None:
    """What has neither a language nor a query."""
    if path in APP:
        return Asked(APP[path])
    named: tuple[tuple[Kind, re.Pattern[str]], ...] = (("cap", _CAP), ("picture", _PICTURE))
    return next((Asked(kind, found[1]) for kind, pattern in named if (found := pattern.fullmatch(path)) is not None), None)


def _pairs(query: str) -> dict[str, str] | None:
    """Name → value; None when a name is given twice."""
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    return given if len(given) == len(pairs) else None


class Maker:
    """Makes the documents anew, each time it is asked. `started`: seconds since 1970, what a feed without news says it was updated at."""

    def __init__(self, context: PublicContext, pages: Pages, started: float) -> None:
        self._context, self._pages, self._started = context, pages, started

    async def document(self, asked: Asked) -> Document:
        """Raises NotFound, InvalidInput."""
        match asked.kind:
            case "home" | "alert" | "offline":
                return await self._page(asked)
            case "picture":
                return await self._picture(asked.name)
            case "worker":  # never from a cache: a fault in it must be mended at once
                return Document(body=assets()["sw.js"].body, headers=_file("text/javascript; charset=utf-8", "no-cache"))
            case "manifest":
                return Document(body=app.manifest(self._context.settings), headers=_file("application/manifest+json", LIST_CACHE))
        content_type, cache, (body, good_until) = await self._open(asked)
        headers = {"Content-Type": content_type, "Cache-Control": cache, "Vary": "Accept-Encoding", **OPEN}
        return Document(body=body, headers=headers, good_until=good_until)

    async def _page(self, asked: Asked) -> Document:
        place = Here(
            asked.language,
            asked.path,
            chosen=asked.language if asked.chosen else None,
            query=dict(parse_qsl(asked.query)),
            prefixed=asked.prefixed,
        )
        body, good_until = await self.page(asked, place)
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Content-Language": asked.language,
            "Cache-Control": PAGE_CACHE,
            "Vary": "Accept-Encoding" if asked.chosen else "Accept-Encoding, Accept-Language",
            **OURS,
        }
        return Document(body=body, headers=headers, good_until=good_until)

    async def _picture(self, alert_id: str) -> Document:
        stored = await self._context.alerts.get(alert_id)
        if stored is None or not stored.was_public:
            raise NotFound("There is no such alert.")
        drawn = await asyncio.to_thread(picture, stored, self._context.catalog)
        return Document(body=drawn, headers=_file("image/svg+xml", DOCUMENT_CACHE))

    async def page(self, asked: Asked, place: Place) -> tuple[bytes, float]:
        """A page as it is read at `place`, and until when it is true."""
        if asked.kind == "offline":
            return app.offline(self._context, self._pages, place), FOREVER
        if asked.kind == "home":
            wanted = filters.read_filter(dict(parse_qsl(asked.query)), self._context.catalog)
            return await home(self._context, self._pages, place, wanted)
        return await alert_page(self._context, self._pages, place, asked.name)

    async def _open(self, asked: Asked) -> tuple[str, str, tuple[bytes, float]]:
        context, query = self._context, dict(parse_qsl(asked.query, keep_blank_values=True))
        if asked.kind == "cap":
            return open_data.CAP, DOCUMENT_CACHE, await open_data.cap(context, asked.name)
        if asked.kind == "alerts":
            return open_data.JSON, LIST_CACHE, await open_data.alerts(context, query)
        return open_data.TYPES[asked.kind], LIST_CACHE, await open_data.feed(context, asked.kind, query, self._started)


def _file(content_type: str, cache: str) -> dict[str, str]:
    return {"Content-Type": content_type, "Cache-Control": cache, "Vary": "Accept-Encoding", **OURS}


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
