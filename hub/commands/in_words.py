"""What went wrong outside this program, in one line for whoever typed a command."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from channels.contract import NotConfigured
from hub.errors import HubError, InvalidInput
from subscriptions.errors import CityUnreadable


def in_words(error: Exception, where: object = "") -> str | None:
    """A sentence for people; `where` it was, if a fault of the system itself does not say. None for a fault of this program: only its
    traceback helps whoever mends that."""
    if isinstance(error, InvalidInput):
        return "\n".join(f"{fault.pointer or 'the document'}: {fault.detail}" for fault in error.errors)
    if isinstance(error, HubError):
        return error.detail
    if isinstance(error, (CityUnreadable, NotConfigured)):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return ": ".join(str(part) for part in (error.filename or where, error.strerror) if part)
    if isinstance(error, DBAPIError):
        return f"database: {first_line(error)}. Mend: see that it is whole and that its disk has room, or restore a backup"
    return None


def first_line(error: Exception) -> str:
    """The database driver's: what follows may quote values."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}"
