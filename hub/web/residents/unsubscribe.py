"""Stopping by the link in a message. A GET never stops anything; a POST does, with or without a cookie, again and again (RFC 8058)."""

from __future__ import annotations

from aiohttp import web

from hub.web.context import hub
from hub.web.language import page_language, words
from hub.web.pages import render
from hub.web.residents.confirm import too_old
from subscriptions.errors import LinkExpired, LinkInvalid


async def unsubscribe_page(request: web.Request) -> web.StreamResponse:
    """``GET /unsubscribe/{token}``: a button. The page says the same for every token, so it tells nothing."""
    return render(request, "unsubscribe.html")


async def unsubscribe_submit(request: web.Request) -> web.StreamResponse:
    """``POST /unsubscribe/{token}``, from the button or from a mail provider (``List-Unsubscribe=One-Click``)."""
    try:
        await hub(request).enrolment.unsubscribe(request.match_info["token"])
    except LinkExpired:
        pass  # it has ended already, which is what was asked for
    except LinkInvalid:
        raise too_old(words(page_language(request))) from None
    return render(request, "ended.html", deleted=False)
