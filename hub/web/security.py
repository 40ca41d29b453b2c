"""The guards of the web: headers on every answer, the session cookie, and forms that only our own pages can send.

The session cookie is SameSite=Lax, so another site can't send it with a POST. On top of that, a form of the console must carry a token
that only a page of the same session could show, and a form from another site is refused by what its browser says about it. Residents'
forms need no cookie: what they do hangs on a secret in the path.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from hub.errors import Forbidden
from hub.web.context import ACTOR, HubContext, hub

SESSION_HOURS = 12
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"


OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Headers of open data, which any origin may read."""

OURS = {"Cross-Origin-Resource-Policy": "same-origin"}
"""Headers of everything else."""


def security_headers(context: HubContext) -> Mapping[str, str]:
    """The headers that every answer carries. Scripts and styles are our own files only; nobody may frame us."""
    tiles = _origin(context.settings.tile_url)
    policy = (
        "default-src 'self'",
        f"img-src 'self' data: {tiles}".rstrip(),
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
    headers = {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",  # paths of residents' pages hold their tokens
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
    }
    return headers | ({"Strict-Transport-Security": "max-age=31536000"} if _secure(context) else {})


def session_secret(request: web.Request) -> str | None:
    """The session cookie's value, whether it is valid or not."""
    return request.cookies.get(_cookie_name(hub(request)))


def set_session(request: web.Request, response: web.StreamResponse, secret: str) -> None:
    """Give the browser its session after a log-in."""
    response.set_cookie(
        _cookie_name(hub(request)),
        secret,
        max_age=SESSION_HOURS * 3600,
        path="/",
        httponly=True,
        secure=_secure(hub(request)),
        samesite="Lax",
    )


def clear_session(request: web.Request, response: web.StreamResponse) -> None:
    """Take the session cookie back at log-out."""
    response.del_cookie(_cookie_name(hub(request)), path="/", httponly=True, secure=_secure(hub(request)), samesite="Lax")


def csrf_token(request: web.Request) -> str:
    """The value of the hidden field `csrf`; empty for visitors without a session.

    It is derived from the session's secret and can't be turned back, so there is nothing to store and nothing to share between nodes.
    """
    secret = session_secret(request)
    return hmac.new(secret.encode(), b"tocsin csrf", hashlib.sha256).hexdigest() if secret else ""


async def check_form(request: web.Request) -> None:
    """Raises Forbidden for a form of the console that did not come from a page of this session."""
    refuse_other_sites(request)
    if ACTOR in request and not await is_of_this_log_in(request):  # a stranger has only the log-in; all else asks for the actor
        raise Forbidden("This form was not sent from a page of your present log-in. Open the page again and send it from there.")


async def is_of_this_log_in(request: web.Request) -> bool:
    """Whether a form carries the token that only a page of this session could show."""
    sent = request.headers.get(CSRF_HEADER) or (await request.post()).get(CSRF_FIELD, "")
    return isinstance(sent, str) and hmac.compare_digest(sent.encode(), csrf_token(request).encode())


def refuse_other_sites(request: web.Request) -> None:
    """Raises Forbidden when the browser says that another site sent this.

    `Sec-Fetch-Site` is believed first. `Origin` is ``null`` from our own pages too, because of our Referrer-Policy, so it then says
    nothing; programs (and the one-click unsubscribe of RFC 8058) send neither.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is None:
        origin = request.headers.get("Origin", "null")
        fits = origin == "null" or origin == _origin(hub(request).public_url) or urlsplit(origin).netloc == request.host
    else:
        fits = site in {"same-origin", "none"}
    if not fits:
        raise Forbidden("This form was sent from another site. Open the page here and send it from there.")


def _cookie_name(context: HubContext) -> str:
    # The prefix makes browsers refuse such a cookie from a subdomain or over plain HTTP.
    return "__Host-tocsin" if _secure(context) else "tocsin"


def _secure(context: HubContext) -> bool:
    return context.public_url.startswith("https://")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
