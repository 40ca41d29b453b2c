"""Why a message came (safeguard S26): places by ZIP or name, topics and a month; never an address, a label or a point."""

from __future__ import annotations

import msgspec
from aiohttp import web

from hub.web.context import hub
from hub.web.language import Words, letter_language, page_language, words
from hub.web.pages import render
from hub.web.residents.choices import topics_sentence
from hub.web.residents.confirm import too_old
from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.views import WhyView


class Reason(msgspec.Struct, frozen=True):
    """The answer in words."""

    places: str
    topics: str
    since: str


def reason(view: WhyView, said: Words) -> Reason:
    """The view as sentences."""
    year, month = (int(part) for part in view.since.split("-"))
    places = said.phrases.places(view.places, 12) if view.places else said.text("A place that was followed when it was sent")
    return Reason(places, topics_sentence(said, view.topics), said.phrases.month(year, month))


async def why_page(request: web.Request) -> web.StreamResponse:
    """``GET /why/{token}``."""
    try:
        view = await hub(request).enrolment.why(request.match_info["token"])
    except LinkExpired:
        return render(request, "why.html", reason=None)
    except LinkInvalid:
        raise too_old(words(page_language(request))) from None
    language = letter_language(request, view.language)
    return render(request, "why.html", language=language, reason=reason(view, words(language)))
