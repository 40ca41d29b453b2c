"""What happens around every handler, outermost first: log, compress, turn errors into answers, learn who asks, refuse what no database
holds, guard forms and rates."""

from __future__ import annotations

import time
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePath
from urllib.parse import urlencode

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_response import ContentCoding

from hub.clock import Clock
from hub.errors import BadRequest, HubError, NotFound, TooMany, WrongType
from hub.staff.actor import Actor
from hub.staff.rate_limit import Buckets
from hub.web.api.problems import INTERNAL, NO_DATABASE, Problem, add_headers, problem_of, problem_response
from hub.web.client_address import Network, client_address
from hub.web.context import ACTOR, CLIENT, ERROR_PAGE, hub
from hub.web.language import split_address
from hub.web.ready import accepts_gzip
from hub.web.security import OPEN, OURS, check_form, refuse_other_sites, session_secret

log = structlog.get_logger("web")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

BODY_BYTES = 1_000_000
"""The largest body that is read: 1 MB."""

COMPRESS_BYTES = 1024
"""Text larger than this travels compressed."""

_TEXTUAL = ("text/", "application/json", "application/geo+json", "application/problem+json", "application/atom+xml", "application/xml")
_FOR_PROGRAMS = ("/api/", "/feeds/", "/live", "/healthz", "/readyz", "/metrics", "/problems/")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
_UNSLOWED = ("/unsubscribe/", "/api/v1/sms/", "/telegram/")
"""A one-click unsubscribe always passes (RFC 8058), and whoever signs or knows a secret: they bring the words of a whole city."""
_SHOWN_AGAIN = frozenset({"/console/compose", "/console/compose/preview"})
"""Where the handler looks for the form's token itself: an alert that somebody wrote is shown again and not lost to a log-in that ended."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_NUL = "\0"
"""PostgreSQL can't hold it in a text, not even in what is only asked for; SQLite can. No name, id or word of ours has one."""

HEADERS: web.AppKey[Mapping[str, str]] = web.AppKey("headers", Mapping)
PUBLIC: web.AppKey[frozenset[str]] = web.AppKey("public", frozenset)
"""Path templates of open data: any origin may read them."""
PROXIES: web.AppKey[tuple[Network, ...]] = web.AppKey("proxies", tuple)


class Limits:
    """How often one client or one actor may change something. Sign-ups and log-ins have closer limits of their own."""

    def __init__(self, clock: Clock, *, strangers: bool = True) -> None:
        self.strangers = Buckets(clock, burst=300, seconds=0.1) if strangers else None
        self.videos = Buckets(clock, burst=10, seconds=360) if strangers else None
        self.publishing = Buckets(clock, burst=500, seconds=0.2)


LIMITS: web.AppKey[Limits] = web.AppKey("limits", Limits)


@contextmanager
def publishing_turn(request: web.Request, actor: Actor) -> Iterator[None]:
    """One publication of this account's allowance (S12); whatever is refused costs nothing. Raises TooMany."""
    allowance = request.app[LIMITS].publishing
    after = allowance.take(actor.label)
    if after:
        raise TooMany(f"This account has published very much just now. Try again in {after:.0f} seconds.", after)
    try:
        yield
    except HubError:
        allowance.give_back(actor.label)
        raise


def route_of(request: web.Request) -> str:
    """The path template, ``/manage/{token}``: paths themselves hold secrets."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


@web.middleware
async def log_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One line a request, when it is over."""
    started = time.perf_counter()
    response = await handler(request)
    route = route_of(request)
    tell = log.debug if route in _QUIET else log.info
    hub(request).metrics.answered(request.method, route, response.status).inc()
    tell("request", method=request.method, route=route, status=response.status, ms=round((time.perf_counter() - started) * 1000, 1))
    return response


@web.middleware
async def compress_text(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Gzip for texts. Pages decide for themselves: one with a form token beside a visitor's words must not be compressed (BREACH)."""
    response = await handler(request)
    if isinstance(response, web.Response) and _worth_compressing(response) and accepts_gzip(request.headers.get("Accept-Encoding", "")):
        response.enable_compression(ContentCoding.gzip)
    return response


def _worth_compressing(response: web.Response) -> bool:
    body = response.body
    textual = response.content_type.startswith(_TEXTUAL) and response.content_type != "text/html"
    return textual and isinstance(body, bytes) and len(body) > COMPRESS_BYTES and "Content-Encoding" not in response.headers


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error becomes problem+json or a page; what nobody foresaw is logged and shown without internals."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        return _answer(request, problem_of(answer))
    except ConnectionError:
        raise  # the client has gone; nobody is there to answer
    except Exception as error:  # noqa: BLE001 - the boundary of the process: logged below, and the next request goes on
        problem = problem_of(error)
        if problem in (INTERNAL, NO_DATABASE):
            _tell_fault(request, error)
        return _answer(request, problem)


def _answer(request: web.Request, problem: Problem) -> web.Response:
    if request.path.startswith(_FOR_PROGRAMS):
        return problem_response(problem, hub(request).public_url)
    if problem.status == 401 and request.method == "GET":
        location = f"/console/log-in?{urlencode({'next': request.path_qs})}"
        return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})
    response = request.app[ERROR_PAGE](request, problem.status, problem.title, problem.detail)
    add_headers(problem, response)
    return response


def _tell_fault(request: web.Request, error: BaseException) -> None:
    """Log the way to the fault without any values: messages of libraries may quote addresses."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    where = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    log.error("request_failed", method=request.method, route=route_of(request), error=type(error).__name__, where=where)


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Who asks: the client behind our proxies; a token for the API, a session for pages, never the one for the other."""
    forwarded = ",".join(request.headers.getall("X-Forwarded-For", []))
    request[CLIENT] = client_address(request.remote, forwarded, request.app[PROXIES])
    staff = hub(request).staff
    if request.path.startswith("/api/"):
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        actor = await staff.by_token(secret.strip()) if scheme.lower() == "bearer" else None
    else:
        cookie = None if request.path.startswith("/assets/") else session_secret(request)
        actor = await staff.by_session(cookie) if cookie else None
    if actor is not None:
        request[ACTOR] = actor
    return await handler(request)


@web.middleware
async def refuse_unreadable(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses U+0000 in an address before anything looks for it (for a form see `_read_form`, and JSON is read by its own rules).

    And bodies that are compressed: a megabyte can be a gigabyte, and to unpack it would stop everything else. The server unpacks none.
    """
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise WrongType("The body is compressed: send it as it is, without Content-Encoding.")
    if _NUL in request.path:
        raise NotFound("There is nothing at this address.")
    if any(_NUL in name or _NUL in value for name, value in request.query.items()):
        raise BadRequest("The address holds a NUL character (%00) after its question mark: leave it out.")
    return await handler(request)


@web.middleware
async def guard_changes(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses forms from other sites, and strangers who change things too fast."""
    if request.method not in _SAFE and not split_address(request.path)[1].startswith(_UNSLOWED):
        _slow_down(request)
        await _read_form(request)
        if request.path in _SHOWN_AGAIN:
            refuse_other_sites(request)
        elif request.path.startswith(("/console", "/outbox")):
            await check_form(request)
        elif not request.path.startswith("/api/"):
            refuse_other_sites(request)
    return await handler(request)


async def _read_form(request: web.Request) -> None:
    """Parse a form once, here, so that one which can't be read is the same clear answer on every page."""
    if request.content_type in _FORMS:
        try:
            form = await request.post()
        except (ValueError, LookupError, HttpProcessingError):
            raise BadRequest("The form can't be read: send it as application/x-www-form-urlencoded in UTF-8.") from None
        if any(_NUL in name or (isinstance(value, str) and _NUL in value) for name, value in form.items()):
            raise BadRequest("The form holds a NUL character: leave it out.")


def _slow_down(request: web.Request) -> None:
    strangers = request.app[LIMITS].strangers
    after = strangers.take(request[CLIENT]) if strangers is not None and ACTOR not in request else 0
    if after:
        raise TooMany(f"Too many requests from your network. Try again in {after:.0f} seconds.", after)


async def add_headers_to_all(request: web.Request, response: web.StreamResponse) -> None:
    """A signal rather than a middleware, so that streams and the server's own answers carry them too."""
    response.headers["Server"] = "Tocsin"  # the versions of what it runs on are nobody's business
    for name, value in request.app[HEADERS].items():
        response.headers.setdefault(name, value)
    for name, value in (OPEN if route_of(request) in request.app[PUBLIC] else OURS).items():
        response.headers.setdefault(name, value)


async def preflight(_: web.Request) -> web.Response:
    """What a browser asks before it reads open data with a header of its own (CORS)."""
    headers = {
        "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
        "Access-Control-Allow-Headers": "If-None-Match, Last-Event-ID, Cache-Control",
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers=headers)


MIDDLEWARES = (log_requests, compress_text, answer_errors, refuse_unreadable, identify, guard_changes)
