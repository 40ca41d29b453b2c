"""What went wrong outside this program, in one line for whoever typed a command."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import psycopg
from sqlalchemy.exc import DBAPIError

from channels.contract import NotConfigured
from hub.errors import HubError, InvalidInput
from subscriptions.errors import CityUnreadable

_OURS = tuple(Path(__file__).parents[2] / name for name in ("channels", "hub", "subscriptions", "templates"))
_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_MACHINE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
}
"""What tells of the machine or of the file; SQLITE_ERROR and the like are of our own SQL."""
_PRIMARY = 0xFF
"""The bits of a result code of SQLite that say which kind it is."""
_LOCKED_THERE = ("40", "55P03")
_SERVER = ("08", "25006", "28", "3D", "42501", "53", "57", "58", "XX")
"""How SQLSTATE begins where it tells of the server, its disk, or what this user may do there."""


def in_words(error: Exception, where: object = "") -> str | None:
    """A sentence for people; `where` it was, if a fault of the system itself does not say. None for a fault of this program: only its
    traceback helps whoever mends that."""
    if isinstance(error, InvalidInput):
        return "\n".join(f"{fault.pointer or 'the document'}: {fault.detail}" for fault in error.errors)
    if isinstance(error, HubError):
        return error.detail
    if isinstance(error, (CityUnreadable, NotConfigured)):
        return str(error)
    if isinstance(error, OSError) and error.strerror and not _of_ours(error):
        return ": ".join(str(part) for part in (error.filename or where, error.strerror) if part)
    if isinstance(error, (DBAPIError, sqlite3.Error, psycopg.Error)) and (mend := _mend(getattr(error, "orig", None) or error)):
        return f"database: {first_line(error)}. Mend: {mend}"
    return None


def _of_ours(error: OSError) -> bool:
    """Whether a part of this program is missing."""
    file = error.filename
    named = isinstance(error, FileNotFoundError) and isinstance(file, (str, os.PathLike))
    return named and any(Path(file).absolute().is_relative_to(folder) for folder in _OURS)


def _mend(cause: BaseException) -> str | None:
    """For what a database refuses; None for a fault of what we asked of it."""
    if isinstance(cause, psycopg.Error):
        state = cause.sqlstate or ("08" if isinstance(cause, psycopg.OperationalError) else "")
        locked, outside = state.startswith(_LOCKED_THERE), state.startswith(_SERVER)
    else:
        code = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY
        locked, outside = code in _LOCKED, code in _MACHINE
    if locked:
        return "another process writes to it, try again"
    return "see that it is whole and that its disk has room, or restore a backup" if outside else None


def first_line(error: Exception) -> str:
    """The database driver's: what follows may quote values."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).partition(chr(10))[0]}"
