"""A browser that got another push address tells us so itself: its alerts go on without a new sign-up.

Browsers exchange push subscriptions on their own (W3C Push API, `pushsubscriptionchange`). Only who knows the whole old one, with the
secret that no one but the browser and the hub has, can name its successor, and only at the same push service, which has proved that it
wants our messages. Whether anything was exchanged is never told.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from subscriptions import documents
from subscriptions.addresses import NewAddress
from subscriptions.desk import Desk, Work
from subscriptions.documents import Faults
from subscriptions.limits import RENEWALS_OF_CLIENT
from subscriptions.store import sql
from subscriptions.store.sql import AddressRow
from subscriptions.subscriber import PushSubscription

CHANNEL = "web_push"

_SHARDED = (".notify.windows.com", ".push.apple.com", ".push.services.mozilla.com")
"""Push services that move a browser from one of their hosts to another; under these names nobody else has one."""

_STATES = ("active", "dead")
"""Of what may be renewed: a push service often calls an address gone before its browser has told us of the new one."""


class RenewalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /api/v1/web-push/renewed``."""

    old: PushSubscription
    new: PushSubscription


def read_renewal(raw: bytes) -> RenewalRequest:
    """The document in its right shape. Raises UnreadableDocument, or InvalidSubscription with every fault."""
    return documents.read(raw, RenewalRequest)


class Renewal:
    """Serves browsers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def renew(self, request: RenewalRequest, *, client: str, source: str) -> None:
        """Put the new address in the old one's place; nothing happens where the old one is not known, or the new one is already.

        Raises InvalidSubscription, TooManyRequests.
        """
        faults = Faults()
        old, new = self._parse(request.old, "/old", faults), self._parse(request.new, "/new", faults)
        faults.check()
        if _service(request.old) != _service(request.new):
            faults.add("/new/endpoint", "is at another push service than the old one: sign up again in the browser")
        faults.check()
        async with self._desk.work() as work:
            await self._desk.limits.count(work.connection, RENEWALS_OF_CLIENT, client, work.now)
            address = await self._renewable(work, old.lookup)
            if address is not None and await sql.active_address(work.connection, new.lookup) is None:
                await self._exchange(work, address, new, source)

    def _parse(self, given: PushSubscription, pointer: str, faults: Faults) -> NewAddress:
        try:
            return self._desk.addresses.parse(CHANNEL, msgspec.json.encode(given).decode())
        except ValueError as error:
            faults.add(pointer, str(error))
            return NewAddress(CHANNEL, None, b"")

    async def _renewable(self, work: Work, lookup: bytes) -> AddressRow | None:
        for state in _STATES:
            if found := await sql.addresses_by_lookup(work.connection, lookup, state):
                return found[0]
        return None

    async def _exchange(self, work: Work, address: AddressRow, new: NewAddress, source: str) -> None:
        key_id, sealed = self._desk.addresses.keyring.seal(CHANNEL, new.canonical or "")
        await sql.change_address(work.connection, address.id, lookup=new.lookup, key_id=key_id, sealed=sealed, state="active")
        owner = await sql.existing_subscriber(work.connection, address.subscriber)
        await work.consent(owner, "renewed", CHANNEL, source)
        work.changed.add(owner.id)
        await self._desk.tell_what_is_live(work, owner.id)  # which the old address may have refused


def _service(given: PushSubscription) -> tuple[str, str, int | None]:
    """Whose endpoint it is: its origin, or all hosts of one of the services above."""
    parts = urlsplit(given.endpoint)
    scheme, host, port = parts.scheme.lower(), parts.hostname or "", parts.port
    if scheme == "https" and port in {None, 443}:
        return scheme, next((shared for shared in _SHARDED if host.endswith(shared)), host), None
    return scheme, host, port
