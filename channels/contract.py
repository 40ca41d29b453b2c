"""What every channel is: a Message goes in, one person at a time is reached, and only the transport's answer counts.

A channel knows a Message and an address, and nothing of alerts, people or databases. The hub composes a Draft once per mailing and
language, then delivers it to each recipient; pacing, retries, deadlines and the ledger are the hub's.

Errors::

    ChannelError
    ├── InvalidAddress      the text can't be an address of this kind; says how to mend it
    ├── NotConfigured       this hub has no provider for the channel
    └── DeliveryFailed
        ├── TryAgain        429, 5xx, a full mailbox, SMPP throttling; `after` in seconds when the provider said so
        │   ├── ProviderFault       nothing was sent, and the next person would fare no better: a refused log-in, a broken provider
        │   │   └── Unreachable     refused or impossible connections: nobody was there to answer
        │   └── NotAsked            nobody was asked: whoever could take it is left alone for now
        ├── Uncertain       it was sent and no answer came: it may or may not have arrived
        └── Rejected        it will never be taken; `address_is_dead` closes the address
            └── OptedOut    its owner has told the provider to let nothing of ours through
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import msgspec

Purpose = Literal["alert", "confirm", "access", "notice", "strike", "answer"]
"""``strike`` strikes an earlier message through, on channels that can; ``answer`` goes back to whoever wrote."""

SLOT_NAMES = ("why", "unsubscribe", "confirm", "access", "bounce")
"""What may differ between two recipients of one text. In alerts: links that explain and links that end, neither gives control.
``confirm`` proves an address and ``access`` is a one-use link; both stand only in a letter to that one address. ``bounce`` is no link
but the address that a mail which can't be delivered comes back to."""


def slot(name: str) -> str:
    """The mark that stands for a person's own link in a rendered text.

    C0 characters never survive in alert text, so nobody can write such a mark by hand.
    """
    return f"\x02{name}\x03"


class ChannelError(Exception):
    """Whatever a channel raises on purpose."""


class InvalidAddress(ChannelError, ValueError):
    """The text can't be an address of this kind. The message says how to mend it and never repeats the address.

    A ValueError too, so that whoever is given a `parse_address` as a plain function need not know channels.
    """


class NotConfigured(ChannelError):
    """This hub has no provider for the channel."""


class DeliveryFailed(ChannelError):
    """One hand-over did not succeed. `reason` is short, stable and free of addresses."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CalledOff(ChannelError):
    """While a hand-over waited, its message was stopped or ran out: nothing of it was sent."""


class TryAgain(DeliveryFailed):
    """A passing fault. `after` is the provider's own wish in seconds (Retry-After), None when it said nothing.

    `away` says that all providers of the channel are left alone here; another process may reach one.
    """

    def __init__(self, reason: str, after: float | None = None, *, away: bool = False) -> None:
        super().__init__(reason)
        self.after, self.away = after, away


class ProviderFault(TryAgain):
    """Certainly not sent, because of the provider and not of this message: it can't be reached, refuses our log-in, or is broken.

    Counts against its breaker, and the next provider may take the same person at once.
    """


class Unreachable(ProviderFault):
    """No connection stood, so nothing was sent and the provider said nothing at all."""


class NotAsked(TryAgain):
    """Nothing was begun: every provider, or the receiver's host, is left alone after failures or takes no more now."""


class Uncertain(DeliveryFailed):
    """The message left and no answer came back, so another try may be a duplicate."""


class Rejected(DeliveryFailed):
    """A final no. `address_is_dead` when the address itself is gone (404/410 push, 5.1.1 mail, a chat that is no more)."""

    def __init__(self, reason: str, *, address_is_dead: bool = False) -> None:
        super().__init__(reason)
        self.address_is_dead = address_is_dead


class OptedOut(Rejected):
    """The owner has told the provider to let nothing of ours through: as good as a STOP to us, and their START undoes it as well."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, address_is_dead=True)


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel's transport allows."""

    concurrency: int = 64
    """Hand-overs under way at once in one sender process."""
    per_second: float | None = None
    """Hand-overs a second that the provider allows this hub in total, None for no limit."""
    per_second_each: float | None = None
    """Messages a second that one receiver takes: a chat, or a host; None for no limit."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One text for one channel in one language, the same for everyone who gets it.

    `parts` holds the rendered words by the names of the channel's templates, for instance ``subject``, ``text`` and ``html`` of an
    e-mail; they may hold `slot` marks.
    """

    purpose: Purpose
    topic: str
    """Stable key of the alert's chain (the first alert's id): a later message with the same topic replaces an earlier one."""
    language: str
    """BCP 47 tag of the frame, e.g. ``es``."""
    severity: str = "Unknown"
    urgency: str = "Unknown"
    status: str = "Actual"
    parts: Mapping[str, str]
    link: str
    """The public page of the alert, or the hub's front page."""
    sent_at: float
    """Seconds since 1970, when the message was published."""
    expires_at: float
    """Seconds since 1970, after which nothing may be handed over."""
    silent: bool = False
    reference: str = ""
    """What a reader's answer to this message names, such as a press of "I have read this"; empty where nothing can be answered."""
    data: str = ""
    """JSON of the alert for machines; empty for messages that only people read."""


Still = Callable[[], None]
"""Raises CalledOff when a message may not be handed over any more."""


def _still() -> None:
    """Nothing can call it off."""


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """One person at one address. `delivery_id` is the idempotency key: the webhook-id and the left part of the Message-ID."""

    delivery_id: str
    address: str
    """The canonical form that `Channel.parse_address` returned."""
    links: Mapping[str, str] = {}
    """Slot name → URL, for the slots that the draft names."""
    earlier: int | None = None
    """The provider's number of the earlier message of the same topic that this one answers or strikes through."""
    still: Still = _still
    """Asked after every wait that comes before the first byte of the message, such as for a connection or for another's turn."""
    provider: int = 0
    """Place of the provider by whose rate this hand-over may begin, see `Several`; 0 where that is the same for all of them."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The transport took it. `copy` is what the outbox keeps; `provider_id` ties later delivery reports to this hand-over."""

    provider_id: str | None = None
    simulated: bool = False
    copy: str | None = None


class Draft(Protocol):
    """A message made ready for one channel; each channel has its own."""

    @property
    def slots(self) -> tuple[str, ...]:
        """The links that must be stamped per person."""


@runtime_checkable
class Channel(Protocol):
    """One way to reach a person."""

    name: ClassVar[str]
    limits: ClassVar[Limits]

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """Return the canonical form, without any I/O. Raises InvalidAddress."""

    def compose(self, message: Message) -> Draft:
        """Do everything that all recipients share. Called once per mailing and language."""

    async def deliver(self, draft: Any, to: Recipient) -> Receipt:
        """Hand the draft to the transport for one person: no loops, no sleeps, no retries. Raises DeliveryFailed.

        `draft` is what this same channel's `compose` returned; each names its own type, which is why it is Any here.
        """

    async def aclose(self) -> None:
        """Close what was opened."""


@runtime_checkable
class Hosted(Protocol):
    """A channel whose addresses live on hosts of their own, as webhooks do: one that is slow or dead must not hold up the others."""

    one_rate_a_host: ClassVar[bool]
    """Whether `Limits.per_second_each` counts for a host; else for each address."""

    def host_of(self, address: str) -> str:
        """The host that answers for a canonical address, by any name that is the same for all of its addresses."""


@runtime_checkable
class Paced(Protocol):
    """A channel whose receivers do not all take the same rate."""

    def share_of(self, purpose: Purpose, address: str) -> float:
        """What part of `per_second_each` the receiver of a canonical address takes; 0 where such messages don't count."""


@runtime_checkable
class Guarded(Protocol):
    """A channel that leaves a failing provider alone for a while."""

    @property
    def resting(self) -> int:
        """Providers that are left alone now."""

    @property
    def away_s(self) -> float | None:
        """None while any of its providers works; else seconds until one of them may be asked again, 0 when one may be now."""

    def when_moved(self, moved: Callable[[], None]) -> None:
        """Call `moved` whenever a provider is left alone, once more, or is back."""


@runtime_checkable
class Several(Protocol):
    """A channel that goes through the most preferred of its providers that works. They are called by their place in the setting, from 1."""

    @property
    def in_use(self) -> int:
        """Place of the provider that hand-overs go through now."""

    def watch(self, moved: Callable[[], None], admits: Callable[[int, int], Awaitable[bool]]) -> None:
        """Call `moved` when another one may be in use. A recipient whose `provider` is not 0 is given to one only when
        `admits(place, provider)` says that this one's rate allows it."""


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the channels of one hub need to know; made by the hub and sent to its sender processes."""

    public_url: str
    smtp: str | None = None
    """``smtp://user:pass@host:port`` or ``smtps://…``; ``?starttls=never`` for a relay on loopback. Several with white space between
    them: the first is preferred, the next takes over while it fails."""
    mail_from: str = "alerts@localhost"
    bounces: str = ""
    """Mailbox that takes mails which come back; each leaves with a return path of its own there. Empty for none."""
    sms: str | None = None
    """``smpp://user:pass@host:port``, an Apprise URL of an SMS service, or ``https://user:pass@host/…`` of a Twilio-compatible API;
    several as for `smtp`."""
    sms_from: str = ""
    telegram_token: str | None = None
    telegram_api: str | None = None
    vapid_private_key: str | None = None
    """PEM of the P-256 key that identifies this hub to push services (RFC 8292)."""
    vapid_subject: str = ""
    """``mailto:`` or ``https:`` contact for push services."""
    webhook_key: bytes = b""
    """32 bytes from which each webhook address's own Standard Webhooks secret is derived."""
    webhook_hosts: tuple[str, ...] = ()
    """``host`` or ``host:port`` of receivers that staff have allowed: no look at what address their name has."""
    allow_private: bool = False
    """Loopback and private addresses may be reached: for tests and benchmarks."""
    outbox: bool = False
