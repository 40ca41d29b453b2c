"""Which senders can reach the providers of a channel: who can't leaves the work to those who can.

A sender whose breakers are all open says so (`frames.Doing.away`). It is given nothing until its rest is over, and then one person to try
with. Whom it turned back is due again at once while another sender, here or on another node, may reach them; when nobody can, by
`retry_policy`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from msgspec.structs import replace

from hub.delivery.handle import Handle
from hub.delivery.ledger.batches import Leased
from hub.delivery.sending.frames import Row
from hub.delivery.sending.outcome import Outcome

KEPT_S = 3.0
"""What another node said counts for so long; it is said each second."""


class Reach:
    """Of one node. `elsewhere` says whether another node may reach a channel."""

    def __init__(self, handles: Callable[[], Sequence[Handle]], elsewhere: Callable[[str], bool]) -> None:
        self._handles, self._elsewhere = handles, elsewhere

    def __call__(self, channel: str) -> bool:
        """Whether anybody may be reached on it, by any sender of any node."""
        return any(channel not in handle.doing.away for handle in self._living()) or self._elsewhere(channel)

    @property
    def away(self) -> set[str]:
        """Channels that none of this node's senders can reach."""
        return set.intersection(*[set(handle.doing.away) for handle in self._living()] or [set()])

    def rooms(self, channel: str) -> list[tuple[Handle, int, int]]:
        """The senders that have room, with `Handle.room`: who can reach it before who has to try, then the one with most room, so that two
        share one large alert from its first second."""
        rooms = [(handle, *handle.room(channel)) for handle in self._living()]
        order = sorted(rooms, key=lambda room: (channel in room[0].doing.away, -room[1], -room[2], len(room[0].held)))
        return [room for room in order if room[1]]

    def to_try(self, handle: Handle, leased: Leased, at_ms: int) -> tuple[Leased, list[Row]]:
        """What a sender is given of a batch, and whom it is not: while others reach the channel, one person is enough to try with."""
        if leased.channel not in handle.doing.away or leased.simulated or not self(leased.channel):
            return leased, []
        rest = [Row(to.address, Outcome.WAITING, at_ms, after=0.0) for to in leased.recipients[1:]]
        return replace(leased, recipients=leased.recipients[:1]), rest

    def _living(self) -> list[Handle]:
        return [handle for handle in self._handles() if not handle.ended.is_set()]


class Elsewhere:
    """Called with a channel it answers whether another node may reach it: whoever has said nothing may."""

    def __init__(self, node: Callable[[], int], others: Callable[[], int], timer: Callable[[], float] = time.monotonic) -> None:
        """`node` is this one's number, `others` counts the other nodes that hand over."""
        self._node, self._others, self._timer = node, others, timer
        self._heard: dict[tuple[str, int], float] = {}

    def body(self, away: Collection[str]) -> bytes:
        """A signal's body: what is away from this node."""
        return " ".join([str(self._node()), *sorted(away)]).encode()

    def heard(self, body: bytes) -> None:
        """A node said so."""
        number, *channels = body.decode("ascii", "replace").split() or [""]
        if number.isdecimal() and int(number) != self._node():
            self._heard |= {(channel, int(number)): self._timer() for channel in channels}

    def __call__(self, channel: str) -> bool:
        now = self._timer()
        self._heard = {said: at for said, at in self._heard.items() if now - at <= KEPT_S}
        return self._others() > sum(1 for name, _ in self._heard if name == channel)
