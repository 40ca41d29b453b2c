"""The contract's rows of the channels that speak HTTP: web push and webhook."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import TracebackType
from typing import ClassVar, Self

from channels.contract import Channel, ChannelSettings, slot
from channels.http_client import Timeouts
from channels.vapid import create_vapid_key
from channels.web_push import WebPush
from channels.webhook import Webhook
from tests.contracts.channel_contract import WAIT, Arrival, ChannelRow, Trouble, fixed_clock
from tests.peers.http_sink import HANG, Fault, HttpSink, Reply
from tests.peers.push_service import PushService

VAPID_KEY = create_vapid_key()
SETTINGS = ChannelSettings(
    public_url="https://alerts.example",
    vapid_private_key=VAPID_KEY,
    vapid_subject="mailto:alerts@alerts.example",
    webhook_key=bytes(32),
    allow_private=True,
)

_POINT = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
_KEYS = {"p256dh": _POINT, "auth": "BTBZMqHH6r4Tts7J_aSIgg"}
"""The receiver of RFC 8291's example in appendix A."""

_REPLIES: dict[Trouble, Reply | Fault] = {
    "hangs": HANG,
    "busy": Reply(429, {"Retry-After": str(int(WAIT))}),
    "gone": Reply(410),
    "no": Reply(403, body=b"the address /secret/path is not wanted"),
}


def _subscription(endpoint: object = "https://push.example.org/a", **keys: object) -> str:
    return json.dumps({"endpoint": endpoint, "keys": _KEYS | keys})


class WebPushRow(ChannelRow):
    """Web push beside a push service that decrypts."""

    channel = WebPush
    troubles = frozenset(("refuses", *_REPLIES))
    good = (
        _subscription(),
        json.dumps({"endpoint": "https://fcm.googleapis.com/fcm/send/a:b-c_d", "expirationTime": None, "keys": _KEYS}),
        _subscription("http://127.0.0.1:9/push/1"),
    )
    same = (
        (_subscription(), _subscription("https://PUSH.example.org:443/a", auth="BTBZMqHH6r4Tts7J/aSIgg==")),
        (_subscription("https://bücher.example/a"), _subscription("https://xn--bcher-kva.example/a#x")),
    )
    bad = (
        "",
        "https://push.example.org/secret",
        '{"endpoint": "https://push.example.org/secret"}',
        _subscription("http://push.example.org/secret"),
        _subscription("https://name:word@push.example.org/secret"),
        _subscription("https://10.0.0.1/secret"),
        _subscription("https://[2606:4700::1111]/secret"),
        _subscription("https://push.example.org/secret\r\nX-Injected: 1"),
        _subscription(7),
        _subscription(auth="c2VjcmV0"),
        _subscription(auth="not base64 at all!"),
        _subscription(p256dh="B" + "A" * 86),
        _subscription(p256dh=_POINT[:-8]),
        json.dumps({"endpoint": "https://push.example.org/secret", "keys": _KEYS, "more": 1}),
    )

    async def __aenter__(self) -> Self:
        self._service = await PushService().__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._service.__aexit__(kind, error, trace)

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        return WebPush(SETTINGS, clock, timeouts=_timeouts(self))

    def someone(self) -> str:
        return WebPush.parse_address(json.dumps(self._service.subscribe()))

    async def suffer(self, trouble: Trouble) -> None:
        if trouble == "refuses":
            await self._service.sink.refuse()
        else:
            self._service.sink.respond = lambda request: _REPLIES[trouble]

    async def arrived(self) -> list[Arrival]:
        return [
            Arrival("\n".join(map(str, push.document.values())), push.payload.decode(), frozenset(push.headers))
            for push in self._service.pushes
        ]

    async def hung_up(self) -> None:
        await self._service.sink.no_connection()

    def words(self, text: str) -> dict[str, str]:
        return {"title": text, "body": f"{text} {slot('why')}"}


class WebhookRow(ChannelRow):
    """A webhook to a stranger's receiver: the guarded client."""

    channel = Webhook
    troubles = frozenset(("refuses", *_REPLIES))
    good = ("https://hooks.example.org/tocsin?key=1", "https://[2606:4700::1111]:8443/a", "http://localhost:9/", "https://bücher.example/ä")
    same = (
        ("https://hooks.example.org", "HTTPS://HOOKS.example.org:443/#part"),
        ("https://bücher.example/", " https://xn--bcher-kva.example/ "),
        ("https://[2606:4700:0::1111]/", "https://[2606:4700::1111]/"),
    )
    bad = (
        "",
        "hooks.example.org/secret",
        "http://hooks.example.org/secret",
        "ftp://hooks.example.org/secret",
        "https://name:word@hooks.example.org/secret",
        "https://hooks.example.org\\@secret.example/",
        "https://hooks.example.org/secret\r\nX-Injected: 1",
        "https://hooks.example.org:0/secret",
        "https://hooks.example.org:70000/secret",
        "https://intranet/secret",
        "https://2130706433/secret",
        "https://127.1/secret",
        "https://0x7f.0.0.1/secret",
        "https://[fe80::1%25eth0]/secret",
        "https://[::1/secret",
        "https:///secret",
        f"https://hooks.example.org/{'secret' * 400}",
    )
    allowed: ClassVar[bool] = False

    async def __aenter__(self) -> Self:
        self._sink = await HttpSink().__aenter__()
        self._people = 0
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._sink.__aexit__(kind, error, trace)

    def open(self, clock: Callable[[], float] = fixed_clock) -> Channel:
        hosts = (f"127.0.0.1:{self._sink.port}",) if self.allowed else ()
        return Webhook(_with_hosts(hosts), clock, timeouts=_timeouts(self))

    def someone(self) -> str:
        self._people += 1
        return Webhook.parse_address(f"{self._sink.url}/hook/{self._people}")

    async def suffer(self, trouble: Trouble) -> None:
        if trouble == "refuses":
            await self._sink.refuse()
        else:
            self._sink.respond = lambda request: _REPLIES[trouble]

    async def arrived(self) -> list[Arrival]:
        return [
            Arrival(json.loads(request.body)["data"]["text"], request.body.decode(), frozenset(request.headers))
            for request in self._sink.requests
        ]

    async def hung_up(self) -> None:
        await self._sink.no_connection()

    def words(self, text: str) -> dict[str, str]:
        return {}

    def data(self, text: str) -> str:
        return json.dumps({"text": f"{text} {slot('why')}"})


class AllowedWebhookRow(WebhookRow):
    """A webhook to a receiver that staff allowed: no look at its address."""

    allowed = True


def _with_hosts(hosts: tuple[str, ...]) -> ChannelSettings:
    return ChannelSettings(public_url=SETTINGS.public_url, webhook_key=SETTINGS.webhook_key, webhook_hosts=hosts, allow_private=True)


def _timeouts(row: ChannelRow) -> Timeouts:
    return Timeouts(connect=row.answer_seconds, answer=row.answer_seconds)
