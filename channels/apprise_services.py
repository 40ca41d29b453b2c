"""Any of Apprise's services: the long tail, in a pool of threads of its own.

Apprise answers yes or no and gives no reason (but see `apprise_failures`), so every no is tried again until the message expires, and no
address is ever called dead.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import ClassVar, Literal

import apprise
import msgspec

from channels import apprise_failures
from channels.apprise_address import ASSET, load_services, open_service, parse_service, service_of
from channels.apprise_text import fit
from channels.contract import ChannelSettings, DeliveryFailed, Limits, Message, NotAsked, Receipt, Recipient, Rejected, Uncertain
from channels.stamping import Stamp

AT_ONCE = 64
MOST_THREADS = 256
"""Those of hand-overs that took too long among them: such a thread can't be ended, and hangs for as long as its service lets it."""
TIMEOUT = 30.0
"""Seconds for one hand-over, all requests of a service together."""

load_services()  # here, since whoever loads this module does so in a thread
Mood = Literal["info", "warning"]
_MOODS: dict[str, Mood] = {"Extreme": "warning", "Severe": "warning"}


class ServiceDraft(msgspec.Struct, frozen=True):
    """Title and text, ready to be stamped. `mood` is Apprise's notify type: colour and icon where a service has them."""

    title: Stamp
    text: Stamp
    mood: Mood
    slots: tuple[str, ...]


class AppriseServices:
    """Hands messages to whatever service an address names."""

    name: ClassVar[str] = "apprise"
    one_rate_a_host: ClassVar[bool] = False
    limits: ClassVar[Limits] = Limits(concurrency=AT_ONCE)

    def __init__(
        self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeout: float = TIMEOUT, fits: bool = False
    ) -> None:
        """`timeout` in seconds is for one hand-over. With `fits`, texts have their right length and are never cut."""
        self._timeout, self._fits = timeout, fits
        self._threads: ThreadPoolExecutor | None = None
        self._free = asyncio.Semaphore(MOST_THREADS)

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """Any address that Apprise can use; what residents may enter is `apprise_address.parse_resident`'s to say."""
        return parse_service(raw)

    def host_of(self, address: str) -> str:
        """The service, or its host where people run it themselves."""
        return service_of(address)

    def compose(self, message: Message) -> ServiceDraft:
        """`message.parts` needs ``text``, and has ``title`` where the words have one."""
        title, text = Stamp(message.parts.get("title", "")), Stamp(message.parts["text"])
        slots = tuple(dict.fromkeys(title.slots + text.slots))
        return ServiceDraft(title, text, _MOODS.get(message.severity, "info"), slots)

    async def deliver(self, draft: ServiceDraft, to: Recipient) -> Receipt:
        """Hand over in a thread. One that takes too long can't be stopped and may still succeed; what none began was never sent."""
        title, text = draft.title.stamp(to.links), draft.text.stamp(to.links)
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError:
            raise NotAsked("all threads for Apprise's services are busy") from None
        try:
            to.still()
            sending = self._pool().submit(send, to.address, title, text, draft.mood, self._timeout, fits=self._fits)
        except BaseException:
            self._free.release()
            raise
        sending.add_done_callback(partial(self._ended, asyncio.get_running_loop()))
        try:
            async with asyncio.timeout(self._timeout):
                failure = await asyncio.wrap_future(sending)
        except TimeoutError:
            raise Uncertain("the service did not answer in time") from None
        if failure is not None:
            raise failure
        return Receipt()

    def _pool(self) -> ThreadPoolExecutor:
        """Never fuller than it has threads, so nobody waits in its own queue, where nothing could be called off."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="apprise")
        return self._threads

    def _ended(self, loop: asyncio.AbstractEventLoop, _: object) -> None:
        """Called in the thread, maybe when the loop is no more."""
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._free.release)

    async def aclose(self) -> None:
        """Threads that are under way end by their own timeouts."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False, cancel_futures=True)


def send(url: str, title: str, text: str, mood: Mood, timeout: float, *, fits: bool) -> DeliveryFailed | None:
    """One message to one service, in the calling thread; what became of it if the service did not take it."""
    service = open_service(url)
    if service is None:
        return Rejected("this version of Apprise can't use the address")
    service.retry = 0
    service.socket_connect_timeout = min(service.socket_connect_timeout, timeout)
    # Apprise would give up after four seconds, and a slow service get the message again and again: who waits for this thread goes first.
    service.socket_read_timeout = timeout + 1.0
    if not fits:
        title, text = fit(service, title, text)
    hub = apprise.Apprise(asset=ASSET)
    hub.add(service)
    with apprise_failures.heard() as errors:
        taken = hub.notify(body=text, title=title, notify_type=mood, body_format=apprise.NotifyFormat.TEXT)
    return None if taken else apprise_failures.failure(errors, len(service))
