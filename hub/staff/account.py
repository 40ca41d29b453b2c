"""The people and programs that may use the hub: accounts with a password, tokens, and every change of them in the audit log."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import msgspec
import structlog
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from hub.clock import Clock, milliseconds
from hub.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from hub.staff import audit, sessions, tokens
from hub.staff.actor import SYSTEM, Actor
from hub.staff.log_in_limit import LogInLimit
from hub.staff.passwords import Passwords
from hub.staff.roles import ROLE_MEANINGS, ROLES
from hub.staff.tokens import Token
from hub.store.database import Database
from hub.store.tables import account
from subscriptions.errors import FieldError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

log = structlog.get_logger("staff")

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 256
"""Characters. Longer ones would only buy a stranger more hashing."""

LONGEST_NAME = 74
"""Characters: with ``staff:`` before it, it is the subject of an entry in the audit log, which holds 80."""

_NAME = re.compile(rf"[a-z0-9][a-z0-9._@+-]{{0,{LONGEST_NAME - 1}}}")


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person's account, without the password."""

    id: int
    name: str
    agency: str
    role: str
    disabled: bool
    created_at: int
    """Milliseconds since 1970."""


class Staff:
    """All of it; used by the web and by the command line."""

    def __init__(self, database: Database, clock: Clock, passwords: Passwords | None = None) -> None:
        self._database = database
        self._clock = clock
        self._passwords = passwords or Passwords()
        self._limit = LogInLimit(clock)

    async def add(self, name: str, password: str, *, agency: str, role: str, by: Actor = SYSTEM) -> Account:
        """Make an account. Raises InvalidInput, or Conflict when the name is taken: names are never used twice."""
        by.require("staff")
        name, agency = _fold(name), _line(agency)
        _refuse(_name_faults(name) + _agency_faults(agency) + _role_faults(role) + _password_faults(password))
        now, hashed = milliseconds(self._clock), await self._passwords.hash(password)
        row = insert(account).values(name=name, agency=agency, role=role, password=hashed, created_at=now).returning(account.c.id)
        try:
            async with self._database.write() as connection:
                number = (await connection.execute(row)).scalar_one()
                await self._record(connection, by, "staff.add", f"staff:{name}", agency=agency, role=role)
        except IntegrityError:
            raise Conflict(f"There is already an account called {name!r}; choose another name.") from None
        return Account(id=number, name=name, agency=agency, role=role, disabled=False, created_at=now)

    async def list(self) -> tuple[Account, ...]:
        """Every account, disabled ones too."""
        columns = [account.c[name] for name in Account.__struct_fields__]
        async with self._database.read() as connection:
            rows = (await connection.execute(select(*columns).order_by(account.c.id))).mappings().all()
        return tuple(Account(**{**row, "disabled": bool(row["disabled"])}) for row in rows)

    async def disable(self, name: str, *, by: Actor = SYSTEM) -> None:
        """Close an account and end its sessions at once. Raises NotFound."""
        by.require("staff")
        async with self._database.write() as connection:
            row = (await connection.execute(select(account.c.id).where(account.c.name == _fold(name)))).first()
            if row is None:
                raise NotFound(f"There is no account called {name!r}; `tocsin staff list` shows them.")
            await connection.execute(update(account).where(account.c.id == row.id).values(disabled=1))
            await sessions.end_sessions(connection, row.id)
            await self._record(connection, by, "staff.disable", f"staff:{_fold(name)}")

    async def log_in(self, name: str, password: str, *, client: str = "") -> str:
        """The secret of a new session. Raises Unauthenticated (the same for a wrong name and a wrong password) or TooMany."""
        name = _fold(name)[:80]
        self._limit.take(name, client)
        async with self._database.read() as connection:
            row = (await connection.execute(select(account).where(account.c.name == name))).first()
        usable = row is not None and not row.disabled and len(password) <= LONGEST_PASSWORD
        fits = await self._passwords.matches(row.password if row and usable else None, password[:LONGEST_PASSWORD])
        if row is None or not fits:
            # Only logged: a row in the audit log would take longer for names that exist, and strangers could fill it.
            log.warning("log_in_refused", account=row.id if row else None)
            raise _refused()
        self._limit.give_back(name, client)
        return await self._open(row.id, name)

    async def by_session(self, secret: str) -> Actor | None:
        """Who is logged in with this cookie."""
        async with self._database.read() as connection:
            return await sessions.whose_session(connection, secret, milliseconds(self._clock))

    async def log_out(self, secret: str) -> None:
        """End a session; an unknown one is no error."""
        async with self._database.write() as connection:
            actor = await sessions.whose_session(connection, secret, milliseconds(self._clock))
            await sessions.end_session(connection, secret)
            if actor:
                await self._record(connection, actor, "log_out", f"staff:{actor.name}")

    async def add_token(self, agency: str, role: str, *, by: Actor = SYSTEM) -> str:
        """A new token, shown this once. Raises InvalidInput."""
        by.require("staff")
        agency = _line(agency)
        _refuse(_agency_faults(agency) + _role_faults(role))
        async with self._database.write() as connection:
            number, secret = await tokens.add_token(connection, agency, role, milliseconds(self._clock))
            await self._record(connection, by, "token.add", f"token:{number}", agency=agency, role=role)
        return secret

    async def list_tokens(self) -> tuple[Token, ...]:
        """Every token, without its secret."""
        async with self._database.read() as connection:
            return await tokens.list_tokens(connection)

    async def disable_token(self, number: int, *, by: Actor = SYSTEM) -> None:
        """Close a token at once. Raises NotFound."""
        by.require("staff")
        async with self._database.write() as connection:
            if not await tokens.disable_token(connection, number):
                raise NotFound(f"There is no token {number}.")
            await self._record(connection, by, "token.disable", f"token:{number}")

    async def by_token(self, secret: str) -> Actor | None:
        """Whom a token stands for."""
        if not secret.startswith(tokens.PREFIX):
            return None
        return await tokens.whose_token(self._database, secret)

    async def _open(self, account_id: int, name: str) -> str:
        async with self._database.write() as connection:
            # Read again: the account may have been disabled while the password was hashed.
            row = (await connection.execute(select(account).where(account.c.id == account_id, account.c.disabled == 0))).first()
            if row is None:
                raise _refused()
            secret = await sessions.open_session(connection, account_id, milliseconds(self._clock))
            actor = Actor(kind="staff", id=account_id, name=name, agency=row.agency, role=row.role)
            await self._record(connection, actor, "log_in", f"staff:{name}")
        return secret

    async def _record(self, connection: AsyncConnection, by: Actor, action: str, subject: str, **details: str) -> None:
        await audit.append(connection, milliseconds(self._clock), by.label, action, subject, details)


def _refused() -> Unauthenticated:
    return Unauthenticated("The name or the password is wrong.")


def _fold(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().lower()


def _line(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _refuse(faults: list[FieldError]) -> None:
    if faults:
        raise InvalidInput(tuple(faults))


def _name_faults(name: str) -> list[FieldError]:
    detail = f"1 to {LONGEST_NAME} of a-z, 0-9, dot, @, plus, dash and underscore, beginning with a letter or digit"
    return [] if _NAME.fullmatch(name) else [FieldError("/name", detail)]


def _agency_faults(agency: str) -> list[FieldError]:
    return [] if 1 <= len(agency) <= 80 and agency.isprintable() else [FieldError("/agency", "1 to 80 printable characters")]


def _role_faults(role: str) -> list[FieldError]:
    known = "; ".join(f"{name} {ROLE_MEANINGS[name]}" for name in ROLES)
    return [] if role in ROLES else [FieldError("/role", f"{role!r} is none of the roles: {known}")]


def _password_faults(password: str) -> list[FieldError]:
    detail = f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters; a few words are easier to keep than one"
    return [] if SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD else [FieldError("/password", detail)]
