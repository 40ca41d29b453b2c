"""Web push beyond the common contract: what the browser decrypts, and what the push service is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from channels.contract import ChannelSettings, InvalidAddress, Message, NotConfigured, Recipient, Rejected, TryAgain, slot
from channels.push_encryption import LONGEST_PAYLOAD
from channels.vapid import create_vapid_key, public_key
from channels.web_push import LONGEST_TTL, WebPush, is_push_service, urgency_of
from tests.channels.test_cutting import LINK
from tests.peers.http_sink import Reply
from tests.peers.push_service import Push, PushService

NOW = 1_790_000_000.0
WHY = "https://alerts.example/why/" + "t" * 64
PEM = create_vapid_key()
SETTINGS = ChannelSettings(
    public_url="https://alerts.example", vapid_private_key=PEM, vapid_subject="mailto:alerts@alerts.example", allow_private=True
)
FLOOD = Message(
    purpose="alert",
    topic="alr_1",
    language="es",
    severity="Extreme",
    urgency="Immediate",
    parts={"title": "Inundación", "body": "Suba ahora."},
    link="https://alerts.example/a/1",
    sent_at=NOW,
    expires_at=NOW + 5400,
)


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with PushService() as opened:
        yield opened


@pytest.fixture
async def channel() -> AsyncIterator[WebPush]:
    opened = WebPush(SETTINGS, lambda: NOW)
    yield opened
    await opened.aclose()


async def push(channel: WebPush, service: PushService, message: Message, address: str | None = None) -> Push:
    draft = channel.compose(message)
    address = address or channel.parse_address(json.dumps(service.subscribe()))
    links = {name: WHY.replace("why", name) for name in draft.slots}
    await channel.deliver(draft, Recipient(delivery_id="dlv_1", address=address, links=links))
    return service.pushes[-1]


@pytest.mark.parametrize(("wish", "after"), [({"Retry-After": "900"}, 900.0), ({}, None)])
async def test_windows_push_service_says_with_406_that_it_has_had_too_much(
    wish: dict[str, str], after: float | None, channel: WebPush, service: PushService
) -> None:
    browser = service.subscribe()
    service.instead[browser["endpoint"].removeprefix(service.sink.url)] = Reply(406, wish)
    with pytest.raises(TryAgain) as caught:
        await push(channel, service, FLOOD, channel.parse_address(json.dumps(browser)))
    assert caught.value.after == after


async def test_a_sender_with_a_name_gives_push_services_the_bare_address(service: PushService) -> None:
    plain = ChannelSettings(
        public_url="https://alerts.example", vapid_private_key=PEM, mail_from="City <alerts@alerts.example>", allow_private=True
    )
    channel = WebPush(plain, lambda: NOW)
    pushed = await push(channel, service, FLOOD)
    await channel.aclose()
    assert pushed.claims["sub"] == "mailto:alerts@alerts.example"


async def test_the_browser_decrypts_what_was_written(channel: WebPush, service: PushService) -> None:
    pushed = await push(channel, service, FLOOD)
    assert pushed.document == {
        "title": "Inundación",
        "body": "Suba ahora.",
        "url": "https://alerts.example/a/1",
        "tag": pushed.headers["topic"],
        "purpose": "alert",
        "status": "Actual",
        "severity": "Extreme",
        "urgency": "Immediate",
        "lang": "es",
        "dir": "ltr",
        "silent": False,
        "timestamp": int(NOW * 1000),
        "expires": int(FLOOD.expires_at * 1000),
        "why": WHY,
    }


async def test_the_push_service_is_told_how_long_how_urgent_and_by_whom(channel: WebPush, service: PushService) -> None:
    pushed = await push(channel, service, FLOOD)
    assert (pushed.headers["ttl"], pushed.headers["urgency"]) == ("5400", "high")
    assert pushed.vapid_key == public_key(PEM)
    assert pushed.claims["aud"] == service.sink.url
    assert pushed.claims["sub"] == "mailto:alerts@alerts.example"
    assert NOW < pushed.claims["exp"] <= NOW + 86_400


@pytest.mark.parametrize(("seconds", "ttl"), [(-5, 0), (0.5, 0), (60, 60), (10**9, LONGEST_TTL)])
async def test_a_message_waits_no_longer_than_it_is_true(channel: WebPush, service: PushService, seconds: float, ttl: int) -> None:
    pushed = await push(channel, service, msgspec.structs.replace(FLOOD, expires_at=NOW + seconds))
    assert int(pushed.headers["ttl"]) == ttl


async def test_an_update_replaces_what_still_waits_and_another_alert_does_not(channel: WebPush, service: PushService) -> None:
    address = channel.parse_address(json.dumps(service.subscribe()))
    for topic, title in (("alr_1", "first"), ("alr_1", "second"), ("alr_2", "other")):
        await push(channel, service, msgspec.structs.replace(FLOOD, topic=topic, parts={"title": title, "body": ""}), address)
    assert sorted(waiting.document["title"] for waiting in service.waiting.values()) == ["other", "second"]


async def test_each_message_has_a_key_and_a_salt_of_its_own(channel: WebPush, service: PushService) -> None:
    address = channel.parse_address(json.dumps(service.subscribe()))
    for _ in range(2):
        await push(channel, service, FLOOD, address)
    first, second = (request.body for request in service.sink.requests)
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


@pytest.mark.parametrize(("purpose", "name"), [("alert", "why"), ("notice", "why"), ("confirm", "confirm"), ("access", "access")])
async def test_each_purpose_brings_its_own_link(channel: WebPush, service: PushService, purpose: str, name: str) -> None:
    pushed = await push(channel, service, msgspec.structs.replace(FLOOD, purpose=purpose))
    assert pushed.document[name] == WHY.replace("why", name)
    assert {"why", "confirm", "access", "unsubscribe"} & pushed.document.keys() == {name}


@pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("ur", "rtl"), ("yi", "rtl"), ("zh-Hant", "ltr"), ("en", "ltr")])
async def test_the_direction_of_the_script_is_said(channel: WebPush, service: PushService, language: str, direction: str) -> None:
    assert (await push(channel, service, msgspec.structs.replace(FLOOD, language=language))).document["dir"] == direction


LONG = {
    "ascii": "Move to high ground. " * 400,
    "escapes": '"\\\n\t' * 2000,
    "bengali": "উঁচু জায়গায় যান। " * 400,
    "families": "👩‍👩‍👧‍👦" * 700,
    "keycaps": "1️⃣" * 2000,
    "slots": f"Why: {slot('why')}. " * 100,
}


@pytest.mark.parametrize("sample", [name for name in LONG if name != "slots"])
async def test_a_body_that_is_too_long_is_cut_and_the_links_are_not(channel: WebPush, service: PushService, sample: str) -> None:
    pushed = await push(channel, service, msgspec.structs.replace(FLOOD, parts={"title": "t", "body": LONG[sample]}))
    body = pushed.document["body"]
    assert LONGEST_PAYLOAD - 350 < len(pushed.payload) <= LONGEST_PAYLOAD
    assert body.endswith("…")
    assert LONG[sample].startswith(body.removesuffix("…"))
    assert pushed.document["why"] == WHY


@pytest.mark.parametrize(("sample", "character"), [("families", "👩‍👩‍👧‍👦"), ("keycaps", "1️⃣")])
async def test_a_cut_is_never_inside_a_character(channel: WebPush, service: PushService, sample: str, character: str) -> None:
    for extra in range(4):
        pushed = await push(channel, service, msgspec.structs.replace(FLOOD, parts={"title": "t" * extra, "body": LONG[sample]}))
        assert pushed.document["body"].removesuffix("…").replace(character, "") == ""


async def test_a_link_of_the_author_is_whole_or_left_out(channel: WebPush, service: PushService) -> None:
    for room in range(0, 150, 5):
        body = f"{'水' * (1050 + room)}详情见{LINK}。{'水' * 1000}"
        pushed = await push(channel, service, msgspec.structs.replace(FLOOD, parts={"title": "t", "body": body}))
        said = pushed.document["body"]
        assert len(pushed.payload) <= LONGEST_PAYLOAD
        assert said.count("https://") == said.count(LINK)
        assert f"{LINK}…" not in said


async def test_a_cut_is_never_inside_a_slot(channel: WebPush, service: PushService) -> None:
    for extra in range(40):
        pushed = await push(channel, service, msgspec.structs.replace(FLOOD, parts={"title": "t" * extra, "body": LONG["slots"]}))
        assert len(pushed.payload) <= LONGEST_PAYLOAD
        assert LONG["slots"].replace(slot("why"), WHY).startswith(pushed.document["body"].removesuffix("…"))


async def test_a_monstrous_title_is_cut_too(channel: WebPush, service: PushService) -> None:
    pushed = await push(channel, service, msgspec.structs.replace(FLOOD, parts={"title": "水" * 5000, "body": "Suba ahora."}))
    assert pushed.document["title"] == "水" * 199 + "…"
    assert pushed.document["body"] == "Suba ahora."


async def test_a_body_that_just_fits_is_whole(channel: WebPush, service: PushService) -> None:
    body = "x" * 3300
    assert (await push(channel, service, msgspec.structs.replace(FLOOD, parts={"title": "t", "body": body}))).document["body"] == body


async def test_a_link_that_bursts_the_payload_is_a_final_no(channel: WebPush, service: PushService) -> None:
    draft = channel.compose(FLOOD)
    address = channel.parse_address(json.dumps(service.subscribe()))
    with pytest.raises(Rejected):
        await channel.deliver(draft, Recipient(delivery_id="dlv_1", address=address, links={"why": "x" * 4000}))
    assert service.sink.requests == []


@pytest.mark.parametrize(
    ("severity", "urgency", "status", "purpose", "expected"),
    [
        ("Extreme", "Unknown", "Actual", "alert", "high"),
        ("Severe", "Future", "Actual", "alert", "high"),
        ("Moderate", "Immediate", "Actual", "alert", "high"),
        ("Moderate", "Expected", "Actual", "alert", "normal"),
        ("Minor", "Expected", "Actual", "alert", "low"),
        ("Minor", "Past", "Actual", "alert", "very-low"),
        ("Unknown", "Unknown", "Actual", "alert", "normal"),
        ("Extreme", "Immediate", "Exercise", "alert", "normal"),
        ("Extreme", "Immediate", "Actual", "confirm", "normal"),
    ],
)
def test_only_what_cannot_wait_wakes_a_phone(severity: str, urgency: str, status: str, purpose: str, expected: str) -> None:
    assert urgency_of(msgspec.structs.replace(FLOOD, severity=severity, urgency=urgency, status=status, purpose=purpose)) == expected


async def test_a_subscription_that_the_service_never_heard_of_is_dead(channel: WebPush, service: PushService) -> None:
    address = channel.parse_address(json.dumps(service.subscribe() | {"endpoint": f"{service.sink.url}/push/never"}))
    with pytest.raises(Rejected) as failure:
        await push(channel, service, FLOOD, address)
    assert failure.value.address_is_dead


async def test_a_key_that_the_service_does_not_take_closes_no_address(channel: WebPush, service: PushService) -> None:
    subscription = service.subscribe()
    service.instead["/push/0"] = Reply(403)
    with pytest.raises(Rejected) as failure:
        await push(channel, service, FLOOD, channel.parse_address(json.dumps(subscription)))
    assert not failure.value.address_is_dead


@pytest.mark.parametrize(
    "origin",
    [
        "https://fcm.googleapis.com",
        "https://updates.push.services.mozilla.com",
        "https://db5p.notify.windows.com",
        "https://web.push.apple.com",
    ],
)
def test_browser_makers_push_services_are_known(origin: str) -> None:
    assert is_push_service(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://fcm.googleapis.com",
        "https://fcm.googleapis.com:8443",
        "https://fcm.googleapis.com.example.org",
        "https://evilfcm.googleapis.com",
        "https://evilnotify.windows.com",
        "https://notify.windows.com.example.org",
        "http://db5p.notify.windows.com",
        "https://push.example.org",
    ],
)
def test_look_alikes_are_strangers(origin: str) -> None:
    assert not is_push_service(origin)


@pytest.mark.parametrize("host", ["http://127.0.0.1", "http://localhost", "https://localhost", "https://127.0.0.1"])
async def test_loopback_is_refused_unless_it_is_allowed(service: PushService, host: str) -> None:
    channel = WebPush(msgspec.structs.replace(SETTINGS, allow_private=False), lambda: NOW)
    address = channel.parse_address(json.dumps(service.subscribe() | {"endpoint": f"{host}:{service.sink.port}/push/0"}))
    with pytest.raises(Rejected) as failure:
        await push(channel, service, FLOOD, address)
    await channel.aclose()
    assert not failure.value.address_is_dead
    assert service.sink.connections == 0


def test_a_subscription_is_stored_in_one_compact_spelling() -> None:
    keys = {
        "auth": "BTBZMqHH6r4Tts7J/aSIgg==",
        "p256dh": "BCVxsr7N/eNgVRqvHtD0zTZsEc6+VV+JvLexhqUzORcxaOzi6+AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4=",
    }
    raw = json.dumps({"keys": keys, "expirationTime": 1.5, "endpoint": "https://PUSH.example.org/a%2Fb:c"}, indent=2)
    assert WebPush.parse_address(raw) == (
        '{"endpoint":"https://push.example.org/a%2Fb:c","keys":{"p256dh":'
        '"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}}'
    )


def test_a_point_off_the_curve_is_refused() -> None:
    off = {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw8",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    }
    with pytest.raises(InvalidAddress, match="curve"):
        WebPush.parse_address(json.dumps({"endpoint": "https://push.example.org/a", "keys": off}))


@pytest.mark.parametrize("settings", [{"vapid_private_key": None}, {"vapid_private_key": "x"}, {"vapid_subject": "nobody"}])
def test_without_an_identity_the_channel_is_not_configured(settings: dict[str, str | None]) -> None:
    with pytest.raises(NotConfigured):
        WebPush(msgspec.structs.replace(SETTINGS, **settings))


def test_all_browsers_of_one_push_service_have_one_host(channel: WebPush, service: PushService) -> None:
    keys = service.subscribe()["keys"]
    for endpoint in ("https://FCM.googleapis.com/fcm/send/a:b", "https://fcm.googleapis.com:443/other"):
        address = channel.parse_address(json.dumps({"keys": keys, "expirationTime": None, "endpoint": endpoint}))
        assert channel.host_of(address) == "https://fcm.googleapis.com"
