"""One HTTP/1.1 connection with one request on its way at a time. What an answer is, llhttp says, by aiohttp's binding to it.

Nearly every answer is a short success that comes in one piece, and most are the one that came before; only what is anything else is worth
a parser's work.

The status is the answer: it counts as soon as the head is there, and of a body only its end matters, after which the connection can be
used again; whoever asks for the words waits for that end. Nothing is pipelined, since whoever did not answer would leave it open which of
several requests arrived (RFC 9112 §9.3.2).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any, cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpResponseParser, RawResponseMessage
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.streams import StreamReader

from channels.contract import Uncertain, Unreachable
from channels.http_outcomes import Answer, Words

LONGEST_BODY = 131_072
"""Bytes of an answer's body: a longer one costs the connection, and what can't be read to its end looks like no answer. Telegram repeats
each message and the one before it, six bytes for every letter that is not Latin: some sixty thousand."""

LONGEST_HEAD = 8190
"""Bytes of one line of an answer's head."""

_SWITCHED = 101

_PLAIN = re.compile(rb"HTTP/1\.1 (2\d\d)[ -~]*\r\n((?:[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\t -~]*\r\n)+)\r\n")
"""A success with a head of plain ASCII."""
_LENGTH = re.compile(rb"^content-length:[ \t]*(\d{1,4})[ \t]*\r", re.MULTILINE)
_MEANS_MORE = re.compile(rb"^(?:connection|transfer-encoding|upgrade|trailer):", re.MULTILINE)
"""Fields that change how an answer is read, or whether another may follow."""


class Connection(BaseProtocol):
    """`made` is told once it stands, `idle` whenever it can take the next request, `lost` once it is gone."""

    __slots__ = (
        "_answer",
        "_begun",
        "_body",
        "_head",
        "_idle",
        "_longest",
        "_lost",
        "_made",
        "_usual",
        "_usual_answer",
        "_wants_words",
        "resting",
        "since",
    )

    def __init__(
        self,
        made: Callable[[Connection], None],
        idle: Callable[[Connection], None],
        lost: Callable[[Connection], None],
        longest_body: int = LONGEST_BODY,
    ) -> None:
        """In a running loop."""
        loop = asyncio.get_running_loop()
        super().__init__(loop)
        self._parser = HttpResponseParser(
            cast("ResponseHandler", self),  # of which the parser uses what BaseProtocol has
            loop,
            longest_body // 2,  # the parser's word comes at twice that
            max_line_size=LONGEST_HEAD,
            max_field_size=LONGEST_HEAD,
            read_until_eof=True,
            auto_decompress=False,
        )
        self._made, self._idle, self._lost, self._longest = made, idle, lost, longest_body
        self._answer: asyncio.Future[Any] | None = None
        self._wants_words = False
        self._head: RawResponseMessage | None = None
        self._body: StreamReader | None = None
        self._begun = False
        self._usual, self._usual_answer = b"", Answer(0)
        self.resting = True
        """Whether it can take a request."""
        self.since = loop.time()
        """When it was given its request, or began to rest; by the loop's clock."""

    @property
    def is_open(self) -> bool:
        """False once either side has begun to close it."""
        return self.transport is not None and not self.transport.is_closing()

    def send(self, request: bytes) -> asyncio.Future[Answer]:
        """Write a whole request; only while `resting`. The future raises Uncertain when no answer comes, Unreachable when the connection
        was closed before."""
        return self._write(request, wants_words=False)

    def ask(self, request: bytes) -> asyncio.Future[Words]:
        """As `send`, for an answer with its body."""
        return self._write(request, wants_words=True)

    def drop(self) -> None:
        """Close at once, whatever is on its way."""
        self.resting = False
        if self.transport is not None:
            self.transport.abort()

    def _write(self, request: bytes, *, wants_words: bool) -> asyncio.Future[Any]:
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self.transport is None or self.transport.is_closing():
            answer.set_exception(Unreachable("the connection was closed"))
            return answer
        self._answer, self._wants_words, self.resting, self.since = answer, wants_words, False, self._loop.time()
        self.transport.write(request)
        return answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS included: one whose certificate is refused was never made."""
        super().connection_made(transport)
        self._made(self)

    def data_received(self, data: bytes) -> None:
        """Part of an answer."""
        if self._parser is None or self.resting:
            self.drop()  # nothing was asked: a server that speaks first has nothing to say that could be trusted
            return
        if not self._begun and (answer := self._whole(data)):
            self._give(answer)
            self._rest(last=False)
            return
        self._begun = True
        try:
            messages, switched, _ = self._parser.feed_data(data)
        except HttpProcessingError:
            self.drop()
            return
        for message, body in messages:
            self._take(message, body)
        if self._body is not None and self._body.is_eof():
            last = self._speak()
            self._rest(last=last or switched)

    def pause_reading(self) -> None:
        """The parser's word for a body that became long."""
        self.drop()

    def resume_reading(self, resume_parser: bool = True) -> None:
        """The parser's word for a body that was taken away; nothing was held back for it."""

    def eof_received(self) -> None:
        """The other side has closed; the transport closes too."""

    def connection_lost(self, exc: BaseException | None) -> None:
        """Whoever waits learns that no answer came."""
        super().connection_lost(exc)
        self.resting = False
        self._speak()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Uncertain("no answer came"))
        self._answer = self._parser = self._body = None
        self._lost(self)

    def _whole(self, data: bytes) -> Answer | None:
        """A success that came in one piece."""
        if data == self._usual and not self._wants_words:
            return self._usual_answer
        whole = _whole_success(data)
        if whole is None:
            return None
        status, end = whole
        if self._wants_words:
            return Words(status, None, data[end:])
        if end == len(data):  # words are not kept: they may be about a person
            self._usual, self._usual_answer = data, Answer(status)
            return self._usual_answer
        return Answer(status)

    def _take(self, message: RawResponseMessage, body: StreamReader) -> None:
        if 100 <= message.code < 200 and message.code != _SWITCHED:
            return
        if self._head is not None:
            self.drop()  # a second answer before the first was told
        elif self._wants_words and self._answer is not None:
            self._head, self._body = message, body
        elif self._give(Answer(message.code, message.headers.get("Retry-After"))):
            if message.should_close or message.code == _SWITCHED:
                self.drop()
            else:
                self._body = body

    def _speak(self) -> bool:
        """Give the words that came, if somebody waits for them; whether the connection ends with them."""
        head, body, self._head = self._head, self._body, None
        if head is None or body is None:
            return False
        self._give(Words(head.code, head.headers.get("Retry-After"), b"" if body.exception() else body.read_nowait()[: self._longest]))
        return head.should_close or head.code == _SWITCHED

    def _give(self, answer: Answer) -> bool:
        if self._answer is None or self._answer.done():
            self.drop()  # a second answer to one request, or one that nobody waits for any more
            return False
        self._answer.set_result(answer)
        self._answer = None
        return True

    def _rest(self, *, last: bool) -> None:
        self._body, self._begun = None, False
        if last or not self.is_open:
            self.drop()
            return
        self.resting, self.since = True, self._loop.time()
        self._idle(self)


def _whole_success(data: bytes) -> tuple[int, int] | None:
    """(status, where its body begins) of a success that came as a whole, with nothing in its head that asks for more than its length."""
    head = _PLAIN.match(data)
    if head is None:
        return None
    fields = head[2].lower()
    lengths = _LENGTH.findall(fields)
    if len(lengths) != 1 or fields.count(b"content-length") != 1 or _MEANS_MORE.search(fields):
        return None
    return (int(head[1]), head.end()) if len(data) == head.end() + int(lengths[0]) else None
