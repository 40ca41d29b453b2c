"""The front page: what is going on now, where, and the way to be told."""

from __future__ import annotations

from aiohttp import web

from hub.clock import milliseconds
from hub.web.cards import card
from hub.web.context import hub
from hub.web.language import page_language, words
from hub.web.pages import render
from hub.web.when import clock_time


async def home(request: web.Request) -> web.StreamResponse:
    """``GET /``."""
    context, language = hub(request), page_language(request)
    live = await context.alerts.live(milliseconds(context.clock))
    now = context.clock()
    cards = [card(alert, words(language), now, city_name=context.settings.city_name) for alert in live]
    real, unreal = [one for one in cards if not one.mark], [one for one in cards if one.mark]
    return render(request, "home.html", public=True, real=real, unreal=unreal, now=now, clock=clock_time(now, language))
