"""Stopping by the link in a message. A GET never stops anything; a POST does, with or without a cookie, again and again (RFC 8058)."""

from __future__ import annotations

from aiohttp import web

from hub.web.context import hub
from hub.web.language import letter_language
from hub.web.pages import render
from hub.web.residents.confirm import too_old
from subscriptions.errors import LinkExpired, LinkInvalid


async def unsubscribe_page(request: web.Request) -> web.StreamResponse:
    """``GET /unsubscribe/{token}``: a button. The page says the same for every token of ours, in the language of the letter that it came
    with: whether its subscription is still there is nobody's business."""
    try:
        hub(request).links.read("unsubscribe", request.match_info["token"])
    except LinkInvalid:
        return too_old(request)
    return render(request, "unsubscribe.html", language=await _language(request))


async def unsubscribe_submit(request: web.Request) -> web.StreamResponse:
    """``POST /unsubscribe/{token}``, from the button or from a mail provider (``List-Unsubscribe=One-Click``)."""
    language = await _language(request)
    try:
        await hub(request).enrolment.unsubscribe(request.match_info["token"])
    except LinkExpired:
        pass  # it has ended already, which is what was asked for
    except LinkInvalid:
        return too_old(request)
    return render(request, "ended.html", language=language, deleted=False)


async def _language(request: web.Request) -> str:
    return letter_language(request, await hub(request).enrolment.link_language("unsubscribe", request.match_info["token"]))
