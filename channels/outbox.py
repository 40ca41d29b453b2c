"""The channel that keeps instead of sending: for demonstrations, sample people, and channels without a provider."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import ClassVar

import msgspec

from channels.contract import ChannelSettings, InvalidAddress, Limits, Message, Receipt, Recipient
from channels.stamping import Stamp, slots_of, stamp_part


class OutboxDraft(msgspec.Struct, frozen=True):
    """The parts, ready to be stamped, and what the outbox page needs to show them as a phone, a mail or a chat would."""

    about: Mapping[str, str | bool]
    parts: Mapping[str, Stamp]
    slots: tuple[str, ...]


class Outbox:
    """Takes every message and says what would have gone, as the receipt's copy."""

    name: ClassVar[str] = "outbox"
    limits: ClassVar[Limits] = Limits(concurrency=256)

    def __init__(self, kind: str, settings: ChannelSettings, clock: Callable[[], float] = time.time) -> None:
        """`kind` is the channel that it stands for."""
        self.kind = kind

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """Any text; real addresses are read by the channel that the outbox stands for."""
        if not raw.strip():
            raise InvalidAddress("an address can't be empty")
        return raw.strip()

    def compose(self, message: Message) -> OutboxDraft:
        """Cut the parts at their slots."""
        parts = {name: stamp_part(name, text) for name, text in message.parts.items()}
        about: dict[str, str | bool] = {
            "channel": self.kind,
            "purpose": message.purpose,
            "language": message.language,
            "severity": message.severity,
            "status": message.status,
            "silent": message.silent,
            "link": message.link,
            "data": message.data,
        }
        return OutboxDraft(about, parts, slots_of(message.parts.values()))

    async def deliver(self, draft: OutboxDraft, to: Recipient) -> Receipt:
        """Keep a copy: JSON with `parts` as this person would see them, and no address."""
        parts = {name: stamp.stamp(to.links) for name, stamp in draft.parts.items()}
        return Receipt(simulated=True, copy=json.dumps({**draft.about, "parts": parts}, ensure_ascii=False))

    async def aclose(self) -> None:
        """Nothing was opened."""
