"""An SMSC on loopback: SMPP 3.4 over TCP, written from the specification and not with the library that is tested against it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from channels.gsm7 import decode
from tests.peers.listening import stop

ROK, RINVDSTADR, RBINDFAIL, RMSGQFUL, RTHROTTLED = 0x00, 0x0B, 0x0D, 0x14, 0x58
BIND_RECEIVER, BIND_TRANSMITTER, SUBMIT_SM, DELIVER_SM, UNBIND, BIND_TRANSCEIVER, ENQUIRE_LINK, DATA_SM = 1, 2, 4, 5, 6, 9, 0x15, 0x103
RESPONSE = 0x80000000


@dataclass(frozen=True)
class Submit:
    """One submit_sm, read field by field (§4.4.1)."""

    source: str
    source_ton: int
    destination: str
    destination_ton: int
    esm_class: int
    priority: int
    validity: str
    registered_delivery: int
    data_coding: int
    octets: bytes

    @property
    def text(self) -> str:
        """The words of this part alone."""
        octets = self.octets[self.octets[0] + 1 :] if self.esm_class & 0x40 else self.octets
        return decode(octets, {0: "GSM-7", 8: "UCS-2"}[self.data_coding])  # type: ignore[arg-type]  # the two that phones know


@dataclass
class Phones:
    """What subscribers' phones show: parts are joined by number and reference, as TS 23.040 says."""

    messages: list[tuple[str, str]] = field(default_factory=list)
    _parts: dict[tuple[str, int, int], dict[int, str]] = field(default_factory=dict)

    def take(self, submit: Submit) -> None:
        if not submit.esm_class & 0x40:
            self.messages.append((submit.destination, submit.text))
            return
        length, element, size, reference, total, number = submit.octets[:6]
        assert (length, element, size) == (5, 0, 3)
        parts = self._parts.setdefault((submit.destination, reference, total), {})
        parts[number] = submit.text
        if len(parts) == total:
            del self._parts[submit.destination, reference, total]
            self.messages.append((submit.destination, "".join(parts[number] for number in sorted(parts))))


class Smsc:
    """`submits` is all that came, `phones` what was taken; `answer` gives the status for each submit_sm, None for no answer at all."""

    def __init__(self, system_id: str = "hub", password: str = "secret") -> None:
        self.system_id, self.password = system_id, password
        self.port = 0
        self.submits: list[Submit] = []
        self.phones = Phones()
        self.answer: Callable[[Submit], int | None] = lambda _: ROK
        self.times = 1
        """How often each submit_sm is answered."""
        self.binds: list[int] = []
        self.unbinds = 0
        self.answers: list[tuple[int, int]] = []
        """(command, status) of what the other side answered."""
        self.answered = asyncio.Condition()
        self.bound = asyncio.Condition()
        self.takes_receivers = True
        self.most_transmitters = 1000
        """Bound at once; whoever comes then is refused, as by centres that count an account's binds."""
        self._transmitters: set[asyncio.StreamWriter] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._receivers: dict[asyncio.StreamWriter, int] = {}
        self._brought: dict[int, asyncio.Future[int]] = {}
        self._sequence = 5000
        self._idle = asyncio.Event()
        self._idle.set()
        self._number = 0

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    @property
    def url(self) -> str:
        return f"smpp://{self.system_id}:{self.password}@127.0.0.1:{self.port}"

    async def listen(self) -> None:
        """Take connections, on the same port as before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def refuse(self) -> None:
        """Stop listening and hang up."""
        await stop(self._server)
        await self.hang_up()

    async def hang_up(self) -> None:
        """Cut all connections."""
        for writer in self._writers:
            writer.close()
        await self._idle.wait()

    async def no_connection(self) -> None:
        """Wait, at most 5 s, until nobody is connected."""
        await asyncio.wait_for(self._idle.wait(), 5)

    def tell(self, octets: bytes) -> None:
        """Write these to whoever is bound."""
        for writer in self._writers:
            writer.write(octets)

    async def ask(self, command: int, body: bytes = b"") -> tuple[int, int]:
        """Send a request to whoever is bound and wait for the answer's command and status."""
        before = len(self.answers)
        for writer in self._writers:
            self._send(writer, command, ROK, 1000, body)
        async with self.answered:
            await self.answered.wait_for(lambda: len(self.answers) > before)
        return self.answers[-1]

    async def receiver(self, count: int = 1) -> None:
        """Wait, at most 20 s, until so many are bound that take what phones write."""
        async with asyncio.timeout(20), self.bound:
            await self.bound.wait_for(lambda: len(self._receivers) == count)

    async def bring(self, body: bytes, command: int = DELIVER_SM) -> int:
        """Give a phone's message to the one receiver; the status of its answer, which ConnectionError says did not come."""
        (writer,) = self._receivers
        self._sequence += 1
        answer = self._brought[self._sequence] = asyncio.get_running_loop().create_future()
        self._send(writer, command, ROK, self._sequence, body)
        return await asyncio.wait_for(answer, 20)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._idle.clear()
        try:
            while True:
                length, command, status, sequence = struct.unpack("!IIII", await reader.readexactly(16))
                await self._handle(writer, command, status, sequence, await reader.readexactly(length - 16))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self._writers.discard(writer)
            self._transmitters.discard(writer)
            self._receivers.pop(writer, None)
            if not self._receivers:
                for answer in self._brought.values():
                    if not answer.done():
                        answer.set_exception(ConnectionError("the receiver hung up"))
            async with self.bound:
                self.bound.notify_all()
            if not self._writers:
                self._idle.set()

    async def _handle(self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes) -> None:
        if command & RESPONSE:
            if sequence in self._brought:
                self._brought.pop(sequence).set_result(status)
            async with self.answered:
                self.answers.append((command, status))
                self.answered.notify_all()
        elif command in {BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER}:
            system_id, password = body.split(b"\x00")[:2]
            right = (system_id.decode(), password.decode()) == (self.system_id, self.password)
            right = right and (command != BIND_RECEIVER or self.takes_receivers)
            if right and command == BIND_TRANSMITTER:
                right = len(self._transmitters) < self.most_transmitters
                self._transmitters |= {writer} if right else set()
            self.binds.append(command)
            self._send(writer, command | RESPONSE, ROK if right else RBINDFAIL, sequence, b"smsc\x00")
            if right and command != BIND_TRANSMITTER:
                async with self.bound:
                    self._receivers[writer] = command
                    self.bound.notify_all()
        elif command == SUBMIT_SM:
            self._submit(writer, sequence, read_submit(body))
        elif command in {UNBIND, ENQUIRE_LINK}:
            self.unbinds += command == UNBIND
            self._send(writer, command | RESPONSE, ROK, sequence)

    def _submit(self, writer: asyncio.StreamWriter, sequence: int, submit: Submit) -> None:
        self.submits.append(submit)
        status = self.answer(submit)
        if status == ROK:
            self._number += 1
            self.phones.take(submit)
        for _ in range(self.times if status is not None else 0):
            assert status is not None
            self._send(writer, SUBMIT_SM | RESPONSE, status, sequence, f"m{self._number}".encode() + b"\x00" if status == ROK else b"")

    def _send(self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        writer.write(struct.pack("!IIII", 16 + len(body), command, status, sequence) + body)


def read_submit(body: bytes) -> Submit:
    """The mandatory parameters of a submit_sm."""
    _, rest = _string(body)
    source_ton, rest = rest[0], rest[2:]
    source, rest = _string(rest)
    destination_ton, rest = rest[0], rest[2:]
    destination, rest = _string(rest)
    esm_class, _, priority, rest = rest[0], rest[1], rest[2], rest[3:]
    _, rest = _string(rest)
    validity, rest = _string(rest)
    registered, _, data_coding, _, length = rest[:5]
    assert len(rest) == 5 + length
    return Submit(source, source_ton, destination, destination_ton, esm_class, priority, validity, registered, data_coding, rest[5:])


def deliver_sm(
    source: str, destination: str, text: bytes, esm_class: int = 0, *, coding: int = 0, ton: int = 1, optional: bytes = b""
) -> bytes:
    """The body of a deliver_sm: a person's reply, or a receipt with esm_class 4."""
    sender = b"\x00" + bytes([ton, 1]) + source.encode() + b"\x00\x01\x01" + destination.encode() + b"\x00"
    return sender + bytes([esm_class, 0, 0]) + b"\x00\x00" + bytes([0, 0, coding, 0, len(text)]) + text + optional


def data_sm(source: str, destination: str, text: bytes, *, coding: int = 0) -> bytes:
    """The body of a data_sm of a phone, whose words are an optional parameter."""
    sender = b"\x00\x01\x01" + source.encode() + b"\x00\x01\x01" + destination.encode() + b"\x00"
    return sender + bytes([0, 0, coding]) + tlv(0x0424, text)


def tlv(tag: int, value: bytes) -> bytes:
    """An optional parameter (§3.2.4.1)."""
    return struct.pack("!HH", tag, len(value)) + value


def _string(octets: bytes) -> tuple[str, bytes]:
    text, _, rest = octets.partition(b"\x00")
    return text.decode("ascii"), rest
