"""How far each language has got, for whoever looks for translators and for speakers to check."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.languages.coverage import DOMAINS, coverage
from hub.web.console.staff import actor_of, page
from subscriptions.languages import LANGUAGES


class Line(msgspec.Struct, frozen=True):
    """One language: its tag, its own name, and for each domain how many strings there are, were written here, and were checked."""

    tag: str
    name: str
    cells: tuple[tuple[int, int, int], ...]


async def languages_page(request: web.Request) -> web.StreamResponse:
    """``GET /console/languages``."""
    actor_of(request).require("read")
    cells: dict[str, list[tuple[int, int, int]]] = {}
    for one in coverage():
        cells.setdefault(one.language, []).append((one.strings, one.written, one.checked))
    lines = [Line(tag, LANGUAGES[tag], tuple(found)) for tag, found in cells.items()]
    return page(request, "console_languages.html", lines=lines, domains=list(DOMAINS.values()))
