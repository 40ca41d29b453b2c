"""Every error as one value: problem+json for programs (RFC 9457), the same words on a page for people.

A problem's `type` is ``{public_url}/problems/{slug}``, which can be opened; the slug never changes within v1.
"""

from __future__ import annotations

import http
import sqlite3

import msgspec
from aiohttp import web
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from hub import errors
from hub.errors import HubError
from subscriptions.errors import FieldError, InvalidSubscription, LinkExpired, LinkInvalid, TooManyRequests, UnknownArea, UnreadableDocument


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong and how to mend it, free of internals."""

    status: int
    slug: str
    title: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    after: float | None = None
    """Seconds to wait (Retry-After)."""
    allow: str | None = None
    """The methods of this address, for 405."""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 on the wire; `errors` is ours."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldError, ...] = ()


class ProblemKind(msgspec.Struct, frozen=True, kw_only=True):
    """What a problem's `type` says when it is opened."""

    type: str
    title: str
    status: int
    meaning: str


INTERNAL = Problem(
    status=500, slug="internal", title="Something went wrong", detail="The fault was recorded. Please try again in a minute."
)

_AWAY = errors.DatabaseAway("Whether this was done is not certain. Send it again in a moment, an alert with the same Idempotency-Key.")
NO_DATABASE = Problem(status=_AWAY.status, slug=_AWAY.slug, title=_AWAY.title, detail=_AWAY.detail, after=5.0)

_METHOD = ("method-not-allowed", "This address has no such method")


def problem_of(error: BaseException) -> Problem:
    """The answer to an error that was raised on purpose or is the database's trouble; INTERNAL for any other."""
    if isinstance(error, web.HTTPException):
        return _of_http(error)
    if isinstance(error, web.RequestPayloadError):
        return problem_of(errors.BadRequest("The body can't be read: it is not what Content-Encoding or Transfer-Encoding says."))
    if isinstance(error, HubError):
        faults = error.errors if isinstance(error, errors.InvalidInput) else ()
        after = error.after if isinstance(error, errors.TooMany) else None
        return Problem(status=error.status, slug=error.slug, title=error.title, detail=error.detail, errors=faults, after=after)
    if isinstance(error, OperationalError | InterfaceError | InternalError | sqlite3.OperationalError):
        return NO_DATABASE
    return _of_subscriptions(error) or INTERNAL


def _of_subscriptions(error: BaseException) -> Problem | None:
    if isinstance(error, UnreadableDocument):
        return problem_of(errors.BadRequest(f"{error}."))
    if isinstance(error, InvalidSubscription):
        return problem_of(errors.InvalidInput(error.errors))
    if isinstance(error, UnknownArea):
        meant = f" Did you mean {', '.join(error.suggestions)}?" if error.suggestions else ""
        return problem_of(errors.NotFound(f"There is no area called {error.name!r}.{meant}"))
    if isinstance(error, LinkInvalid | LinkExpired):
        return problem_of(errors.NotFound("This link is not valid, or no longer. Ask for a fresh one."))
    if isinstance(error, TooManyRequests):
        return problem_of(errors.TooMany(f"Please try again in {error.after:.0f} seconds.", error.after))
    return None


def _of_http(error: web.HTTPException) -> Problem:
    if error.status == 404:
        return problem_of(errors.NotFound("There is nothing at this address."))
    if error.status == 413:
        return problem_of(errors.TooLarge("The body is larger than 1 MB."))
    if isinstance(error, web.HTTPMethodNotAllowed):
        allow = ", ".join(sorted(error.allowed_methods))
        return Problem(status=405, slug=_METHOD[0], title=_METHOD[1], detail=f"This address takes {allow}.", allow=allow)
    phrase = http.HTTPStatus(error.status).phrase
    slug = "bad-request" if error.status == 400 else phrase.lower().replace(" ", "-")
    return Problem(status=error.status, slug=slug, title=phrase, detail=f"{phrase}.")


def problem_response(problem: Problem, public_url: str) -> web.Response:
    """The answer as application/problem+json. Never stored by caches."""
    body = ProblemBody(
        type=f"{public_url}/problems/{problem.slug}",
        title=problem.title,
        status=problem.status,
        detail=problem.detail,
        errors=problem.errors,
    )
    response = web.Response(status=problem.status, body=msgspec.json.encode(body), content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    add_headers(problem, response)
    return response


def add_headers(problem: Problem, response: web.StreamResponse) -> None:
    """What HTTP itself asks for beside some statuses."""
    if problem.after is not None:
        response.headers["Retry-After"] = f"{max(1, round(problem.after))}"
    if problem.allow is not None:
        response.headers["Allow"] = problem.allow
    if problem.status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="tocsin"'


def problem_kinds(public_url: str) -> dict[str, ProblemKind]:
    """Slug → what it means, from the error tree itself."""
    known = [(kind.slug, kind.title, kind.status, kind.__doc__ or kind.title) for kind in _answered()]
    known.append((INTERNAL.slug, INTERNAL.title, INTERNAL.status, "A fault of the hub, which was recorded."))
    known.append((*_METHOD, 405, "`Allow` lists the methods of the address."))
    return {
        slug: ProblemKind(type=f"{public_url}/problems/{slug}", title=title, status=status, meaning=meaning)
        for slug, title, status, meaning in known
    }


def _answered() -> list[type[HubError]]:
    return [kind for kind in HubError.__subclasses__() if kind is not errors.SettingsError]
