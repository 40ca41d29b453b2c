"""The front page: what is going on now, where, and the way to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.clock import milliseconds
from hub.web.cards import card
from hub.web.language import words
from hub.web.pages import public_page

if TYPE_CHECKING:
    from hub.web.context import PublicContext
    from hub.web.pages import Pages, Place

MINUTE_S = 60


async def home(context: PublicContext, pages: Pages, place: Place) -> tuple[bytes, float]:
    """``GET /``, and until when it is true: it says the minute at which it was made."""
    now = context.clock()
    live = await context.alerts.live(milliseconds(context.clock))
    said = words(place.language)
    cards = [card(alert, said, now, city_name=context.settings.city_name) for alert in live]
    real, unreal = [one for one in cards if not one.mark], [one for one in cards if one.mark]
    clock, hour = said.phrases.time(now), said.phrases.hour(now)
    text = public_page(pages, context, place, "home.html", real=real, unreal=unreal, now=now, clock=clock, hour=hour)
    return text, min([now - now % MINUTE_S + MINUTE_S, *(one.expires_at for one in cards)])
