"""One SMPP 3.4 connection: bound as a transmitter, many requests under way at once, each with its own answer.

aiosmpplib codes the PDUs. Its ESME is not used: it takes messages from a queue, tells of a lost one only when a later one is sent, writes
numbers and texts to its log on errors, and leaves sockets open.

Bound as a transmitter, so that replies and receipts wait at the SMSC for a receiver instead of being lost here.
Source: SMPP v3.4, §2.2 (sessions), §3.2 (PDU header), §4.4 (submit_sm), §5.1.3 (command_status).
"""

from __future__ import annotations

import asyncio
import itertools
import ssl
import struct
from typing import Self

import msgspec
from aiosmpplib.protocol import BindTransmitter, EnquireLink, SmppMessage, SubmitSm, Unbind
from aiosmpplib.state import SmppCommand, SmppCommandStatus

KEEPALIVE = 30.0
"""Seconds of silence after which the SMSC is asked whether it is there; after as many again the connection is given up."""

_HEADER = struct.Struct("!IIII")
_LONGEST_PDU = 70_000
_RESPONSE = 0x80000000
_LAST_SEQUENCE = 0x7FFFFFFF


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


class SmppSession:
    """Opened by `open`, used by `submit`, ended by `aclose` or by the SMSC; then `usable` is False and another one is needed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._sequence = itertools.cycle(range(1, _LAST_SEQUENCE))
        self._task: asyncio.Task[None] | None = None
        self.usable = True

    @classmethod
    async def open(cls, smsc: Smsc) -> Self:
        """Connect and bind. Raises OSError, or SessionLost with the status."""
        context = ssl.create_default_context() if smsc.tls else None
        session = cls(*await asyncio.open_connection(smsc.host, smsc.port, ssl=context))
        session._task = asyncio.create_task(session._read(), name="smpp session")
        try:
            await session._bind(smsc)
        except BaseException:
            await session._end()
            raise
        return session

    async def submit(self, message: SubmitSm) -> Answer:
        """Send one submit_sm and wait for its submit_sm_resp. Raises SessionLost."""
        return await self._ask(message)

    async def aclose(self) -> None:
        """Unbind, politely but not patiently."""
        if self.usable:
            try:
                async with asyncio.timeout(1):
                    await self._ask(Unbind())
            except (SessionLost, OSError):
                self.usable = False
        await self._end()

    async def _bind(self, smsc: Smsc) -> None:
        answer = await self._ask(BindTransmitter(system_id=smsc.system_id, password=smsc.password))
        if answer.status != SmppCommandStatus.ESME_ROK:
            raise SessionLost(f"the SMSC refused to bind (0x{answer.status:02X})", sent=False)

    async def _ask(self, request: SmppMessage) -> Answer:
        if not self.usable:
            raise SessionLost("the connection to the SMSC is closed", sent=False)
        sequence = request.sequence_num = next(self._sequence)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[sequence] = answer
        try:
            self._writer.write(request.pdu())
            return await answer
        finally:
            self._waiting.pop(sequence, None)

    async def _read(self) -> None:
        why = "the SMSC closed the connection"
        try:
            while await self._next():
                pass
        except TimeoutError:
            why = "the SMSC fell silent"
        except (OSError, asyncio.IncompleteReadError):
            pass
        except ValueError:
            why = "the SMSC sent what is not SMPP"
        finally:
            self.usable = False
            self._writer.close()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(SessionLost(why, sent=True))

    async def _next(self) -> bool:
        """Handle one PDU; False when the SMSC unbinds."""
        length, command, status, sequence = _HEADER.unpack(await self._header())
        if not _HEADER.size <= length <= _LONGEST_PDU:
            raise ValueError(length)
        body = await self._reader.readexactly(length - _HEADER.size)
        if command & _RESPONSE:
            answer = self._waiting.get(sequence)
            if answer is not None and not answer.done():
                answer.set_result(Answer(status, body.partition(b"\x00")[0].decode("ascii", "replace")))
        else:
            self._respond(command, sequence)
        return bool(command != SmppCommand.UNBIND)

    async def _header(self) -> bytes:
        try:
            async with asyncio.timeout(KEEPALIVE):
                return await self._reader.readexactly(_HEADER.size)
        except TimeoutError:
            self._writer.write(EnquireLink(sequence_num=next(self._sequence)).pdu())
        async with asyncio.timeout(KEEPALIVE):
            return await self._reader.readexactly(_HEADER.size)

    def _respond(self, command: int, sequence: int) -> None:
        """Answer a request of the SMSC. What it brings (deliver_sm) is not taken: "not now" makes it keep the message."""
        if command in {SmppCommand.ENQUIRE_LINK, SmppCommand.UNBIND}:
            reply, status, body = command | _RESPONSE, SmppCommandStatus.ESME_ROK, b""
        elif command == SmppCommand.DELIVER_SM:
            reply, status, body = command | _RESPONSE, SmppCommandStatus.ESME_RX_T_APPN, b"\x00"
        else:
            reply, status, body = SmppCommand.GENERIC_NACK, SmppCommandStatus.ESME_RINVCMDID, b""
        self._writer.write(_HEADER.pack(_HEADER.size + len(body), reply, status, sequence) + body)

    async def _end(self) -> None:
        self.usable = False
        self._writer.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)
