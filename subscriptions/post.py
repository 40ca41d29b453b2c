"""How this package has a letter sent: it hands over who and what for, and the hub words it, delivers it and keeps count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

LetterPurpose = Literal["confirm", "access", "notice", "answer"]


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one address that is not an alert.

    `parameters` holds no secret, for it is stored in clear: ``serial`` becomes the epoch of the token when the letter is stamped
    (``links.url(purpose, subscriber, address, int(serial))``); ``places`` names the places in words, points only by their ZIP;
    ``notice`` names what a notice is about; ``text`` is the whole of an answer to what somebody wrote.
    """

    purpose: LetterPurpose
    subscriber: int
    address: int
    channel: str
    language: int
    """`subscriptions.languages.number` of the reader's language."""
    simulated: bool = False
    """True when the address is a sample's, which is never really written to."""
    discreet: bool = False
    """Its reader wants a neutral sender and neutral words (safeguard S29)."""
    parameters: Mapping[str, str] = {}


class Post(Protocol):
    """Takes letters. What is enqueued commits or vanishes with the caller's own transaction."""

    async def enqueue(self, connection: AsyncConnection, letter: Letter) -> None:
        """Put a letter into the queue, inside the caller's write transaction."""

    async def live_for(self, connection: AsyncConnection, subscriber: int) -> None:
        """Queue the alerts that are still live for this person's places (safeguard S28), inside the caller's write transaction."""

    async def moved(self, connection: AsyncConnection, address: int) -> None:
        """This address is another chat from now on, which numbers its messages anew: forget what is known by the old numbers."""

    def wake(self, *, live: bool) -> None:
        """Say that a transaction with letters has committed, with `live` also with somebody to tell what is live. Only a hint: the queue
        is swept anyway."""
