"""One alert with everything that was said before and after it, and the short link that leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from hub.errors import NotFound
from hub.web.cards import card
from hub.web.context import hub
from hub.web.language import Words, page_language, words
from hub.web.pages import render

if TYPE_CHECKING:
    from hub.alerts.store import StoredAlert

SHOWN = frozenset({"live", "ended", "stopped"})
"""Statuses of which the public may know; what never went out is nobody's business yet."""


class Entry(msgspec.Struct, frozen=True):
    """One line of the history."""

    id: str
    path: str
    what: str
    when: str
    headline: str


async def alert_page(request: web.Request) -> web.StreamResponse:
    """``GET /alerts/{id}``."""
    context, said = hub(request), words(page_language(request))
    stored = await context.alerts.get(request.match_info["id"])
    if stored is None or not was_public(stored):
        raise NotFound("There is no such alert.")
    now, city = context.clock(), context.settings.city_name
    chain = [one for one in await context.alerts.chain(stored.chain) if was_public(one)]
    shown = card(stored, said, now, city_name=city)
    latest = chain[-1] if chain and chain[-1].number > stored.number else None
    incident = stored.document.incident
    videos = await context.incidents.public_videos(incident) if incident and not shown.over else ()
    return render(
        request,
        "alert.html",
        public=True,
        card=shown,
        agency=stored.agency,
        newer=card(latest, said, now, city_name=city) if latest else None,
        history=[_entry(one, said, now, city) for one in reversed(chain)],
        videos=[f"/v/{video}" for video in videos],
    )


def was_public(stored: StoredAlert) -> bool:
    """Whether it ever went out. What was archived as expired was public where it came from."""
    return stored.status in SHOWN and (stored.live_at is not None or stored.source == "cap")


def _entry(stored: StoredAlert, said: Words, now: float, city_name: str) -> Entry:
    kinds = {"Alert": said.text("First alert"), "Update": said.text("Update"), "Cancel": said.text("Called off")}
    shown = card(stored, said, now, city_name=city_name)
    moment = (stored.live_at or stored.sent_at) / 1000
    return Entry(stored.id, shown.path, kinds[stored.document.msgType], said.phrases.moment(moment, now), shown.headline)


async def short_link(request: web.Request) -> web.StreamResponse:
    """``GET /a/{short}``: the number of an alert in base 36, as text messages carry it."""
    try:
        number = int(request.match_info["short"], 36)
    except ValueError:
        raise NotFound("There is no such alert.") from None
    stored = await hub(request).alerts.by_number(number) if number < 1 << 62 else None
    if stored is None or not was_public(stored):
        raise NotFound("There is no such alert.")
    raise web.HTTPFound(f"/alerts/{stored.id}")
