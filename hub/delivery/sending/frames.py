"""What the coordinator and its senders say to each other: length-prefixed msgpack over a socket pair."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import Mapping

import msgspec

from channels.contract import ChannelSettings, Message
from hub.durations import Durations

THREADED = frozenset({"telegram"})
"""Channels where a message may answer another, and whose messages' numbers are reported: see `hub.delivery.ledger.threads`. It stands here
because a sender must not load what only the ledger needs."""

_LENGTH = struct.Struct("<I")


class Configure(msgspec.Struct, frozen=True, tag="configure"):
    """First frame to a sender: everything it needs to know, since it never reads the database or the environment."""

    channels: ChannelSettings
    keyring: bytes
    window: int
    clock_shift: float
    per_second_each: dict[str, float] = {}
    """Channel → messages a second that each of its receivers takes; none for no limit."""
    provider_rates: dict[str, float | None] = {}
    """By `provider_key`: hand-overs a second of the providers of those channels where one has a rate of its own, None for no limit."""


class To(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One recipient as the ledger read it at lease; the address is still sealed."""

    address: int
    subscriber: int
    epoch: int
    key_id: int
    sealed: bytes


class Work(msgspec.Struct, frozen=True, tag="work", omit_defaults=True):
    """One leased batch. `language` is its readers', which the words may not be in; `serial` goes into links that work once; `earlier` is
    the number of the message that is answered or struck through, by address."""

    batch: int
    mailing: int
    channel: str
    language: str
    simulated: bool
    message: Message
    priority: int
    limited: bool
    """Whether each of its people needs a credit."""
    serial: int
    recipients: list[To]
    earlier: dict[int, int] = {}


class Committed(msgspec.Struct, frozen=True, tag="committed"):
    """So many receipts are on disk: the window moves on."""

    count: int


class Credits(msgspec.Struct, frozen=True, tag="credits"):
    """So many more hand-overs of a limited channel may begin, soon: what is kept for long would go out in a burst. `key` is the
    provider's whose rate allows it, see `provider_key`."""

    channel: str
    count: int
    key: str


class Unused(msgspec.Struct, frozen=True, tag="unused"):
    """So many credits are void: nobody could be begun with them in time."""

    channel: str
    count: int


class Wanted(msgspec.Struct, frozen=True, tag="wanted"):
    """So many wait in a sender for the rate of one receiver, or of a provider beside the one in use, of this priority at most; takes the
    place of what was said of it before."""

    key: str
    per_second: float
    priority: int
    count: int


class Granted(msgspec.Struct, frozen=True, tag="granted"):
    """So many of those may begin, soon."""

    key: str
    count: int


class Halt(msgspec.Struct, frozen=True, tag="halt"):
    """Hand over no more of this mailing. While the ledger can't be told, whoever waits is put off: nobody is called withheld by a stop that
    was not written."""

    mailing: int
    written: bool = True


class Recall(msgspec.Struct, frozen=True, tag="recall"):
    """Hand over no more to these of a batch: they have changed something, and are to be leased anew."""

    batch: int
    addresses: list[int]


class Alive(msgspec.Struct, frozen=True, tag="alive"):
    """Either side, every second: silence means hung.

    To a sender it says until when it may hand over, and until when it may begin anybody, by `time.monotonic`, which is one clock for all
    processes of a machine: a frame that was read late can't prolong a lease.
    """

    until: float = 0.0
    begin_until: float = math.inf


class Doing(msgspec.Struct, frozen=True, tag="doing"):
    """From a sender, each second: hand-overs under way, those ahead of receipts on disk, how many had to wait for the window since the last
    word, how many providers or hosts of each channel are left alone after failures, how long providers have taken since the last word,
    the place of the provider in use where that is not the first of a channel whose providers have rates of their own, and, for each channel
    of which no provider can be reached from here, until when none is asked, by `time.monotonic`.

    Said at once when one of the last two changes.
    """

    in_flight: int = 0
    ahead: int = 0
    waits: int = 0
    resting: dict[str, int] = {}
    took: dict[str, Durations] = {}
    in_use: dict[str, int] = {}
    away: dict[str, float] = {}


class Drain(msgspec.Struct, frozen=True, tag="drain"):
    """Start nothing more, finish what is in flight, send the receipts and end."""


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How one hand-over ended. `outcome` WAITING means: try again, after `after` seconds when the provider said so; where the channel is
    only `away` from this sender, another one may try at once."""

    address: int
    outcome: int
    at_ms: int
    reason: str | None = None
    after: float | None = None
    dead: bool = False
    maybe_sent: bool = False
    copy: str | None = None
    posted: int | None = None
    away: bool = False
    opted_out: bool = False


class Receipts(msgspec.Struct, frozen=True, tag="receipts", omit_defaults=True):
    """What became of some people of one batch; `finished` when every recipient of it is accounted for.

    Nearly all are `handed_over`, of which only the addresses are told, and when the first and the last of them were; each other one, and
    each of whom there is more to say, has a row.
    """

    batch: int
    rows: list[Row] = []
    handed_over: list[int] = []
    first_ms: int = 0
    last_ms: int = 0
    finished: bool = False

    @property
    def count(self) -> int:
        """Of how many people it tells."""
        return len(self.rows) + len(self.handed_over)


ToSender = Configure | Work | Committed | Credits | Granted | Halt | Recall | Alive | Drain
ToCoordinator = Receipts | Unused | Wanted | Doing | Alive


def provider_key(channel: str, place: int, rates: Mapping[str, float | None]) -> str:
    """What the rate of a provider is called, for all nodes: that of the channel for those without one of their own."""
    key = f"{channel}:{place}"
    return key if key in rates else channel


_encoder = msgspec.msgpack.Encoder()
to_sender = msgspec.msgpack.Decoder(ToSender)
to_coordinator = msgspec.msgpack.Decoder(ToCoordinator)


def encode(frame: ToSender | ToCoordinator) -> bytes:
    """One frame with its length in front."""
    body = _encoder.encode(frame)
    return _LENGTH.pack(len(body)) + body


async def read(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame's body, None when the other side has gone."""
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        return await reader.readexactly(length)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
