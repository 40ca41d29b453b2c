"""Webhooks beyond the common contract: Standard Webhooks signatures, the body, and who goes by which client."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from channels.contract import ChannelSettings, InvalidAddress, Message, NotConfigured, Recipient, Rejected, slot
from channels.webhook import Webhook, secret_for, signature_headers
from tests.peers.http_sink import HttpSink, Reply, Request

NOW = 1_790_000_000.0
KEY = bytes(range(32))
SETTINGS = ChannelSettings(public_url="https://alerts.example", webhook_key=KEY, allow_private=True)
FLOOD = Message(
    purpose="alert",
    topic="alr_1",
    language="en",
    parts={},
    link="https://alerts.example/a/1",
    sent_at=NOW,
    expires_at=NOW + 3600,
    data='{"id":"alr_1","infos":[{"headline":"Flood 洪水"}],"score":1.5}',
)


@pytest.fixture
async def channel() -> AsyncIterator[Webhook]:
    opened = Webhook(SETTINGS, lambda: NOW)
    yield opened
    await opened.aclose()


async def hook(channel: Webhook, sink: HttpSink, message: Message = FLOOD, path: str = "/hook", delivery_id: str = "dlv_1") -> Request:
    draft = channel.compose(message)
    links = {name: f"https://alerts.example/{name}/t" for name in draft.slots}
    await channel.deliver(draft, Recipient(delivery_id=delivery_id, address=f"{sink.url}{path}", links=links))
    return sink.requests[-1]


def verify(secret: str, request: Request) -> bool:
    """What a receiver does, by the text of the Standard Webhooks specification."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.{request.body.decode()}"
    expected = base64.b64encode(hmac.new(key, signed.encode(), hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in request.headers["webhook-signature"].split(" ")


async def test_a_receiver_can_verify_who_sent_it_and_when(channel: Webhook, sink: HttpSink) -> None:
    request = await hook(channel, sink)
    assert verify(secret_for(KEY, f"{sink.url}/hook"), request)
    assert not verify(secret_for(KEY, f"{sink.url}/another"), request)
    assert (request.headers["webhook-id"], request.headers["webhook-timestamp"]) == ("dlv_1", str(int(NOW)))
    assert request.headers["content-type"] == "application/json"


async def test_another_try_of_one_delivery_has_the_same_id(sink: HttpSink) -> None:
    for moment in (NOW, NOW + 60):
        channel = Webhook(SETTINGS, lambda moment=moment: moment)
        await hook(channel, sink)
        await channel.aclose()
    first, second = sink.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_a_secret_is_of_one_hub_and_one_address() -> None:
    mine = secret_for(KEY, "https://a.example/")
    assert mine == secret_for(KEY, "https://a.example/")
    assert len({mine, secret_for(KEY, "https://b.example/"), secret_for(bytes(32), "https://a.example/")}) == 3
    assert len(base64.b64decode(mine.removeprefix("whsec_"))) == 32


def test_the_signature_of_the_specifications_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signature_headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_body_says_what_happened_when_and_where_to_read_on(channel: Webhook, sink: HttpSink) -> None:
    assert json.loads((await hook(channel, sink)).body) == {
        "type": "alert",
        "timestamp": "2026-09-21T14:13:20.000Z",
        "language": "en",
        "links": {"page": "https://alerts.example/a/1"},
        "data": {"id": "alr_1", "infos": [{"headline": "Flood 洪水"}], "score": 1.5},
    }


async def test_all_receivers_of_an_alert_get_the_same_bytes(channel: Webhook, sink: HttpSink) -> None:
    assert channel.compose(FLOOD).slots == ()
    first, second = await hook(channel, sink, path="/1"), await hook(channel, sink, path="/2")
    assert first.body == second.body


@pytest.mark.parametrize(
    ("purpose", "kind", "links"),
    [
        ("confirm", "subscription.confirm", {"confirm": "https://alerts.example/confirm/t"}),
        ("access", "subscription.access", {"access": "https://alerts.example/access/t"}),
        ("notice", "subscription.notice", {}),
    ],
)
async def test_letters_bring_the_link_of_their_purpose(
    channel: Webhook, sink: HttpSink, purpose: str, kind: str, links: dict[str, str]
) -> None:
    body = json.loads((await hook(channel, sink, msgspec.structs.replace(FLOOD, purpose=purpose, data=""))).body)
    assert (body["type"], body["data"]) == (kind, {})
    assert body["links"] == {"page": "https://alerts.example/a/1"} | links


async def test_slots_in_the_data_are_stamped_and_signed_per_person(channel: Webhook, sink: HttpSink) -> None:
    request = await hook(channel, sink, msgspec.structs.replace(FLOOD, data=json.dumps({"why": slot("why")})))
    assert json.loads(request.body)["data"] == {"why": "https://alerts.example/why/t"}
    assert verify(secret_for(KEY, f"{sink.url}/hook"), request)


def test_data_that_is_no_json_is_noticed_once_and_not_per_person(channel: Webhook) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        channel.compose(msgspec.structs.replace(FLOOD, data="{not json"))


@pytest.mark.parametrize(("status", "dead"), [(410, True), (404, False), (401, False), (302, False)])
async def test_only_gone_closes_an_address(channel: Webhook, sink: HttpSink, status: int, *, dead: bool) -> None:
    sink.respond = lambda request: Reply(status, {"Location": f"{sink.url}/elsewhere"})
    with pytest.raises(Rejected) as failure:
        await hook(channel, sink)
    assert failure.value.address_is_dead is dead
    assert len(sink.requests) == 1


async def test_an_allowed_host_is_reached_where_a_strangers_is_not(sink: HttpSink) -> None:
    channel = Webhook(msgspec.structs.replace(SETTINGS, allow_private=False, webhook_hosts=(f"127.0.0.1:{sink.port}",)), lambda: NOW)
    await hook(channel, sink)
    async with HttpSink() as neighbour:
        with pytest.raises(Rejected):
            await hook(channel, neighbour)
        assert neighbour.connections == 0
    await channel.aclose()
    assert len(sink.requests) == 1


@pytest.mark.parametrize(
    "url", ["https://localhost:8443/", "https://169.254.169.254/latest/meta-data", "https://[::ffff:127.0.0.1]/", "https://10.0.0.1/"]
)
async def test_a_strangers_address_inside_is_a_final_no(url: str) -> None:
    channel = Webhook(msgspec.structs.replace(SETTINGS, allow_private=False), lambda: NOW)
    with pytest.raises(Rejected) as failure:
        await channel.deliver(channel.compose(FLOOD), Recipient(delivery_id="dlv_1", address=channel.parse_address(url)))
    await channel.aclose()
    assert url not in str(failure.value)


def test_without_a_key_the_channel_is_not_configured() -> None:
    with pytest.raises(NotConfigured):
        Webhook(ChannelSettings(public_url="https://alerts.example"))


def test_an_allowed_host_that_is_none_is_said_at_the_start() -> None:
    with pytest.raises(InvalidAddress, match="allowed host"):
        Webhook(msgspec.structs.replace(SETTINGS, webhook_hosts=("not a host",)))


async def test_what_asks_for_confirmation_hands_over_the_secret_and_nothing_else_does(channel: Webhook, sink: HttpSink) -> None:
    asked = await hook(channel, sink, msgspec.structs.replace(FLOOD, purpose="confirm", data=""))
    secret = json.loads(asked.body)["secret"]
    told = await hook(channel, sink)
    assert verify(secret, asked)
    assert verify(secret, told)
    assert "secret" not in json.loads(told.body)
    assert "secret" not in channel.compose(msgspec.structs.replace(FLOOD, purpose="confirm")).slots


def test_all_addresses_of_one_receiver_have_one_host(channel: Webhook) -> None:
    spellings = ("https://HOOKS.example.org/a", "https://hooks.example.org:443/b?c=1", "https://hooks.example.org")
    assert {channel.host_of(channel.parse_address(raw)) for raw in spellings} == {"https://hooks.example.org"}
    assert channel.host_of(channel.parse_address("https://hooks.example.org:8443/a")) == "https://hooks.example.org:8443"
