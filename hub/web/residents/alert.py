"""One alert with everything that was said before and after it, and the short link that leads to it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from markupsafe import Markup

from hub.errors import NotFound
from hub.web.cards import card
from hub.web.context import hub
from hub.web.language import Words, words
from hub.web.pages import public_page
from hub.web.when import local

if TYPE_CHECKING:
    from hub.alerts.store import StoredAlert
    from hub.web.cards import Card
    from hub.web.context import PublicContext
    from hub.web.pages import Pages, Place

VIDEOS_S = 1.0


class Entry(msgspec.Struct, frozen=True):
    """One line of the history."""

    id: str
    path: str
    what: str
    when: str
    headline: str
    lang: Markup
    """As of a `Card`."""


async def alert_page(context: PublicContext, pages: Pages, place: Place, alert_id: str) -> tuple[bytes, float]:
    """``GET /alerts/{id}``, and until when it is true. Raises NotFound."""
    said = words(place.language)
    stored = await context.alerts.get(alert_id)
    if stored is None or not stored.was_public:
        raise NotFound("There is no such alert.")
    now, city = context.clock(), context.settings.city_name
    chain = [one for one in await context.alerts.chain(stored.chain) if one.was_public]
    shown = card(stored, said, now, city_name=city)
    latest = chain[-1] if chain and chain[-1].number > stored.number else None
    incident = stored.document.incident
    videos = await context.incidents.public_videos(incident) if incident and not shown.over else ()
    text = public_page(
        pages,
        context,
        place,
        "alert.html",
        card=shown,
        agency=stored.agency,
        newer=card(latest, said, now, city_name=city) if latest else None,
        history=[_entry(one, said, now, city) for one in reversed(chain)],
        videos=[place.file(f"/v/{video}") for video in videos],
    )
    return text, _good_until(shown, now, videos=incident is not None)


def _good_until(shown: Card, now: float, *, videos: bool) -> float:
    """Until its words for days no longer fit, or it is over; what an owner may withdraw on another node is asked about each second (V3)."""
    tomorrow = (local(now) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    if shown.over:
        return tomorrow
    return min(tomorrow, shown.expires_at, now + VIDEOS_S if videos else tomorrow)


def _entry(stored: StoredAlert, said: Words, now: float, city_name: str) -> Entry:
    kinds = {"Alert": said.text("First alert"), "Update": said.text("Update"), "Cancel": said.text("Called off")}
    shown = card(stored, said, now, city_name=city_name)
    moment = (stored.live_at or stored.sent_at) / 1000
    return Entry(stored.id, shown.path, kinds[stored.document.msgType], said.phrases.moment(moment, now), shown.headline, shown.lang)


async def short_link(request: web.Request) -> web.StreamResponse:
    """``GET /a/{short}``: the number of an alert in base 36, as text messages carry it."""
    try:
        number = int(request.match_info["short"], 36)
    except ValueError:
        raise NotFound("There is no such alert.") from None
    stored = await hub(request).alerts.by_number(number) if number < 1 << 62 else None
    if stored is None or not stored.was_public:
        raise NotFound("There is no such alert.")
    raise web.HTTPFound(f"/alerts/{stored.id}")
