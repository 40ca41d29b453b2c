"""One SMTP connection that is ready for mail: mails follow each other as closely as the server allows.

aiosmtplib connects, starts TLS and logs in; from then on this takes its place on the transport, because it waits for each command's answer.
Where the server offers PIPELINING (RFC 2920), MAIL, RCPT and DATA go in one write, and a mail's content takes the next mail's commands
along (§3.1), so that a mail costs one round trip instead of four::

    MAIL+RCPT+DATA ▶ ◀ 250 250 354   content+dot+MAIL+RCPT+DATA ▶ ◀ 250 250 250 354   content+dot …
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum
from typing import Final

import msgspec

from channels.contract import CalledOff, Still

_LONGEST_REPLY = 32_768
_CLOSING = 421
_START_INPUT = 354
_QUIT_S = 2.0

IDLE_S = 30.0
"""A connection rests for so long. Firewalls forget one that is silent, and then the next mail would wait for an answer in vain."""


class Step(Enum):
    """What a reply answers."""

    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"
    RSET = "RSET"


class Reply(msgspec.Struct, frozen=True):
    """All lines of one reply joined."""

    code: int
    text: str


class Refused(Exception):
    """The server said no to one step of one mail."""

    def __init__(self, step: Step, reply: Reply) -> None:
        super().__init__(step.value, reply.code)
        self.step, self.reply = step, reply


class SessionLost(Exception):
    """The connection ended. `content_sent` when this mail's content was under way: the server may have taken it."""

    def __init__(self, why: str, *, content_sent: bool) -> None:
        super().__init__(why)
        self.content_sent = content_sent


class _Mail:
    """One mail on its way through a session."""

    __slots__ = ("answer", "content", "content_sent", "mail", "rcpt", "refused", "since", "still")

    def __init__(self, mail: bytes, rcpt: bytes, content: bytes, still: Still, answer: asyncio.Future[Reply]) -> None:
        self.mail, self.rcpt, self.content, self.still, self.answer = mail, rcpt, content, still, answer
        self.refused: Refused | None = None
        self.content_sent = False
        self.since = 0.0

    def is_wanted(self) -> bool:
        """Whether it may go still; whoever waits for it learns when it may not."""
        if self.answer.done():
            return False
        try:
            self.still()
        except CalledOff as error:
            self.answer.set_exception(error)
            return False
        return True


_DATA: Final = b"DATA\r\n"
_SOON_S: Final = 1.0
"""A server that asks for the content within this time gets it, whatever happened meanwhile: else each stop would cost every connection."""
_DOT: Final = b".\r\n"


class SmtpSession(asyncio.Protocol):
    """Made on an open, greeted and logged-in transport; `hand_over` until `usable` is False, and `aclose` at the end.

    `timeout` in seconds is for each answer; after `idle` seconds without a mail it closes itself.
    """

    def __init__(self, transport: asyncio.Transport, *, pipelining: bool, smtputf8: bool, timeout: float, idle: float = IDLE_S) -> None:
        self._transport, self._pipelining, self._timeout, self._idle = transport, pipelining, timeout, idle
        self.smtputf8 = smtputf8
        self.usable = True
        self._loop = asyncio.get_running_loop()
        self._closed = self._loop.create_future()
        self._waiting: deque[_Mail] = deque()
        self._owed: deque[tuple[Step, _Mail]] = deque()
        self._current: _Mail | None = None
        self._reset_first = False
        self._buffer = b""
        self._out: list[bytes] = []
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(min(timeout, idle), self._look)
        transport.set_protocol(self)

    async def hand_over(self, mail: bytes, rcpt: bytes, content: bytes, still: Still = lambda: None) -> Reply:
        """Send one mail; the reply is the server's last word. `content` has CRLF line ends and no dot at its end. `still` is asked when its
        turn has come, and before its content leaves when the server took its time.

        Raises Refused, SessionLost, and what `still` raises.
        """
        if not self.usable:
            raise SessionLost("the mail server has closed the connection", content_sent=False)
        entry = _Mail(mail, rcpt, content, still, self._loop.create_future())
        self._waiting.append(entry)
        if self._current is None:
            self._begin()
            self._flush()
        return await entry.answer

    async def aclose(self) -> None:
        """QUIT, politely but not patiently."""
        if self.usable:
            self._quit()
        await asyncio.wait([self._closed], timeout=_QUIT_S)
        self._lose("closed")

    def data_received(self, data: bytes) -> None:
        """Take whole replies out of what came, and answer all of them in one write."""
        self._buffer += data
        self._heard = self._loop.time()
        try:
            while (reply := self._next_reply()) is not None:
                self._take(reply)
        except ValueError:
            self._lose("the mail server said what is not SMTP")
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        """The end, from whichever side."""
        self._lose("the mail server closed the connection")
        if not self._closed.done():
            self._closed.set_result(None)

    def _next_reply(self) -> Reply | None:
        start, lines = 0, []
        while (end := self._buffer.find(b"\n", start)) >= 0:
            line = self._buffer[start:end]
            if not line[:3].isdigit() or line[3:4].strip(b"- \r"):
                raise ValueError
            lines.append(line[4:].strip())
            start = end + 1
            if line[3:4] != b"-":
                self._buffer = self._buffer[start:]
                return Reply(int(line[:3]), b"\n".join(lines).decode("utf-8", "replace"))
        if len(self._buffer) > _LONGEST_REPLY:
            raise ValueError
        return None

    def _take(self, reply: Reply) -> None:
        if not self._owed:
            self._lose("the mail server closed the connection")  # what an idle one says before it hangs up
            return
        step, entry = self._owed.popleft()
        if step is Step.DATA and reply.code == _START_INPUT:
            self._start_input(entry)
        elif step is Step.CONTENT:
            self._finish(entry, step, reply)
            if not self._pipelining:
                self._begin()
        elif step is not Step.RSET:
            self._command_answered(step, entry, reply)
        if reply.code == _CLOSING or not (200 <= reply.code < 600):
            self._lose("the mail server is closing")

    def _command_answered(self, step: Step, entry: _Mail, reply: Reply) -> None:
        good = step is not Step.DATA and 200 <= reply.code < 300
        if not good and entry.refused is None:
            entry.refused = Refused(step, reply)
        if self._pipelining and step is not Step.DATA:
            return  # DATA is on its way already, and its answer ends this mail
        if good:
            following = (Step.RCPT, entry.rcpt) if step is Step.MAIL else (Step.DATA, _DATA)
            self._owed.append((following[0], entry))
            self._out.append(following[1])
            return
        self._finish(entry, step, reply)
        self._reset_first = True
        self._begin()

    def _start_input(self, entry: _Mail) -> None:
        if entry.refused is None:
            late = self._loop.time() - entry.since > _SOON_S
            if entry.answer.cancelled() or (late and not entry.is_wanted()):
                self._lose("a hand-over was called off")  # the server waits for a content, and must get none
                return
            entry.content_sent = True
            self._out.append(entry.content)
        self._out.append(_DOT)  # alone, when nobody was accepted: RFC 2920 §3.1
        self._owed.append((Step.CONTENT, entry))
        if self._pipelining:
            self._begin()

    def _begin(self) -> None:
        """The next mail's commands, after all that the last one still needed."""
        self._current = None
        while self._waiting and self._current is None:
            entry = self._waiting.popleft()
            if entry.is_wanted():
                self._current = entry
        entry_ = self._current
        if entry_ is None:
            return
        if self._reset_first:
            self._out.append(b"RSET\r\n")
            self._owed.append((Step.RSET, entry_))
            self._reset_first = False
        entry_.since = self._loop.time()
        self._out.append(entry_.mail)
        self._owed.append((Step.MAIL, entry_))
        if self._pipelining:
            self._out += (entry_.rcpt, _DATA)
            self._owed += ((Step.RCPT, entry_), (Step.DATA, entry_))

    def _finish(self, entry: _Mail, step: Step, reply: Reply) -> None:
        if entry.answer.done():
            return
        refused = entry.refused or (None if 200 <= reply.code < 300 else Refused(step, reply))
        if refused is None:
            entry.answer.set_result(reply)
        else:
            entry.answer.set_exception(refused)

    def _flush(self) -> None:
        if self._out and self.usable:
            self._heard = self._loop.time()
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _look(self) -> None:
        """One timer for a whole connection instead of one for each answer. It never comes later than an answer may be due."""
        if not self.usable:
            return
        left = self._heard + (self._timeout if self._owed else self._idle) - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(min(left, self._timeout), self._look)
        elif self._owed:
            self._lose("the mail server did not answer")
        else:
            self._quit()

    def _quit(self) -> None:
        self.usable = False
        self._transport.write(b"QUIT\r\n")
        self._timer.cancel()
        self._timer = self._loop.call_later(_QUIT_S, self._lose, "closed")

    def _lose(self, why: str) -> None:
        self.usable = False
        self._timer.cancel()
        entries = {id(entry): entry for entry in (*(entry for _, entry in self._owed), *self._waiting)}
        self._owed.clear()
        self._waiting.clear()
        for entry in entries.values():
            if not entry.answer.done():
                entry.answer.set_exception(SessionLost(why, content_sent=entry.content_sent))
        self._transport.abort()
