"""How API handlers read requests and write answers, so that every route refuses and caches in the same way."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

import msgspec
from aiohttp import ETag, web

from hub.alerts.faults import Faults, did_you_mean, one_of, shown, token
from hub.errors import BadRequest, InvalidInput, Unauthenticated, WrongType
from hub.staff.actor import Actor
from hub.staff.roles import Action
from hub.web.context import ACTOR
from subscriptions.errors import FieldError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

MOST_DIGITS = 15
JSON_TYPES = frozenset({"application/json"})
XML_TYPES = frozenset({"application/xml", "text/xml", "application/cap+xml"})


def requires(action: Action) -> Callable[[Handler], Handler]:
    """Only for who may do this: 401 for strangers, 403 beyond the role."""

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            actor_of(request).require(action)
            return await handler(request)

        return guarded

    return guard


def actor_of(request: web.Request) -> Actor:
    """Who asks. Raises Unauthenticated."""
    actor: Actor | None = request.get(ACTOR)
    if actor is None:
        raise Unauthenticated("Send a known token as “Authorization: Bearer tcs_…”; `tocsin token add` makes one.")
    return actor


async def read_body(request: web.Request, types: frozenset[str] = JSON_TYPES) -> bytes:
    """The body, at most 1 MB. Raises WrongType when it says that it is something else, BadRequest when there is none."""
    if "Content-Type" in request.headers and request.content_type not in types:
        raise WrongType(f"This address reads {', '.join(sorted(types))}, not {request.content_type}.")
    body = await request.read()
    if not body:
        raise BadRequest("The body is empty.")
    return body


def bad_parameter(name: str, detail: str) -> InvalidInput:
    """The fault of one parameter after ``?``, named like a field of a document."""
    return InvalidInput((FieldError(f"/{token(name)}", detail),))


def query(request: web.Request, *known: str) -> Mapping[str, str]:
    """The parameters after ``?``. Raises InvalidInput for an unknown or repeated one: it is never ignored."""
    faults = Faults()
    takes = f"Known: {one_of(known)}." if known else "This address takes none."
    for name in dict.fromkeys(request.query):
        if name not in known:
            faults.add(f"/{token(shown(name))}", f"is not a parameter of this address.{did_you_mean(name, known)} {takes}")
        elif len(request.query.getall(name)) > 1:
            faults.add(f"/{name}", "is given more than once")
    faults.check()
    return request.query


def number(asked: Mapping[str, str], name: str) -> int | None:
    """A whole number among the parameters. Raises InvalidInput."""
    text = asked.get(name)
    if text is None:
        return None
    value = whole(text)
    if value is None:
        raise bad_parameter(name, f"“{shown(text)}” is no cursor of this list; take the one from `next`")
    return value


def whole(text: str) -> int | None:
    """A whole number that every database can compare; None for any other text."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else None


def moment(asked: Mapping[str, str], name: str) -> int | None:
    """An RFC 3339 time among the parameters, in milliseconds since 1970. Raises InvalidInput."""
    text = asked.get(name)
    if text is None:
        return None
    try:
        # A plus sign that was not escaped arrives as a space.
        read = datetime.fromisoformat(text.replace(" ", "+"))
        milliseconds = int(read.timestamp() * 1000) if read.tzinfo else None
    except (ValueError, OverflowError):
        milliseconds = None
    if milliseconds is None:
        raise bad_parameter(name, f"“{shown(text)}” is not a time with an offset such as 2026-11-22T21:00:00-05:00")
    return milliseconds


def choice(asked: Mapping[str, str], name: str, options: tuple[str, ...]) -> str | None:
    """One of a few words among the parameters. Raises InvalidInput."""
    word = asked.get(name)
    if word is not None and word not in options:
        raise bad_parameter(name, f"“{shown(word)}” is none of {one_of(options)}.{did_you_mean(word, options)}")
    return word


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """A value as JSON, for the one who asked only."""
    extra = {"Cache-Control": "no-store"} | dict(headers or {})
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json", headers=extra)


def public_answer(request: web.Request, body: bytes, content_type: str, *, max_age: int) -> web.Response:
    """Open data: cached for `max_age` seconds, then asked about by ETag (RFC 9110 §13.1.2)."""
    tag = hashlib.blake2b(body, digest_size=12).hexdigest()
    headers = {"Cache-Control": f"public, max-age={max_age}", "Vary": "Accept-Encoding"}
    # Weak, because the same words may travel compressed or not.
    etag = ETag(tag, is_weak=True)
    if any(known.value in {tag, "*"} for known in request.if_none_match or ()):
        response = web.Response(status=304, headers=headers)
    else:
        response = web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)
    response.etag = etag
    return response
