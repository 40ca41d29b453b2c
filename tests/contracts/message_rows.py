"""The contract's rows of the channels that people read: e-mail, SMS, Telegram, Apprise's services and the outbox."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from aiohttp import web
from aiosmpplib.codec import GSM7BitCodec

from channels.apprise_services import AppriseServices
from channels.apprise_sms import AppriseSms
from channels.contract import Channel, ChannelSettings, Receipt, Recipient, slot
from channels.http_client import Timeouts
from channels.http_sms import HttpSms
from channels.outbox import Outbox, OutboxDraft
from channels.smpp_sms import SmppSms
from channels.smtp_email import SmtpEmail
from channels.telegram import Telegram
from tests.contracts.channel_contract import WAIT, Arrival, ChannelRow, Trouble, fixed_clock
from tests.peers.bot_api import TOKEN, BotApi
from tests.peers.http_sink import HANG, Fault, HttpSink, Reply
from tests.peers.smsc import RINVDSTADR, RTHROTTLED, Smsc
from tests.peers.smtp import mail_server

_LINKS = f"{slot('why')} {slot('unsubscribe')}"


def settings(**changes: Any) -> ChannelSettings:
    return ChannelSettings(**({"public_url": "https://alerts.example", "mail_from": "alerts@alerts.example"} | changes))


class _PeerRow(ChannelRow):
    """A row whose peers are opened on one stack."""

    async def __aenter__(self) -> Self:
        self.stack = await AsyncExitStack().__aenter__()
        self.people = 0
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stack.aclose()

    async def start(self) -> None:
        """Open the peer."""


class EmailRow(_PeerRow):
    """E-mail beside aiosmtpd."""

    channel = SmtpEmail
    troubles = frozenset(("refuses", "hangs", "busy", "gone", "no"))
    good = ("ann@example.org", "Ann.Lee+alerts@example.org", "añn@exämple.org")
    same = (("ann@EXAMPLE.org", " ann@example.org\n"), ("ann@exämple.org", "ann@xn--exmple-cua.org"))
    bad = (
        "",
        "secret",
        "secret@localhost",
        "secret@[127.0.0.1]",
        "a secret@example.org",
        "secret@example..org",
        "secret@example.org\r\nBcc: b@c.org",
        "<secret@example.org>",
        "secret@example.org, b@example.org",
        f"{'secret' * 20}@example.org",
    )

    async def start(self) -> None:
        self._server = await self.stack.enter_async_context(mail_server(pipelining=True))

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        return SmtpEmail(settings(smtp=self._server.url), clock, timeout=self.answer_seconds)

    def someone(self) -> str:
        self.people += 1
        return SmtpEmail.parse_address(f"p{self.people}@example.org")

    async def suffer(self, trouble: Trouble) -> None:
        if trouble == "refuses":
            await self._server.refuse()
        elif trouble == "hangs":
            self._server.hang = True
        else:
            replies = {"busy": "451 4.3.0 secret load", "gone": "550 5.1.1 secret is gone", "no": "550 5.7.1 secret policy"}
            self._server.answers["RCPT"] = replies[trouble]

    async def arrived(self) -> list[Arrival]:
        arrivals = []
        for mail in self._server.mails():
            bodies = [part.get_payload(decode=True).decode() for part in mail.walk() if not part.is_multipart()]
            headers = "\n".join(f"{name}: {value}" for name, value in mail.items())
            arrivals.append(
                Arrival("\n".join([mail["Subject"], *bodies]), "\n".join([headers, *bodies]), frozenset(map(str.lower, mail.keys())))
            )
        return arrivals

    async def hung_up(self) -> None:
        await self._server.no_connection()

    def words(self, text: str) -> dict[str, str]:
        return {"subject": text, "text": f"{text}\n{_LINKS}\n", "html": f'<p>{html.escape(text)}</p><a href="{slot("why")}">Why</a>'}


class SmsRow(_PeerRow):
    """SMS beside an SMSC."""

    channel = SmppSms
    troubles = frozenset(("refuses", "hangs", "busy", "gone", "no"))
    stamps = False
    good = ("+17185550100", "718 555 0100", "+44 20 7183 8750")
    same = (("(718) 555-0100", "+17185550100"),)
    bad = ("", "secret", "911", "718-555-010", "+1555010012", "+17185550100 ext 5", "+17185550100,+17185550101")

    async def start(self) -> None:
        self._smsc = await self.stack.enter_async_context(Smsc())

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        return SmppSms(settings(sms=self._smsc.url), clock, timeout=self.answer_seconds)

    def someone(self) -> str:
        self.people += 1
        return SmppSms.parse_address(f"+1718555{self.people:04}")

    async def suffer(self, trouble: Trouble) -> None:
        if trouble == "refuses":
            await self._smsc.refuse()
        else:
            status = {"hangs": None, "busy": RTHROTTLED, "gone": RINVDSTADR, "no": 0x45}[trouble]
            self._smsc.answer = lambda _: status

    async def arrived(self) -> list[Arrival]:
        return [Arrival(text, text) for _, text in self._smsc.phones.messages]

    async def hung_up(self) -> None:
        await self._smsc.no_connection()

    def words(self, text: str) -> dict[str, str]:
        return {"text": text}

    def as_read(self, text: str) -> str:
        """A text that fits GSM-7 but for its dashes and quotes goes with plain ones."""
        plain = text.replace("–", "-").replace("’", "'")
        return plain if GSM7BitCodec.is_gsm_text(plain) else text


class HttpSmsRow(SmsRow):
    """SMS beside an HTTP API like Twilio's."""

    channel: Any = HttpSms

    async def start(self) -> None:
        self._api = await self.stack.enter_async_context(HttpSink(lambda _: Reply(201, body=b'{"sid": "SM1"}')))

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        waits = Timeouts(connect=self.answer_seconds, answer=self.answer_seconds)
        return HttpSms(settings(sms=f"http://AC1:secret@127.0.0.1:{self._api.port}", sms_from="62262"), clock, timeouts=waits)

    async def suffer(self, trouble: Trouble) -> None:
        if trouble == "refuses":
            await self._api.refuse()
        else:
            replies: dict[Trouble, Reply | Fault] = {
                "hangs": HANG,
                "busy": Reply(429, {"Retry-After": str(int(WAIT))}),
                "gone": Reply(400, body=b'{"code": 21211, "message": "secret"}'),
                "no": Reply(400, body=b'{"code": 21408, "message": "secret"}'),
            }
            self._api.respond = lambda _: replies[trouble]

    async def arrived(self) -> list[Arrival]:
        return [
            Arrival(parse_qs(request.body.decode())["Body"][0], request.body.decode(), frozenset(request.headers))
            for request in self._api.requests
        ]

    async def hung_up(self) -> None:
        await self._api.no_connection()


class TelegramRow(_PeerRow):
    """Telegram beside a Bot API server."""

    channel = Telegram
    troubles = frozenset(("refuses", "hangs", "busy", "gone", "no"))
    good = ("1000001", "-1001234567890")
    same = ((" 1000001\n", "1000001"),)
    bad = ("", "secret", "@secret", "0", "+1000001", "1000001.0", "9" * 30)

    async def start(self) -> None:
        self._api = await self.stack.enter_async_context(BotApi())

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        return Telegram(settings(telegram_token=TOKEN, telegram_api=self._api.url), clock, timeout=self.answer_seconds)

    def someone(self) -> str:
        self.people += 1
        return str(1_000_000 + self.people)

    async def suffer(self, trouble: Trouble) -> None:
        match trouble:
            case "refuses":
                await self._api.refuse()
            case "hangs":
                self._api.hook = _never
            case "busy":
                self._api.fault = (429, "Too Many Requests: secret", {"retry_after": int(WAIT)})
            case "gone":
                self._api.fault = (403, "Forbidden: bot was blocked by the user secret", {})
            case "no":
                self._api.fault = (400, "Bad Request: can't parse secret", {})

    async def arrived(self) -> list[Arrival]:
        return [Arrival(html.unescape(re.sub(r"<[^<>]*>", "", sent["text"])), json.dumps(sent)) for sent in self._api.sent]

    async def hung_up(self) -> None:
        await self._api.no_connection()

    def words(self, text: str) -> dict[str, str]:
        return {"html": f"<b>{html.escape(text)}</b>\n{_LINKS}"}


class AppriseRow(_PeerRow):
    """Apprise's own json service beside an HTTP server. Apprise gives no reasons, so there is neither a final no nor a dead address."""

    channel: Any = AppriseServices
    troubles = frozenset(("refuses", "hangs", "busy"))
    good: tuple[str, ...] = ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "json://127.0.0.1:9/a?method=PUT")
    same: tuple[tuple[str, str], ...] = (("JSON://127.0.0.1:9/a/", "json://127.0.0.1:9/a"),)
    bad: tuple[str, ...] = (
        "",
        "secret",
        "secret://",
        "nosuchservice://secret",
        "discord://secret",
        "https://example.org/secret",
        "json://127.0.0.1/secret\r\nX-Injected: 1",
        "json://127.0.0.1/${SECRET}",
    )

    async def start(self) -> None:
        self._sink = await self.stack.enter_async_context(HttpSink())

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        return AppriseServices(settings(), clock, timeout=self.answer_seconds)

    def someone(self) -> str:
        self.people += 1
        return AppriseServices.parse_address(f"json://127.0.0.1:{self._sink.port}/secret/{self.people}")

    async def suffer(self, trouble: Trouble) -> None:
        if trouble == "refuses":
            await self._sink.refuse()
        else:
            self._sink.respond = lambda _: HANG if trouble == "hangs" else Reply(429, {"Retry-After": str(int(WAIT))})

    async def arrived(self) -> list[Arrival]:
        return [
            Arrival("\n".join([(sent := json.loads(request.body))["title"], sent["message"]]), json.dumps(sent), frozenset(request.headers))
            for request in self._sink.requests
        ]

    async def hung_up(self) -> None:
        await self._sink.no_connection()

    def words(self, text: str) -> dict[str, str]:
        return {"title": text, "text": f"{text}\n{_LINKS}"}


class AppriseSmsRow(AppriseRow):
    """SMS by a service of Apprise."""

    channel = AppriseSms
    stamps = False
    good, same, bad = SmsRow.good, SmsRow.same, SmsRow.bad

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        return AppriseSms(settings(sms=f"json://user:secret@127.0.0.1:{self._sink.port}/sms"), clock, timeout=self.answer_seconds)

    def someone(self) -> str:
        self.people += 1
        return AppriseSms.parse_address(f"+1718555{self.people:04}")

    def words(self, text: str) -> dict[str, str]:
        return {"text": text}


class _KeptOutbox(Outbox):
    """An outbox whose copies the suite can read."""

    def __init__(self, copies: list[str], clock: Callable[[], float]) -> None:
        super().__init__("email", settings(), clock)
        self._copies = copies

    async def deliver(self, draft: OutboxDraft, to: Recipient) -> Receipt:
        receipt = await super().deliver(draft, to)
        self._copies.append(receipt.copy or "")
        return receipt


class OutboxRow(_PeerRow):
    """The outbox, which has no peer and no trouble."""

    channel = Outbox
    troubles = frozenset[Trouble]()
    good = ("anything at all",)
    same = ((" ann ", "ann"),)
    bad = ("", "  ")

    async def start(self) -> None:
        self._copies: list[str] = []

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        return _KeptOutbox(self._copies, clock)

    def someone(self) -> str:
        self.people += 1
        return f"person {self.people}"

    async def suffer(self, trouble: Trouble) -> None:
        raise AssertionError(trouble)

    async def arrived(self) -> list[Arrival]:
        return [Arrival("\n".join(json.loads(copy)["parts"].values()), copy) for copy in self._copies]

    async def hung_up(self) -> None:
        """Nobody was connected."""

    def words(self, text: str) -> dict[str, str]:
        return {"subject": text, "text": f"{text} {_LINKS}"}


async def _never(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError
