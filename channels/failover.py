"""Several providers of one channel as one channel: the first is preferred, the next takes over while it fails, and it comes back by itself.

What one hand-over says about its provider::

    a receipt, a final no, "later" (429, a full mailbox)   it works
    ProviderFault                                          counts against it; certainly not sent, so the next provider is asked at once
    Uncertain                                              counts against it; it may have arrived, so nobody else is asked

A provider that failed several times in a row is left alone by its breaker, and then asked again by one hand-over at a time. A provider
without a second one has its breaker too: while it is away, hand-overs wait in the ledger and use up no try.

Where providers have rates of their own, a hand-over that one of them lets begin goes through another one only if that one's rate allows it.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec
import structlog

from channels.breaker import Breaker
from channels.contract import (
    Channel,
    DeliveryFailed,
    Draft,
    Limits,
    Message,
    NotAsked,
    Paced,
    ProviderFault,
    Purpose,
    Receipt,
    Recipient,
    TryAgain,
    Uncertain,
)

IDLE_S = 5.0
"""A provider that nobody has asked again for so long is the one that the next hand-over goes to: nothing is under way."""
AGAIN_S = 1.0
"""Whom a provider's own rate keeps out is tried again after this."""

log = structlog.get_logger()


class FailoverDraft(msgspec.Struct, frozen=True):
    """One draft for each provider, in their order."""

    drafts: tuple[Draft, ...]
    slots: tuple[str, ...]


class Failover:
    """Channels of one kind, most preferred first, each behind its breaker."""

    def __init__(
        self, providers: Sequence[Channel], monotonic: Callable[[], float] = time.monotonic, *, breaker: Callable[..., Breaker] = Breaker
    ) -> None:
        """`monotonic` is the breakers' clock, in seconds; `breaker` makes one for it."""
        self.name: str = providers[0].name
        self.limits: Limits = providers[0].limits
        self._providers = tuple((place, provider, breaker(monotonic)) for place, provider in enumerate(providers))
        self._told: list[Callable[[], None]] = []
        self._admits: Callable[[int, int], Awaitable[bool]] | None = None
        self._asking = set[Breaker]()

    def parse_address(self, raw: str) -> str:
        """As the first provider does; all of one kind read addresses alike."""
        return self._providers[0][1].parse_address(raw)

    def compose(self, message: Message) -> FailoverDraft:
        """A draft for each."""
        drafts = tuple(provider.compose(message) for _, provider, _ in self._providers)
        return FailoverDraft(drafts, tuple(dict.fromkeys(name for draft in drafts for name in draft.slots)))

    def share_of(self, purpose: Purpose, address: str) -> float:
        """See `channels.contract.Paced`; as the first provider says."""
        first = self._providers[0][1]
        return first.share_of(purpose, address) if isinstance(first, Paced) else 1.0

    async def deliver(self, draft: FailoverDraft, to: Recipient) -> Receipt:
        """By the most preferred provider that its breaker lets through."""
        fault: ProviderFault | None = None
        kept_out = False
        for place, provider, breaker in self._providers:
            if not await self._lets_in(place, breaker, to.provider):
                kept_out = True
                continue
            to.still()  # the provider before may have taken long to fail, and this one's rate long to allow it
            if not breaker.allows():
                continue
            try:
                receipt = await provider.deliver(draft.drafts[place], to)
            except ProviderFault as error:
                fault = error
                self._failed(place, breaker)
            except Uncertain:
                self._failed(place, breaker)
                raise
            except DeliveryFailed:
                self._worked(place, breaker)
                raise
            except BaseException:
                breaker.abandoned()
                raise
            else:
                self._worked(place, breaker)
                return receipt
        raise self._later(fault, kept_out=kept_out)

    async def _lets_in(self, place: int, breaker: Breaker, begun_by: int) -> bool:
        """Whether a provider's rate has room for what another one's let begin. Of one that was left alone, one hand-over waits for that."""
        if not begun_by or self._admits is None or breaker.wait_s:
            return True
        if breaker.is_closed:
            return await self._admits(place + 1, begun_by)
        if breaker in self._asking:
            return False
        self._asking.add(breaker)
        try:
            return await self._admits(place + 1, begun_by)
        finally:
            self._asking.discard(breaker)

    async def aclose(self) -> None:
        """Close all of them."""
        for _, provider, _ in self._providers:
            await provider.aclose()

    @property
    def resting(self) -> int:
        """See `channels.contract.Guarded`."""
        return sum(1 for _, _, breaker in self._providers if not breaker.is_closed)

    @property
    def away_s(self) -> float | None:
        """See `channels.contract.Guarded`."""
        if any(breaker.is_closed for _, _, breaker in self._providers):
            return None
        return min(breaker.wait_s for _, _, breaker in self._providers)

    def when_moved(self, moved: Callable[[], None]) -> None:
        """See `channels.contract.Guarded`."""
        self._told.append(moved)

    @property
    def in_use(self) -> int:
        """See `channels.contract.Several`. While all are left alone, the first."""
        usable = (place for place, _, breaker in self._providers if breaker.is_closed or breaker.overdue_s > IDLE_S)
        return next(usable, 0) + 1

    def watch(self, moved: Callable[[], None], admits: Callable[[int, int], Awaitable[bool]]) -> None:
        """See `channels.contract.Several`."""
        self._told.append(moved)
        self._admits = admits

    def _moved(self) -> None:
        for moved in self._told:
            moved()

    def _worked(self, place: int, breaker: Breaker) -> None:
        was_closed = breaker.is_closed
        breaker.worked()
        if not was_closed:
            log.info("provider_back", channel=self.name, provider=place + 1)
            self._moved()

    def _failed(self, place: int, breaker: Breaker) -> None:
        was_closed = breaker.is_closed
        opened = breaker.failed()
        if opened and was_closed:
            log.warning("provider_left", channel=self.name, provider=place + 1, of=len(self._providers))
        if opened:
            self._moved()

    def _later(self, fault: ProviderFault | None, *, kept_out: bool) -> TryAgain:
        """Nobody took it. While all are left alone, it is tried when the first of them is asked again."""
        kind = TryAgain if fault else NotAsked
        if kept_out:
            return kind(fault.reason if fault else "the next provider takes only so many a second", after=AGAIN_S)
        if self.away_s is None:
            return fault or NotAsked("no provider can be reached now")
        return kind(fault.reason if fault else "no provider can be reached now", after=self.away_s, away=True)
