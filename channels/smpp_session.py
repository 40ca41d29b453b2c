"""One SMPP 3.4 connection: bound as a transmitter, many requests under way at once, each with its own answer.

aiosmpplib codes what is rare (bind, unbind, enquire_link); `submit_sm` makes the rest, most of it once for all people. The library's
ESME is not used: it takes messages from a queue, tells of a lost one only when a later one is sent, writes numbers and texts to its log on
errors, and leaves sockets open.

Bound as a transmitter, so that replies and receipts wait at the SMSC for a receiver instead of being lost here.
Source: SMPP v3.4, §2.2 (sessions), §3.2 (PDU header), §4.4 (submit_sm), §5.1.3 (command_status).
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import struct
from collections.abc import Sequence
from typing import Self

import msgspec
from aiosmpplib.protocol import BindTransmitter, EnquireLink, SmppMessage, Unbind
from aiosmpplib.state import SmppCommand, SmppCommandStatus

KEEPALIVE = 30.0
"""Seconds of silence after which the SMSC is asked whether it is there; after as many again the connection is given up."""

_HEADER = struct.Struct("!IIII")
_LONGEST_PDU = 70_000
_RESPONSE = 0x80000000
_LAST_SEQUENCE = 0x7FFFFFFF
_SUBMIT_SM = int(SmppCommand.SUBMIT_SM)
_UNBIND_S = 1.0


class SessionLost(Exception):
    """The connection ended. `sent` is False when the request never left."""

    def __init__(self, why: str, *, sent: bool) -> None:
        super().__init__(why)
        self.sent = sent


class Smsc(msgspec.Struct, frozen=True):
    """Where to bind, and as whom."""

    host: str
    port: int
    system_id: str
    password: str
    tls: bool = False


class Answer(msgspec.Struct, frozen=True):
    """A response: `status` is the number of the SMSC, which may be one of its own; `message_id` is empty without success."""

    status: int
    message_id: str = ""


class NoAnswer(Exception):
    """The SMSC lives and did not answer this request in time."""


Asked = tuple["asyncio.Future[Answer]", float]
"""Whom an answer is for, and when it is overdue."""


class SmppSession(asyncio.Protocol):
    """Opened by `open`, used by `submit`, ended by `aclose` or by the SMSC; then `usable` is False and another one is needed."""

    def __init__(self, answer_within: float) -> None:
        """`answer_within` is in seconds, for each request."""
        self.usable = True
        self._answer_within = answer_within
        self._loop = asyncio.get_running_loop()
        self._closed = self._loop.create_future()
        self._waiting: dict[int, Asked] = {}
        self._sequence = itertools.cycle(range(1, _LAST_SEQUENCE))
        self._buffer = b""
        self._out: list[bytes] = []
        self._heard = self._loop.time()
        self._probed = False
        self._transport: asyncio.Transport | None = None
        self._overdue: asyncio.TimerHandle | None = None
        self._alive = self._loop.call_later(KEEPALIVE, self._keep_alive)

    @classmethod
    async def open(cls, smsc: Smsc, answer_within: float) -> Self:
        """Connect and bind. Raises OSError, or SessionLost with the status."""
        context = ssl.create_default_context() if smsc.tls else None
        _, session = await asyncio.get_running_loop().create_connection(lambda: cls(answer_within), smsc.host, smsc.port, ssl=context)
        try:
            await session.bind(smsc)
        except BaseException:
            session.end("closed")
            await session.aclose()
            raise
        return session

    async def bind(self, smsc: Smsc) -> None:
        """As a transmitter. Raises SessionLost with the status."""
        answer = await self._ask(BindTransmitter(system_id=smsc.system_id, password=smsc.password))
        if answer.status != SmppCommandStatus.ESME_ROK:
            raise SessionLost(f"the SMSC refused to bind (0x{answer.status:02X})", sent=False)

    def submit(self, bodies: Sequence[bytes]) -> list[asyncio.Future[Answer]]:
        """Send submit_sm PDUs, given without their headers; each future ends in an Answer, NoAnswer or SessionLost."""
        return [self._request(_SUBMIT_SM, body) for body in bodies]

    async def aclose(self) -> None:
        """Unbind, politely but not patiently."""
        if self.usable:
            asked = self._ask(Unbind())
            await asyncio.wait([asked], timeout=_UNBIND_S)
        self.end("closed")
        await asyncio.wait([self._closed], timeout=_UNBIND_S)

    def end(self, why: str) -> None:
        """Close now; whoever waits for an answer is told why none will come."""
        self.usable = False
        self._alive.cancel()
        if self._overdue is not None:
            self._overdue.cancel()
        for answer, _ in self._waiting.values():
            if not answer.done():
                answer.set_exception(SessionLost(why, sent=True))
        self._waiting.clear()
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = transport  # type: ignore[assignment]  # TCP and TLS give one that reads and writes

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio's."""
        self.end("the SMSC closed the connection")
        if not self._closed.done():
            self._closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take all whole PDUs."""
        self._heard, self._probed = self._loop.time(), False
        octets, at = self._buffer + data if self._buffer else data, 0
        while self.usable and len(octets) - at >= _HEADER.size:
            length, command, status, sequence = _HEADER.unpack_from(octets, at)
            if not _HEADER.size <= length <= _LONGEST_PDU:
                self.end("the SMSC sent what is not SMPP")
                return
            if len(octets) - at < length:
                break
            if command & _RESPONSE:
                self._answered(sequence, status, octets[at + _HEADER.size : at + length])
            else:
                self._respond(command, sequence)
            at += length
        self._buffer = octets[at:]

    def _ask(self, message: SmppMessage) -> asyncio.Future[Answer]:
        pdu: bytes = message.pdu()
        return self._request(int(message.smpp_command), pdu[_HEADER.size :])

    def _request(self, command: int, body: bytes) -> asyncio.Future[Answer]:
        answer: asyncio.Future[Answer] = self._loop.create_future()
        if not self.usable:
            answer.set_exception(SessionLost("the connection to the SMSC is closed", sent=False))
            return answer
        sequence = next(self._sequence)
        self._waiting[sequence] = (answer, self._loop.time() + self._answer_within)
        self._write(_HEADER.pack(_HEADER.size + len(body), command, 0, sequence) + body)
        if self._overdue is None:
            self._overdue = self._loop.call_later(self._answer_within, self._look)
        return answer

    def _write(self, pdu: bytes) -> None:
        """All that is written in one turn of the loop goes out at once."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(pdu)

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _answered(self, sequence: int, status: int, body: bytes) -> None:
        """A second answer to one request, or one to a request that nobody made, is nobody's."""
        asked = self._waiting.pop(sequence, None)
        if asked is not None and not asked[0].done():
            asked[0].set_result(Answer(status, body.partition(b"\x00")[0].decode("ascii", "replace")))

    def _respond(self, command: int, sequence: int) -> None:
        """Answer a request of the SMSC. What it brings (deliver_sm) is not taken: "not now" makes it keep the message."""
        if command in {SmppCommand.ENQUIRE_LINK, SmppCommand.UNBIND}:
            reply, status, body = command | _RESPONSE, SmppCommandStatus.ESME_ROK, b""
        elif command == SmppCommand.DELIVER_SM:
            reply, status, body = command | _RESPONSE, SmppCommandStatus.ESME_RX_T_APPN, b"\x00"
        else:
            reply, status, body = SmppCommand.GENERIC_NACK, SmppCommandStatus.ESME_RINVCMDID, b""
        self._write(_HEADER.pack(_HEADER.size + len(body), reply, status, sequence) + body)
        if command == SmppCommand.UNBIND:
            self._flush()
            self.end("the SMSC closed the connection")

    def _look(self) -> None:
        """One timer for all answers: requests are in order, so the first is the first to be overdue."""
        self._overdue = None
        now = self._loop.time()
        while self._waiting:
            sequence, (answer, due) = next(iter(self._waiting.items()))
            if not answer.done() and due > now:
                self._overdue = self._loop.call_later(due - now, self._look)
                return
            del self._waiting[sequence]
            if not answer.done():
                answer.set_exception(NoAnswer("the SMSC did not answer"))

    def _keep_alive(self) -> None:
        silent = self._loop.time() - self._heard
        if silent < KEEPALIVE:
            self._alive = self._loop.call_later(KEEPALIVE - silent, self._keep_alive)
        elif self._probed:
            self.end("the SMSC fell silent")
        else:
            self._probed = True
            self._write(EnquireLink(sequence_num=next(self._sequence)).pdu())
            self._alive = self._loop.call_later(KEEPALIVE, self._keep_alive)
