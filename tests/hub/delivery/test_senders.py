"""Sender processes that are told to end while a provider hangs: they say their last word in time, so that nobody else is in doubt."""

from __future__ import annotations

import math
import time

from channels.contract import ChannelSettings, Message
from hub.delivery.coordinator import WINDOW
from hub.delivery.handle import Handle
from hub.delivery.senders import Senders
from hub.delivery.sending import frames
from hub.delivery.sending.frames import To
from subscriptions.vault import Keyring
from tests.peers.http_sink import HANG, HttpSink
from tests.peers.smtp import mail_server
from tests.waiting import until


async def lost(_: Handle) -> None:
    raise AssertionError


class House:
    """One sender, and a text for one person."""

    def __init__(self, settings: ChannelSettings) -> None:
        self._keyring = Keyring.generate()
        configure = frames.Configure(settings, self._keyring.to_bytes(), WINDOW, 0.0, {}, {})
        self.said: list[frames.ToCoordinator] = []
        self.senders = Senders(
            configure,
            1,
            word=lambda: frames.Alive(math.inf),
            unwritten=tuple,
            heard=lambda _, frame: self.said.append(frame),
            gone=lambda: None,
            lost=lost,
        )

    async def give(self, channel: str, address: str) -> Handle:
        await self.senders.start_all()
        (sender,) = self.senders.handles
        now = time.time()
        message = Message(
            purpose="alert", topic="t", language="en", parts=dict.fromkeys(("title", "body", "subject", "text"), "t"),
            link="http://hub.invalid/a", sent_at=now, expires_at=now + 3600,
        )  # fmt: skip
        person = To(1, 1, 1, *self._keyring.seal(channel, address))
        sender.send(frames.Work(1, 1, channel, "en", False, message, 2, False, 0, [person]))
        return sender

    async def end(self) -> list[tuple[int, bool]]:
        """(address, whether it may have been sent) of all that was reported."""
        await self.senders.drain()
        await self.senders.end()
        return [(row.address, row.maybe_sent) for frame in self.said if isinstance(frame, frames.Receipts) for row in frame.rows]


async def test_a_thread_that_waits_for_a_slow_service_holds_up_nobody() -> None:
    async with HttpSink(lambda _: HANG) as sink:
        house = House(ChannelSettings(public_url="http://hub.invalid", allow_private=True))
        sender = await house.give("apprise", f"json://{sink.url.removeprefix('http://')}/1")
        await sink.arrived(1)
        assert await house.end() == [(1, True)]
        assert sender.process.returncode == 0


async def test_a_mail_server_that_does_not_say_goodbye_holds_up_nobody() -> None:
    async with mail_server() as mails:
        mails.hang = True
        house = House(ChannelSettings(public_url="http://hub.invalid", smtp=mails.url, mail_from="hub@example.org"))
        sender = await house.give("email", "a@example.org")
        await until(lambda: mails.unanswered)
        assert await house.end() == [(1, True)]
        assert sender.process.returncode == 0
