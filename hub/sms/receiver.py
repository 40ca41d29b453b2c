"""The hub's one receiver at each SMSC: what phones write is answered to the SMSC only after the hub's own answer stands in the ledger.

A message that was not taken, or whose acknowledgement was lost, comes again, and is told from a new one by `subscriptions.answering`.
"""

from __future__ import annotations

import asyncio
import random

import structlog
from aiosmpplib.state import SmppCommandStatus as Status

from channels import deliver_sm
from channels.deliver_sm import Unreadable
from channels.smpp_session import NoAnswer, SessionLost, SmppSession, Smsc
from hub.sms.inbox import Inbound, Inbox
from subscriptions.answering import Part

ANSWER_S = 30.0
CONNECT_S = 15.0
PAUSE_S = (0.5, 60.0)
"""Seconds before the first repetition after a fault, and the longest."""

log = structlog.get_logger("sms")


class Receiver:
    """Bound to one SMSC for as long as it runs."""

    def __init__(self, smsc: Smsc, inbox: Inbox, pause_s: tuple[float, float] = PAUSE_S) -> None:
        self._smsc, self._inbox, self._pause_s = smsc, inbox, pause_s
        self._faults = 0
        self.state = ""
        """``ok`` while it is bound, why not while it tries; empty while it does not run, since another node's does."""

    async def run(self) -> None:
        """Until cancelled. An SMSC that is away, or takes no receiver, is asked again with growing pauses."""
        self.state = "not bound yet"
        try:
            await self._run()
        finally:
            self.state = ""

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(CONNECT_S):
                    session = await SmppSession.open(self._smsc, ANSWER_S, self._take)
            except (OSError, SessionLost, NoAnswer) as error:
                await self._pause(str(error) if isinstance(error, SessionLost) else type(error).__name__)
                continue
            log.info("sms_receiver_bound")
            self._faults, self.state = 0, "ok"
            try:
                await session.ended()
            finally:
                await session.aclose()
            await self._pause("the SMSC closed the connection")

    async def _pause(self, why: str) -> None:
        first, longest = self._pause_s
        pause = min(longest, first * 2 ** min(self._faults, 16)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        self._faults += 1
        self.state = f"not bound: {why}"
        log.warning("sms_receiver_away", why=why, faults=self._faults, again_in_s=round(pause, 1))
        await asyncio.sleep(pause)

    async def _take(self, command: int, body: bytes) -> int:
        try:
            message = deliver_sm.read(command, body)
        except Unreadable:
            log.warning("sms_unreadable")
            return int(Status.ESME_RINVMSGLEN)
        if message.is_receipt:
            log.info("sms_receipt_ignored")
            return int(Status.ESME_ROK)  # none is asked for; one that comes all the same is not repeated for ever
        part = None if message.joined is None else Part(message.joined.reference, message.joined.total, message.joined.number)
        try:
            await self._inbox.receive(Inbound(message.sender, message.text, part=part))
        except Exception as error:  # noqa: BLE001 - the boundary of the process: the SMSC keeps the message, and the next is served
            log.error("sms_not_taken", error=type(error).__name__)  # noqa: TRY400 - a traceback may quote what was said
            return int(Status.ESME_RX_T_APPN)
        return int(Status.ESME_ROK)
