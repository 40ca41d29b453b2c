"""One SMPP 3.4 connection: bound to send or to receive, many requests under way at once, each with its own answer.

aiosmpplib codes what is rare (bind, unbind, enquire_link); `submit_sm` makes the rest, most of it once for all people. The library's
ESME is not used: it takes messages from a queue, tells of a lost one only when a later one is sent, writes numbers and texts to its log on
errors, and leaves sockets open.

Senders bind as transmitters, so that what phones write waits at the SMSC for the hub's one receiver. A receiver answers each message only
after whoever takes it is done with it, one after the other in the order in which they came: until then the SMSC has it too.
Source: SMPP v3.4, §2.2 (sessions), §3.2 (PDU header), §4.4 (submit_sm), §4.6 (deliver_sm), §5.1.3 (command_status).
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

import msgspec
from aiosmpplib.protocol import BindReceiver, BindTransmitter, EnquireLink, SmppMessage, Unbind
from aiosmpplib.state import SmppCommand, SmppCommandStatus

from channels.connecting import connect, verified

KEEPALIVE = 30.0
"""Seconds of silence after which the SMSC is asked whether it is there; after as many again the connection is given up."""

_HEADER = struct.Struct("!IIII")
_LONGEST_PDU = 70_000
_RESPONSE = 0x80000000
_LAST_SEQUENCE = 0x7FFFFFFF
_SUBMIT_SM = int(SmppCommand.SUBMIT_SM)
_WRONG_BIND = int(SmppCommandStatus.ESME_RINVBNDSTS)
_UNBIND_S = 1.0
_BROUGHT = frozenset({int(SmppCommand.DELIVER_SM), int(SmppCommand.DATA_SM)})
_WAITING_AT_MOST = 256
"""Messages of phones that wait here; beyond them the SMSC is asked to keep its own."""

Taken = Callable[[int, bytes], Awaitable[int]]
"""(command, body) of a message that a phone sent → command_status of the answer; an error is "not now", so that it comes again."""


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
    """Opened by `open`, used by `submit`, ended by `aclose` or by the SMSC; then `usable` is False and another one is needed.

    So it is once the SMSC says that this is no bind that may send: then the session ends with the last answer that is still due.
    """

    def __init__(self, answer_within: float, taken: Taken | None = None) -> None:
        """`answer_within` is in seconds, for each request; with `taken` it receives instead of sending."""
        self.usable = True
        self._over = False
        self._answer_within = answer_within
        self._loop = asyncio.get_running_loop()
        self._closed = self._loop.create_future()
        self._waiting: dict[int, Asked] = {}
        self._sequence = 0  # of the last request
        self._buffer = b""
        self._out: list[bytes] = []
        self._heard = self._loop.time()
        self._probed = False
        self._transport: asyncio.Transport | None = None
        self._taken = taken
        self._brought: asyncio.Queue[tuple[int, int, bytes]] = asyncio.Queue(_WAITING_AT_MOST)
        self._taking = asyncio.ensure_future(self._take_all(taken)) if taken is not None else None
        self._overdue: asyncio.TimerHandle | None = None
        self._alive = self._loop.call_later(KEEPALIVE, self._keep_alive)

    @classmethod
    async def open(cls, smsc: Smsc, answer_within: float, taken: Taken | None = None) -> Self:
        """Connect and bind. Raises OSError, or SessionLost with the status."""
        connected = await connect(smsc.host, smsc.port)
        tls = (verified(), smsc.host) if smsc.tls else (None, None)
        session = cls(answer_within, taken)
        try:
            await asyncio.get_running_loop().create_connection(lambda: session, sock=connected, ssl=tls[0], server_hostname=tls[1])
        except BaseException:
            session.end("closed")
            connected.close()
            raise
        try:
            await session.bind(smsc)
        except BaseException:
            session.end("closed")
            await session.aclose()
            raise
        return session

    async def bind(self, smsc: Smsc) -> None:
        """As a receiver when there is somebody to take messages, else as a transmitter. Raises SessionLost with the status."""
        kind = BindTransmitter if self._taken is None else BindReceiver
        answer = await self._ask(kind(system_id=smsc.system_id, password=smsc.password))
        if answer.status != SmppCommandStatus.ESME_ROK:
            raise SessionLost(f"the SMSC refused to bind (0x{answer.status:02X})", sent=False)

    def submit(self, bodies: Sequence[bytes]) -> list[asyncio.Future[Answer]]:
        """Send submit_sm PDUs, given without their headers; each future ends in an Answer, NoAnswer or SessionLost."""
        return [self._request(_SUBMIT_SM, body) for body in bodies]

    async def ended(self) -> None:
        """Wait until the connection is over."""
        await asyncio.shield(self._closed)

    async def aclose(self) -> None:
        """Unbind, politely but not patiently."""
        if self.usable:
            asked = self._ask(Unbind())
            await asyncio.wait([asked], timeout=_UNBIND_S)
        self.end("closed")
        await asyncio.wait([self._closed], timeout=_UNBIND_S)

    def end(self, why: str) -> None:
        """Close now; whoever waits for an answer is told why none will come."""
        self.usable, self._over = False, True
        self._alive.cancel()
        if self._taking is not None:
            self._taking.cancel()
        if self._overdue is not None:
            self._overdue.cancel()
        for answer, _ in self._waiting.values():
            if not answer.done():
                answer.set_exception(SessionLost(why, sent=True))
                answer.exception()  # whoever waits is told; when nobody does any more, it is no fault of the loop
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
        while not self._over and len(octets) - at >= _HEADER.size:
            length, command, status, sequence = _HEADER.unpack_from(octets, at)
            if not _HEADER.size <= length <= _LONGEST_PDU:
                self.end("the SMSC sent what is not SMPP")
                return
            if len(octets) - at < length:
                break
            if command & _RESPONSE:
                self._answered(sequence, status, octets[at + _HEADER.size : at + length])
            elif command in _BROUGHT:
                self._bring(command, sequence, octets[at + _HEADER.size : at + length])
            else:
                self._respond(command, sequence)
            at += length
        self._buffer = octets[at:]

    def _ask(self, message: SmppMessage) -> asyncio.Future[Answer]:
        pdu: bytes = message.pdu()
        return self._request(int(message.smpp_command), pdu[_HEADER.size :])

    def _number(self) -> int:
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        return self._sequence

    def _request(self, command: int, body: bytes) -> asyncio.Future[Answer]:
        answer: asyncio.Future[Answer] = self._loop.create_future()
        if not self.usable:
            answer.set_exception(SessionLost("the connection to the SMSC is closed", sent=False))
            return answer
        sequence = self._number()
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
        if status == _WRONG_BIND:
            self.usable = False
        if not self.usable:
            self._end_if_done()

    def _end_if_done(self) -> None:
        if not self.usable and not self._waiting and not self._over:
            self.end("the SMSC takes nothing on this bind")

    def _bring(self, command: int, sequence: int, body: bytes) -> None:
        """A message of a phone waits its turn. "Not now" makes the SMSC keep what nobody here takes, or what is too much at once."""
        if self._taken is None or self._brought.full():
            self._brought_answer(command, sequence, SmppCommandStatus.ESME_RX_T_APPN)
        else:
            self._brought.put_nowait((command, sequence, body))

    async def _take_all(self, taken: Taken) -> None:
        while True:
            command, sequence, body = await self._brought.get()
            try:
                status = await taken(command, body)
            except Exception:  # noqa: BLE001 - whatever it was, the SMSC must keep the message; who takes it tells the log
                status = int(SmppCommandStatus.ESME_RX_T_APPN)
            self._brought_answer(command, sequence, status)

    def _brought_answer(self, command: int, sequence: int, status: int) -> None:
        self._write(_HEADER.pack(_HEADER.size + 1, command | _RESPONSE, status, sequence) + b"\x00")

    def _respond(self, command: int, sequence: int) -> None:
        """Answer any other request of the SMSC."""
        if command in {SmppCommand.ENQUIRE_LINK, SmppCommand.UNBIND}:
            reply, status = command | _RESPONSE, SmppCommandStatus.ESME_ROK
        else:
            reply, status = SmppCommand.GENERIC_NACK, SmppCommandStatus.ESME_RINVCMDID
        self._write(_HEADER.pack(_HEADER.size, reply, status, sequence))
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
        self._end_if_done()

    def _keep_alive(self) -> None:
        silent = self._loop.time() - self._heard
        if silent < KEEPALIVE:
            self._alive = self._loop.call_later(KEEPALIVE - silent, self._keep_alive)
        elif self._probed:
            self.end("the SMSC fell silent")
        else:
            self._probed = True
            self._write(EnquireLink(sequence_num=self._number()).pdu())
            self._alive = self._loop.call_later(KEEPALIVE, self._keep_alive)
