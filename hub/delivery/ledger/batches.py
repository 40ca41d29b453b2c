"""What goes into the ledger and comes out of it: lists to plan, batches that were leased, outcomes to settle."""

from __future__ import annotations

import time
from collections.abc import Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from channels.contract import Purpose
from hub.delivery.sending.frames import Row, To
from hub.delivery.sending.outcome import Outcome
from subscriptions.opting_out import Tried

BATCH_SIZE = 1000
SECONDS_OF_WORK = 0.5
"""A batch is no more than this at its provider's rate: each sender holds two, and whatever is as urgent waits behind them all."""

HELD = "held"
"""The notice of what quiet hours held back until it was over."""

Ids = npt.NDArray[np.int64]


def batch_size(rate: float | None) -> int:
    """People in one batch of a channel with so many hand-overs a second; None for no limit."""
    return BATCH_SIZE if rate is None else min(BATCH_SIZE, max(1, int(rate * SECONDS_OF_WORK)))


class Planned(msgspec.Struct, frozen=True):
    """One list of the plan: everyone on one channel in one language, at most `size` to a batch."""

    channel: str
    language: str
    simulated: bool
    addresses: Ids
    size: int = BATCH_SIZE
    discreet: bool = False
    after: int = 0
    """Held until then by quiet hours, milliseconds since 1970; 0 for at once."""


class Leased(msgspec.Struct, frozen=True):
    """A batch that this node may now hand over, with the recipients who are still owed it."""

    batch: int
    mailing: int
    purpose: Purpose
    alert: int | None
    parameters: str
    channel: str
    language: str
    simulated: int
    discreet: int
    priority: int
    turn: int
    attempt: int
    created_at: int
    expires_at: int
    recipients: list[To]
    since: float = msgspec.field(default_factory=time.monotonic)
    """What was chosen before this moment was read, by `time.monotonic`."""

    @property
    def serial(self) -> int:
        """The number that a letter's one-use link is made of, 0 for every other text."""
        return int(self.parameter("serial") or "0")

    @property
    def comes_unasked(self) -> bool:
        """Alerts, and the notice of those that were missed: whoever has paused gets neither. Other letters come all the same."""
        return self.purpose == "alert" or self.parameter("notice") == HELD

    def sealed(self, addresses: Iterable[int]) -> list[tuple[int, bytes]]:
        """These of its people, each with the address as it was tried."""
        wanted = set(addresses)
        return [(to.address, to.sealed) for to in self.recipients if to.address in wanted] if wanted else []

    def dead(self, rows: Iterable[Row], now: float) -> list[Tried]:
        """Those whose provider said in these rows that nothing reaches them any more. `now` is in seconds since 1970."""
        said = {row.address: row.opted_out for row in rows if row.dead}
        chosen_at = int((now - (time.monotonic() - self.since)) * 1000)
        return [Tried(address, sealed, chosen_at, said[address]) for address, sealed in self.sealed(said)]

    def parameter(self, name: str) -> str:
        """One of a mailing's parameters, "" when it has none of this name."""
        return msgspec.json.decode(self.parameters, type=dict[str, str]).get(name, "")


class Settlement(msgspec.Struct, frozen=True):
    """Some addresses of one batch that ended alike. For an open outcome, `due_at` and `next_attempt` say when they are tried again."""

    leased: Leased
    outcome: Outcome
    addresses: list[int]
    at: int
    reason: str | None = None
    first_at: int = 0
    due_at: int = 0
    next_attempt: int = 0
    copies: tuple[tuple[int, str], ...] = ()
    posted: tuple[tuple[int, int], ...] = ()
    """(address, number of the message in its chat), where a channel tells: see `hub.delivery.ledger.threads`."""


class Reached(msgspec.Struct, frozen=True):
    """Somebody to whom a mailing was, or may have been, handed over; `language` is a number of subscriptions.languages."""

    channel: str
    language: int
    simulated: bool
    discreet: bool
    quiet: int
    """Number of their rule of quiet hours, 0 for none."""
    address: int
    subscriber: int


class Offer(msgspec.Struct, frozen=True):
    """A live alert, by its number, for some addresses of one person."""

    alert: int
    channel: str
    language: str
    simulated: bool
    addresses: list[int]
    discreet: bool = False
    after: int = 0


class Finished(msgspec.Struct, frozen=True):
    """A mailing whose last batch was just settled."""

    mailing: int
