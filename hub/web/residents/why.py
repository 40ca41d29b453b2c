"""Why a message came (safeguard S26): places by ZIP or name, topics and a month; never an address, a label or a point."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.web.context import hub
from hub.web.language import Words, letter_language, words
from hub.web.pages import render
from hub.web.residents.choices import topics_sentence
from hub.web.residents.confirm import too_old
from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.views import WhyView

WAYS = {
    "web": "On this site",
    "api": "Through another site or app",
    "sms": "By text message",
    "telegram": "In Telegram",
    "import": "Brought over from another alert service",
    "other": "",
}
"""Where somebody agreed → how the page says it."""


class Reason(msgspec.Struct, frozen=True):
    """The answer in words. `places` is empty for a letter about the subscription itself."""

    places: str
    topics: str
    asked: str
    since: str


def reason(view: WhyView, said: Words, city: str) -> Reason:
    """The view as sentences."""
    year, month = (int(part) for part in view.since.split("-"))
    if view.about == "subscription":
        places = ""
    elif view.citywide:
        places = said.text("All of %(city)s", city=city)
    else:
        places = said.phrases.places(view.places, 12) if view.places else said.text("A place that was followed when it was sent")
    asked = WAYS[view.asked]
    return Reason(places, topics_sentence(said, view.topics), said.text(asked) if asked else "", said.phrases.month(year, month))


async def why_page(request: web.Request) -> web.StreamResponse:
    """``GET /why/{token}``."""
    try:
        view = await hub(request).enrolment.why(request.match_info["token"])
    except LinkExpired:
        return render(request, "why.html", reason=None)
    except LinkInvalid:
        return too_old(request)
    language = letter_language(request, view.language)
    said = words(language)
    city = said.phrases.gettext(hub(request).settings.city_name)
    return render(request, "why.html", language=language, reason=reason(view, said, city))
