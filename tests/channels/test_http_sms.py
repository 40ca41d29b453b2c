"""SMS by an API like Twilio's, against a local HTTP server."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    Message,
    NotConfigured,
    OptedOut,
    ProviderFault,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
    slot,
)
from channels.http_client import Timeouts
from channels.http_sms import HttpSms, read_api
from tests.peers.http_sink import BROKEN_REFUSAL, CLOSE, HANG, Fault, HttpSink, Reply

NOW = 1_790_000_000.0
QUICK = Timeouts(connect=0.3, answer=0.3)


def settings(sink: HttpSink | str, **changes: Any) -> ChannelSettings:
    url = sink if isinstance(sink, str) else f"http://AC123:t%40ken@127.0.0.1:{sink.port}"
    return ChannelSettings(**({"public_url": "https://alerts.example", "sms": url, "sms_from": "+12125550100"} | changes))


def message(text: str = "Boil water.", **changes: Any) -> Message:
    base: dict[str, Any] = {
        "purpose": "alert",
        "topic": "alr_1",
        "language": "en",
        "parts": {"text": text},
        "link": "https://alerts.example/a/1",
        "sent_at": NOW,
        "expires_at": NOW + 3600,
    }
    return Message(**(base | changes))


def person(**links: str) -> Recipient:
    return Recipient(delivery_id="d1", address="+17185550100", links=links)


def error(status: int, code: int) -> Reply:
    body = {"code": code, "message": "The 'To' number +17185550100 is not valid", "status": status}
    return Reply(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


@pytest.fixture
async def sink() -> AsyncIterator[HttpSink]:
    async with HttpSink(lambda _: Reply(201, {"Content-Type": "application/json"}, b'{"sid": "SM7", "status": "queued"}')) as running:
        yield running


@pytest.fixture
async def channel(sink: HttpSink) -> AsyncIterator[HttpSms]:
    opened = HttpSms(settings(sink), lambda: NOW)
    yield opened
    await opened.aclose()


async def test_one_form_holds_sender_receiver_text_and_how_long_it_may_wait(sink: HttpSink, channel: HttpSms) -> None:
    receipt = await channel.deliver(channel.compose(message("Boil & wait: 5 % = 煮沸 🚨")), person())
    (request,) = sink.requests
    assert (request.method, request.path) == ("POST", "/2010-04-01/Accounts/AC123/Messages.json")
    assert base64.b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"AC123:t@ken"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(request.body.decode()) == {
        "From": ["+12125550100"],
        "To": ["+17185550100"],
        "Body": ["Boil & wait: 5 % = 煮沸 🚨"],
        "ValidityPeriod": ["3600"],
    }
    assert receipt.provider_id == "SM7"


async def test_a_letter_holds_its_persons_own_link(sink: HttpSink, channel: HttpSms) -> None:
    draft = channel.compose(message(f"Confirm: {slot('confirm')}", purpose="confirm"))
    assert draft.slots == ("confirm",)
    await channel.deliver(draft, person(confirm="https://alerts.example/confirm/T?a=1&b=2"))
    assert parse_qs(sink.requests[0].body.decode())["Body"] == ["Confirm: https://alerts.example/confirm/T?a=1&b=2"]


async def test_a_messaging_service_may_be_the_sender(sink: HttpSink) -> None:
    channel = HttpSms(settings(sink, sms_from="MG42"), lambda: NOW)
    await channel.deliver(channel.compose(message()), person())
    await channel.aclose()
    assert parse_qs(sink.requests[0].body.decode())["MessagingServiceSid"] == ["MG42"]


@pytest.mark.parametrize(
    ("reply", "expected", "after", "dead"),
    [
        (Reply(429, {"Retry-After": "7"}), TryAgain, 7.0, False),
        (Reply(429), TryAgain, None, False),
        (Reply(503, {"Retry-After": "5"}), TryAgain, 5.0, False),
        (Reply(500), ProviderFault, None, False),
        (Reply(502), ProviderFault, None, False),
        (Reply(504), Uncertain, None, False),
        (error(401, 20003), ProviderFault, None, False),
        (Reply(404), ProviderFault, None, False),
        (error(400, 21211), Rejected, None, True),
        (error(400, 21614), Rejected, None, True),
        (error(400, 21610), OptedOut, None, True),
        (error(400, 21408), Rejected, None, False),
        (Reply(400, body=b"<html>"), Rejected, None, False),
        *((Reply(status, {"Location": "/inside"}), ProviderFault, None, False) for status in (301, 302, 307, 308)),
        (Reply(402), ProviderFault, None, False),
        (Reply(405), ProviderFault, None, False),
        *((error(400, code), ProviderFault, None, False) for code in (21212, 21606, 21659)),
        (BROKEN_REFUSAL, TryAgain, 7.0, False),
        (HANG, Uncertain, None, False),
        (CLOSE, Uncertain, None, False),
    ],
)
async def test_what_an_answer_means(
    reply: Reply | Fault, expected: type[DeliveryFailed], after: float | None, dead: bool, sink: HttpSink
) -> None:
    sink.respond = lambda _: reply
    channel = HttpSms(settings(sink), lambda: NOW, timeouts=QUICK)
    with pytest.raises(expected) as caught:
        await channel.deliver(channel.compose(message()), person())
    await channel.aclose()
    assert isinstance(caught.value, ProviderFault) is (expected is ProviderFault)
    assert getattr(caught.value, "after", None) == after
    assert getattr(caught.value, "address_is_dead", False) is dead
    assert "7185550100" not in caught.value.reason
    assert len(sink.requests) == 1


async def test_a_number_that_is_dead_stops_nobody_else(sink: HttpSink, channel: HttpSms) -> None:
    taken = sink.respond
    sink.respond = lambda request: error(400, 21211) if b"7185550100" in request.body else taken(request)
    draft = channel.compose(message())
    with pytest.raises(Rejected):
        await channel.deliver(draft, person())
    assert (await channel.deliver(draft, Recipient(delivery_id="d2", address="+17185550101"))).provider_id == "SM7"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"sid": 7}', b'{"si'])
async def test_an_answer_that_takes_the_message_counts_whatever_its_words_are(body: bytes, sink: HttpSink, channel: HttpSms) -> None:
    sink.respond = lambda _: Reply(201, body=body)
    assert (await channel.deliver(channel.compose(message()), person())).provider_id is None


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://AC1:t@api.twilio.com", "https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json"),
        ("https://AC1:t@sms.example:8443/", "https://sms.example:8443/2010-04-01/Accounts/AC1/Messages.json"),
        (
            "https://p:t@space.example/api/laml/2010-04-01/Accounts/p/Messages?x=1",
            "https://space.example/api/laml/2010-04-01/Accounts/p/Messages?x=1",
        ),
        ("http://u:t@127.0.0.1:9/send", "http://127.0.0.1:9/send"),
        ("http://u:t@[::1]:9/send", "http://[::1]:9/send"),
    ],
)
def test_the_url_names_the_account_or_the_whole_path(url: str, place: str) -> None:
    assert read_api(url).url == place


@pytest.mark.parametrize(
    "url",
    [
        "https://sms.example",
        "https://AC1@sms.example",
        "http://AC1:secret@sms.example",
        "https://AC1:secret@h:0x1",
        "https://AC1:secret@",
        "smpp://u:secret@h",
    ],
)
def test_a_setting_that_cannot_be_is_refused_without_showing_the_token(url: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        read_api(url)
    assert "secret" not in str(caught.value)


def test_without_a_provider_or_a_sender_the_channel_is_not_configured() -> None:
    with pytest.raises(NotConfigured, match="TOCSIN_SMS "):
        HttpSms(ChannelSettings(public_url="https://alerts.example"))
    with pytest.raises(NotConfigured, match="TOCSIN_SMS_FROM"):
        HttpSms(settings("https://AC1:t@sms.example", sms_from=""))
