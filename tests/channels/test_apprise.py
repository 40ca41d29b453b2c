"""Apprise's services against a local receiver of its json:// service, and who may use which."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import AsyncIterator
from typing import Any

import apprise
import msgspec
import pytest

from channels import apprise_failures
from channels.apprise_address import RESIDENT_SERVICES, harmless_schemes, parse_resident, parse_service, resident_schemes
from channels.apprise_services import AppriseServices
from channels.apprise_sms import AppriseSms
from channels.contract import (
    CalledOff,
    ChannelSettings,
    InvalidAddress,
    Message,
    NotAsked,
    NotConfigured,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
    Unreachable,
    slot,
)
from tests.peers.http_sink import CLOSE, GARBAGE, HANG, RESET, Fault, HttpSink, Reply

SETTINGS = ChannelSettings(public_url="https://alerts.example")
DISCORD = "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"
LINKS = {"why": "https://alerts.example/why/T?a=1&b=2"}


def message(**changes: Any) -> Message:
    base: dict[str, Any] = {
        "purpose": "alert",
        "topic": "alr_1",
        "language": "en",
        "severity": "Severe",
        "parts": {"title": "Boil <water>", "text": f"Boil & wait. Why: {slot('why')}"},
        "link": "https://alerts.example/a/1",
        "sent_at": 1_790_000_000.0,
        "expires_at": 1_790_003_600.0,
    }
    return Message(**(base | changes))


def person(address: str) -> Recipient:
    return Recipient(delivery_id="d1", address=address, links=LINKS)


@pytest.fixture
async def channel() -> AsyncIterator[AppriseServices]:
    opened = AppriseServices(SETTINGS)
    yield opened
    await opened.aclose()


async def test_title_and_text_arrive_as_written_with_this_persons_link(sink: HttpSink, channel: AppriseServices) -> None:
    draft = channel.compose(message())
    assert draft.slots == ("why",)
    receipt = await channel.deliver(draft, person(f"json://127.0.0.1:{sink.port}/secret"))
    (request,) = sink.requests
    sent = json.loads(request.body)
    assert (sent["title"], sent["message"], sent["type"]) == ("Boil <water>", f"Boil & wait. Why: {LINKS['why']}", "warning")
    assert not receipt.simulated


@pytest.mark.parametrize("status", [400, 404, 410, 429, 500])
async def test_every_no_is_tried_again_since_apprise_gives_no_reason(status: int, sink: HttpSink, channel: AppriseServices) -> None:
    sink.respond = lambda _: Reply(status)
    with pytest.raises(TryAgain) as caught:
        await channel.deliver(channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/secret"))
    assert caught.value.after is None
    assert len(sink.requests) == 1


@pytest.mark.parametrize("answer", [RESET, CLOSE, GARBAGE])
async def test_a_service_that_breaks_off_may_have_taken_it(answer: Fault, sink: HttpSink, channel: AppriseServices) -> None:
    sink.respond = lambda _: answer
    with pytest.raises(Uncertain):
        await channel.deliver(channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/secret"))
    sink.respond = lambda _: Reply(500)
    with pytest.raises(TryAgain):  # and what it was is nothing to whoever comes next in its thread
        await channel.deliver(channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/secret"))


async def test_a_service_that_is_not_there_has_taken_nothing(sink: HttpSink, channel: AppriseServices) -> None:
    await sink.refuse()
    with pytest.raises(Unreachable):
        await channel.deliver(channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/secret"))


async def test_before_a_line_is_encrypted_nothing_was_sent(channel: AppriseServices) -> None:
    """The other side closes at its first word."""
    server = await asyncio.start_server(lambda _, writer: writer.transport.abort(), "127.0.0.1", 0)
    with pytest.raises(Unreachable):
        await channel.deliver(channel.compose(message()), person(f"jsons://127.0.0.1:{server.sockets[0].getsockname()[1]}/secret"))
    server.close()


async def test_an_answer_that_can_not_be_read_is_a_no(sink: HttpSink, channel: AppriseServices) -> None:
    """A page of a proxy's in place of the log-in's JSON."""
    sink.respond = lambda _: Reply(503, body=b"<html>away</html>")
    with pytest.raises(TryAgain) as caught:
        await channel.deliver(channel.compose(message()), person(f"matrix://user:secret@127.0.0.1:{sink.port}/%23room"))
    assert sink.requests
    assert not isinstance(caught.value, Unreachable)


@pytest.mark.parametrize(("answers", "what"), [((200, 403), Uncertain), ((403, 200), Uncertain), ((), Unreachable)])
async def test_of_several_targets_one_may_have_it(
    answers: tuple[int, ...], what: type[Exception], sink: HttpSink, channel: AppriseServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apprise.NotifyBase, "request_rate_per_sec", 0)  # it waits for seconds between two targets
    left = iter(answers)
    sink.respond = lambda _: Reply(next(left))
    if not answers:
        await sink.refuse()
    with pytest.raises(what):
        await channel.deliver(channel.compose(message()), person(f"ntfy://127.0.0.1:{sink.port}/one/two"))
    assert len(sink.requests) == len(answers)


async def test_a_slow_service_gets_the_message_once(sink: HttpSink, channel: AppriseServices) -> None:
    """Apprise's own patience, here a tenth of a second, would end first, and it would call "not taken" what was only slow."""

    async def after_a_while(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
        await asyncio.wait([asyncio.ensure_future(closing.wait())], timeout=0.5)
        writer.write(Reply(200).encode())

    sink.respond = lambda _: Fault(after_a_while)
    await channel.deliver(channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/secret?rto=0.1"))
    assert len(sink.requests) == 1


async def test_a_redirect_is_not_followed(sink: HttpSink, channel: AppriseServices) -> None:
    sink.respond = lambda request: Reply(307, {"Location": f"http://127.0.0.1:{sink.port}/inside"})
    with pytest.raises(TryAgain):
        await channel.deliver(channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/outside"))
    assert [request.path for request in sink.requests] == ["/outside"]


async def test_a_thread_that_takes_too_long_is_uncertain(sink: HttpSink) -> None:
    """The receiver says one letter after the other, so that no single wait of Apprise's is too long."""

    async def dribble(writer: asyncio.StreamWriter, closing: asyncio.Event) -> None:
        writer.write(b"HTTP/1.1 200 X\r\nX: ")
        while not closing.is_set() and not writer.is_closing():
            writer.write(b"x")
            await asyncio.wait([asyncio.ensure_future(closing.wait())], timeout=0.02)

    sink.respond = lambda _: Fault(dribble)
    channel = AppriseServices(SETTINGS, timeout=0.2)
    channel._free = asyncio.Semaphore(1)
    with pytest.raises(Uncertain):
        await channel.deliver(channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/"))
    assert channel._free.locked()  # it hangs still
    await channel.aclose()


@pytest.mark.parametrize("called_off", [False, True])
async def test_while_all_threads_hang_whoever_waits_for_one_can_be_called_off(sink: HttpSink, called_off: bool) -> None:
    """What no thread ever began was certainly not sent."""

    def still() -> None:
        raise CalledOff

    channel = AppriseServices(SETTINGS, timeout=60 if called_off else 0.1)
    channel._free = asyncio.Semaphore(0)
    draft, to = channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/")
    waiting = asyncio.ensure_future(channel.deliver(draft, msgspec.structs.replace(to, still=still)))
    if called_off:
        await asyncio.sleep(0)
        channel._free.release()
    with pytest.raises(CalledOff if called_off else NotAsked):
        await waiting
    assert sink.requests == []
    assert channel._free.locked() is not called_off
    await channel.aclose()


def test_a_service_is_one_host_and_what_people_run_themselves_is_as_many_as_they_have() -> None:
    host_of = AppriseServices(SETTINGS).host_of
    assert host_of("discord://1/a") == host_of("discord://bot@2/b") == "discord"
    assert host_of("jsons://user:pass@one.example:8443/x") == "jsons://one.example:8443"
    assert host_of("json://two.example") == "json://two.example"
    assert host_of("gone://x") == "gone"


async def test_many_are_under_way_at_once(sink: HttpSink, channel: AppriseServices) -> None:
    """The receiver answers nobody before twenty have asked."""
    all_there = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter, _closing: asyncio.Event) -> None:
        if len(sink.requests) == 20:
            all_there.set()
        await all_there.wait()
        writer.write(Reply().encode())

    sink.respond = lambda _: Fault(answer)
    draft = channel.compose(message())
    patient = f"json://127.0.0.1:{sink.port}/?rto=30"
    await asyncio.gather(*(channel.deliver(draft, person(patient)) for _ in range(20)))
    assert len(sink.requests) == 20


async def test_a_failure_logs_no_address(sink: HttpSink, channel: AppriseServices, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.NOTSET)
    sink.respond = lambda _: Reply(500)
    with pytest.raises(TryAgain):
        await channel.deliver(channel.compose(message()), person(f"json://user:secret@127.0.0.1:{sink.port}/secret"))
    assert [record for record in caplog.records if record.name.startswith("apprise") or "secret" in record.getMessage()] == []


def test_nothing_is_kept_of_what_is_logged_outside_of_a_hand_over() -> None:
    """Anybody may enter addresses that are none."""
    error = ConnectionResetError()
    try:
        raise error
    except ConnectionResetError:
        logging.getLogger("apprise").warning("of an address")
    with apprise_failures.heard() as errors:
        pass
    assert errors == []
    assert sys.getrefcount(error) == 2  # the variable, and the question itself


async def test_an_address_that_apprise_can_no_longer_use_is_rejected_and_kept(channel: AppriseServices) -> None:
    with pytest.raises(Rejected) as caught:
        await channel.deliver(channel.compose(message()), person("nosuchservice://token"))
    assert not caught.value.address_is_dead


async def test_a_hang_is_given_up(sink: HttpSink) -> None:
    sink.respond = lambda _: HANG
    channel = AppriseServices(SETTINGS, timeout=0.3)
    with pytest.raises(Uncertain):
        await channel.deliver(channel.compose(message()), person(f"json://127.0.0.1:{sink.port}/"))
    await channel.aclose()


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (f" {DISCORD}/ ", DISCORD),
        (DISCORD.replace("discord:", "Discord:"), DISCORD),
        ("https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", DISCORD),
        ("json://127.0.0.1:8080/x?method=PUT", "json://127.0.0.1:8080/x?method=PUT"),
        ("mastodon://token@social.example", "mastodon://token@social.example"),
    ],
)
def test_staff_may_use_any_service(raw: str, canonical: str) -> None:
    assert parse_service(raw) == canonical
    assert AppriseServices.parse_address(canonical) == canonical


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "discord",
        "discord://",
        "nosuchservice://secret",
        "discord://secret",
        "json://host/a b",
        "json://h/${SECRET}",
        "https://example.org/secret",
        "json://h/" + "s" * 2000,
    ],
)
def test_what_apprise_can_not_use_is_refused_without_repeating_it(raw: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        parse_service(raw)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("raw", [DISCORD, "https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js"])
def test_a_resident_may_use_a_chat_at_a_fixed_host(raw: str) -> None:
    assert parse_resident(raw) == DISCORD


@pytest.mark.parametrize(
    "raw",
    [
        "json://127.0.0.1:8080/",
        "json://intranet/",
        "mailto://user:secret@example.org",
        "twilio://AC735c307c62944b5a:secret@17185550100/17185550101",
        "mastodon://token@social.example",
        "ntfy://topic",
        "syslog://",
        "tgram://123456789:secret/12315544/",
        "fcm://project@secret/device/?keyfile=/etc/passwd",
        f"{DISCORD}?template=/etc/passwd",
        f"{DISCORD}?avatar_url=http://127.0.0.1/",
        f"{DISCORD}#x",
    ],
)
def test_a_resident_may_use_nothing_that_takes_a_host_reaches_a_phone_or_a_mailbox_or_reads_a_file(raw: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_resident(raw)


@pytest.mark.parametrize("raw", ["json://127.0.0.1:8080/x", "json://localhost/x", "json://[::1]:8080/x"])
def test_for_tests_a_resident_may_use_this_machine(raw: str) -> None:
    assert parse_resident(raw, allow_private=True) == raw
    with pytest.raises(InvalidAddress):
        parse_resident(
            raw.replace("127.0.0.1", "10.0.0.1").replace("localhost", "10.0.0.1").replace("[::1]", "10.0.0.1"), allow_private=True
        )


def test_every_named_service_still_keeps_the_rules() -> None:
    """A new Apprise in which one of them takes a host, a number or a mailbox must be looked at before it is used."""
    assert resident_schemes() == RESIDENT_SERVICES


def test_the_rules_leave_out_all_services_with_hosts_numbers_and_mailboxes() -> None:
    services = apprise.Apprise().details()["schemas"]
    for service in services:
        words = " ".join(service["details"]["templates"])
        schemes = {*(service["protocols"] or ()), *(service["secure_protocols"] or ())}
        if any(mark in words for mark in ("{host}", "phone}", "email}", "{password}")):
            assert not schemes & harmless_schemes(), schemes
    assert {"json", "ntfy", "mailto", "twilio", "slack", "pbul"}.isdisjoint(harmless_schemes())


async def test_sms_may_go_through_a_service_of_apprise_with_the_number_as_its_target(sink: HttpSink) -> None:
    channel = AppriseSms(
        ChannelSettings(public_url="https://alerts.example", sms=f"json://user:pass@127.0.0.1:{sink.port}/sms/?method=POST")
    )
    draft = channel.compose(message(parts={"text": "Boil water."}))
    await channel.deliver(draft, Recipient(delivery_id="d", address="+17185550100"))
    await channel.aclose()
    (request,) = sink.requests
    assert request.path.rstrip("/") == "/sms/+17185550100"
    assert json.loads(request.body)["message"] == "Boil water."


@pytest.mark.parametrize("url", [None, "https://api.example.org/secret", "nosuchservice://secret", "twilio://secret"])
def test_an_sms_setting_that_cannot_be_is_refused_without_showing_it(url: str | None) -> None:
    with pytest.raises(NotConfigured) as caught:
        AppriseSms(ChannelSettings(public_url="https://alerts.example", sms=url))
    assert "secret" not in str(caught.value)
