"""What can go wrong in the hub, and what each means to whoever asked.

::

    HubError                 title and HTTP status for problem+json (RFC 9457)
    ├── BadRequest      400  not JSON, not XML, a wrong header
    ├── Unauthenticated 401
    ├── Forbidden       403  known, but not allowed to
    ├── NotFound        404
    ├── Gone            410
    ├── Conflict        409  not possible in the present state
    ├── TooLarge        413
    ├── WrongType       415  the body is of another media type
    ├── InvalidInput    422  a document with faults; each has its JSON pointer
    ├── TooMany         429  `after` in seconds
    ├── Unavailable     503
    ├── DatabaseAway    503  it can't be reached, or can't write
    └── SettingsError        the hub can't start as configured
        └── BackupError      a backup can't be taken, read or restored; like its parent it answers whoever runs the hub, never a request
"""

from __future__ import annotations

from typing import ClassVar

from subscriptions.errors import FieldError


class HubError(Exception):
    """An error with an answer. `slug` is the stable last part of the problem's `type`."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class BadRequest(HubError):
    """The request can't be read."""

    status, slug, title = 400, "bad-request", "The request can't be read"


class Unauthenticated(HubError):
    """Nobody known asked."""

    status, slug, title = 401, "unauthenticated", "Log in or send a token"


class Forbidden(HubError):
    """Whoever asked may not do this."""

    status, slug, title = 403, "forbidden", "Not allowed"


class NotFound(HubError):
    """There is no such thing."""

    status, slug, title = 404, "not-found", "Not found"


class Gone(HubError):
    """There was such a thing."""

    status, slug, title = 410, "gone", "No longer here"


class Conflict(HubError):
    """Not possible in the present state."""

    status, slug, title = 409, "conflict", "Not possible now"


class TooLarge(HubError):
    """The body is over the limit."""

    status, slug, title = 413, "too-large", "Too large"


class WrongType(HubError):
    """The body is of another media type than this route reads."""

    status, slug, title = 415, "wrong-type", "Wrong content type"


class InvalidInput(HubError):
    """A document with faults."""

    status, slug, title = 422, "invalid-input", "The document has faults"

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(f"{error.pointer or '/'}: {error.detail}" for error in errors))
        self.errors = errors


class TooMany(HubError):
    """A limit was reached."""

    status, slug, title = 429, "too-many-requests", "Too many requests"

    def __init__(self, detail: str, after: float) -> None:
        super().__init__(detail)
        self.after = after


class Unavailable(HubError):
    """Something the request needs is away."""

    status, slug, title = 503, "unavailable", "Not available now"


class DatabaseAway(HubError):
    """The database can't be reached, or its disk is full. Whether the request was done is not certain; nothing is half done."""

    status, slug, title = 503, "database-unavailable", "The database can't be used now"


class SettingsError(HubError):
    """The hub can't start as configured."""

    slug, title = "settings", "A setting is wrong"


class BackupError(SettingsError):
    """A backup can't be taken, read or restored."""

    slug, title = "backup", "The backup failed"
