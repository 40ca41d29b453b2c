"""SMS against an SMSC on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import struct
from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    InvalidAddress,
    Message,
    NotConfigured,
    ProviderFault,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
    slot,
)
from channels.smpp_sms import SmppSms, read_smsc, read_source
from tests.peers.smsc import (
    BIND_TRANSMITTER,
    DELIVER_SM,
    ENQUIRE_LINK,
    RESPONSE,
    RINVDSTADR,
    RMSGQFUL,
    ROK,
    RTHROTTLED,
    SUBMIT_SM,
    UNBIND,
    Smsc,
    Submit,
    deliver_sm,
)

PHONE = "+17185550100"


def settings(smsc: Smsc | str, **changes: Any) -> ChannelSettings:
    url = smsc if isinstance(smsc, str) else smsc.url
    return ChannelSettings(**({"public_url": "https://alerts.example", "sms": url, "sms_from": "+12125550100"} | changes))


def message(text: str, **changes: Any) -> Message:
    base: dict[str, Any] = {
        "purpose": "alert",
        "topic": "alr_1",
        "language": "en",
        "parts": {"text": text},
        "link": "https://alerts.example/a/1",
        "sent_at": 1_790_000_000.0,
        "expires_at": 1_790_003_600.0,
    }
    return Message(**(base | changes))


def person(number: int = 0, **changes: Any) -> Recipient:
    return Recipient(**({"delivery_id": f"d{number}", "address": f"+1718555{number:04}"} | changes))


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc() as running:
        yield running


@pytest.fixture
async def channel(smsc: Smsc) -> AsyncIterator[SmppSms]:
    opened = SmppSms(settings(smsc))
    yield opened
    await opened.aclose()


async def test_a_short_text_is_one_message_with_sender_receiver_and_an_end(smsc: Smsc, channel: SmppSms) -> None:
    receipt = await channel.deliver(channel.compose(message("Boil water. [€5]", severity="Extreme")), person(100))
    (submit,) = smsc.submits
    assert (submit.source, submit.source_ton, submit.destination, submit.destination_ton) == ("12125550100", 1, "17185550100", 1)
    assert (submit.data_coding, submit.esm_class, submit.priority, submit.registered_delivery) == (0, 0, 3, 0)
    assert submit.validity == "260921151320000+"
    assert smsc.phones.messages == [("17185550100", "Boil water. [€5]")]
    assert receipt.provider_id == "m1"


@pytest.mark.parametrize(
    "text", ["Boil water. " * 40, "Wasser [€] " * 60, "请立即前往高处。" * 30, "🚨" * 90, "Hierva el agua, está contaminada. " * 9]
)
async def test_a_long_text_is_joined_again_at_the_phone(text: str, smsc: Smsc, channel: SmppSms) -> None:
    await channel.deliver(channel.compose(message(text)), person(1))
    assert len(smsc.submits) > 1
    assert all(len(submit.octets) <= (159 if submit.data_coding == 0 else 140) for submit in smsc.submits)
    assert smsc.phones.messages == [("17185550001", text)]


async def test_many_people_are_under_way_at_once_on_one_bind_and_each_gets_the_answer_to_their_own(smsc: Smsc, channel: SmppSms) -> None:
    smsc.answer = lambda submit: RINVDSTADR if submit.destination.endswith("7") else ROK
    draft = channel.compose(message("Boil water. " * 20))
    results = await asyncio.gather(*(channel.deliver(draft, person(number)) for number in range(100)), return_exceptions=True)
    assert [isinstance(result, Rejected) for result in results] == [number % 10 == 7 for number in range(100)]
    assert len(smsc.phones.messages) == 90
    assert smsc.binds == [BIND_TRANSMITTER]


async def test_a_letter_holds_its_persons_own_link(smsc: Smsc, channel: SmppSms) -> None:
    draft = channel.compose(message(f"Confirm: {slot('confirm')}", purpose="confirm"))
    assert draft.slots == ("confirm",)
    await channel.deliver(draft, person(1, links={"confirm": "https://alerts.example/confirm/" + "T" * 200}))
    assert smsc.phones.messages == [("17185550001", "Confirm: https://alerts.example/confirm/" + "T" * 200)]


@pytest.mark.parametrize(
    ("status", "error", "dead"),
    [
        (RTHROTTLED, TryAgain, False),
        (RMSGQFUL, TryAgain, False),
        (0x08, ProviderFault, False),
        (0x64, TryAgain, False),
        (RINVDSTADR, Rejected, True),
        (0x04, ProviderFault, False),
        (0x0A, ProviderFault, False),
        (0x48, ProviderFault, False),
        (0x45, Rejected, False),
        (0x0401, Rejected, False),
    ],
)
async def test_what_a_status_means(status: int, error: type[DeliveryFailed], dead: bool, smsc: Smsc, channel: SmppSms) -> None:
    smsc.answer = lambda _: status
    with pytest.raises(error, match=f"0x{status:02X}") as caught:
        await channel.deliver(channel.compose(message("Boil water.")), person())
    assert getattr(caught.value, "address_is_dead", False) is dead


async def test_a_second_try_of_a_text_that_was_throttled_half_way_completes_it_at_the_phone(smsc: Smsc, channel: SmppSms) -> None:
    text = "Boil water. " * 30
    draft = channel.compose(message(text))
    smsc.answer = lambda submit: ROK if submit.octets[5] == 1 else RTHROTTLED
    with pytest.raises(TryAgain):
        await channel.deliver(draft, person())
    smsc.answer = lambda submit: ROK if submit.octets[5] != 1 else RTHROTTLED
    with pytest.raises(TryAgain):
        await channel.deliver(draft, person())
    assert smsc.phones.messages == [("17185550000", text)]


async def test_a_text_of_which_a_part_was_taken_before_the_centre_broke_is_uncertain(smsc: Smsc, channel: SmppSms) -> None:
    """The next provider would send all of it once more."""
    smsc.answer = lambda submit: ROK if submit.octets[5] == 1 else 0x08
    with pytest.raises(Uncertain, match="0x08"):
        await channel.deliver(channel.compose(message("Boil water. " * 30)), person())


async def test_a_bind_that_may_not_send_is_left_once_all_who_wait_are_answered(smsc: Smsc, channel: SmppSms) -> None:
    smsc.answer = lambda _: 0x04
    draft = channel.compose(message("Boil water. " * 30))
    ends = await asyncio.gather(*(channel.deliver(draft, person(number)) for number in range(20)), return_exceptions=True)
    assert {type(end) for end in ends} == {ProviderFault}
    await smsc.no_connection()
    smsc.answer = lambda _: ROK
    await channel.deliver(draft, person(21))
    assert smsc.binds == [BIND_TRANSMITTER] * 2


async def test_a_part_that_is_refused_decides_over_a_part_that_is_throttled(smsc: Smsc, channel: SmppSms) -> None:
    smsc.answer = lambda submit: RTHROTTLED if submit.octets[5] == 1 else RINVDSTADR
    with pytest.raises(Rejected):
        await channel.deliver(channel.compose(message("Boil water. " * 30)), person())


async def test_no_answer_is_uncertain(smsc: Smsc) -> None:
    smsc.answer = lambda _: None
    channel = SmppSms(settings(smsc), timeout=0.2)
    with pytest.raises(Uncertain):
        await channel.deliver(channel.compose(message("Boil water.")), person())
    await channel.aclose()


async def test_a_connection_lost_before_the_answer_is_uncertain_and_the_next_message_binds_anew(smsc: Smsc, channel: SmppSms) -> None:
    draft = channel.compose(message("Boil water."))
    arrived = asyncio.Event()

    def keep_silent(_: object) -> None:
        arrived.set()

    smsc.answer = keep_silent
    under_way = asyncio.create_task(channel.deliver(draft, person(1)))
    await arrived.wait()
    await smsc.hang_up()
    with pytest.raises(Uncertain):
        await under_way
    smsc.answer = lambda _: ROK
    await channel.deliver(draft, person(2))
    assert smsc.phones.messages == [("17185550002", "Boil water.")]
    assert len(smsc.binds) == 2


async def test_a_connection_that_is_lost_when_nobody_waits_any_more_is_no_fault_of_the_loop(smsc: Smsc, channel: SmppSms) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    asked = asyncio.Event()
    smsc.answer = lambda _: asked.set()  # and says nothing
    hand_over = asyncio.create_task(channel.deliver(channel.compose(message("Boil water. " * 30)), person()))
    await asked.wait()
    hand_over.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await hand_over
    del hand_over
    await channel.aclose()
    gc.collect()
    assert faults == []


async def test_an_smsc_that_unbinds_is_bound_again(smsc: Smsc, channel: SmppSms) -> None:
    draft = channel.compose(message("Boil water."))
    await channel.deliver(draft, person(1))
    assert await smsc.ask(UNBIND) == (UNBIND | RESPONSE, ROK)
    await smsc.no_connection()
    await channel.deliver(draft, person(2))
    assert len(smsc.phones.messages) == 2


async def test_an_smsc_that_is_away_or_refuses_the_log_in_is_tried_again_later(smsc: Smsc) -> None:
    wrong = SmppSms(settings(f"smpp://hub:wrong@127.0.0.1:{smsc.port}"))
    with pytest.raises(TryAgain, match="0x0D"):
        await wrong.deliver(wrong.compose(message("Boil water.")), person())
    await smsc.refuse()
    with pytest.raises(TryAgain, match="can't be reached"):
        await wrong.deliver(wrong.compose(message("Boil water.")), person())


async def test_it_answers_the_smsc_and_takes_no_replies_so_that_they_wait_for_a_receiver(smsc: Smsc, channel: SmppSms) -> None:
    await channel.deliver(channel.compose(message("Boil water.")), person())
    assert await smsc.ask(ENQUIRE_LINK) == (ENQUIRE_LINK | RESPONSE, ROK)
    reply = deliver_sm("17185550000", "12125550100", b"STOP")
    assert await smsc.ask(DELIVER_SM, reply) == (DELIVER_SM | RESPONSE, 0x64)
    assert await smsc.ask(0x21) == (0x80000000, 0x03)


async def test_an_answer_twice_and_an_answer_to_nobody_change_nothing(smsc: Smsc, channel: SmppSms) -> None:
    smsc.times = 3
    draft = channel.compose(message("Boil water."))
    await channel.deliver(draft, person(1))
    smsc.tell(struct.pack("!IIII", 19, SUBMIT_SM | RESPONSE, RINVDSTADR, 4711) + b"m9\x00")
    ends = await asyncio.gather(*(channel.deliver(draft, person(number)) for number in range(2, 60)))
    assert sorted(end.provider_id or "" for end in ends) == sorted(f"m{number}" for number in range(2, 60))
    assert smsc.binds == [BIND_TRANSMITTER]


async def test_a_receipt_for_a_message_that_nobody_sent_is_left_with_the_smsc_and_hand_overs_go_on(smsc: Smsc, channel: SmppSms) -> None:
    draft = channel.compose(message("Boil water."))
    await channel.deliver(draft, person(1))
    receipt = deliver_sm("17185550000", "12125550100", b"id:4711 sub:001 dlvrd:001 stat:DELIVRD err:000", esm_class=4)
    for _ in range(2):
        assert await smsc.ask(DELIVER_SM, receipt) == (DELIVER_SM | RESPONSE, 0x64)
    await channel.deliver(draft, person(2))
    assert len(smsc.phones.messages) == 2
    assert smsc.binds == [BIND_TRANSMITTER]


@pytest.mark.parametrize(
    "rest", [b"", b"\x00\x00\x00", struct.pack("!IIII", 40, SUBMIT_SM | RESPONSE, ROK, 2), b"\x00\x00\x00\x03" + b"\x00" * 12]
)
async def test_half_an_answer_leaves_only_those_under_way_uncertain(rest: bytes, smsc: Smsc, channel: SmppSms) -> None:
    draft = channel.compose(message("Boil water."))
    all_there = asyncio.Event()

    def keep_silent(_: Submit) -> None:
        if len(smsc.submits) == 3:
            all_there.set()

    smsc.answer = keep_silent
    under_way = [asyncio.create_task(channel.deliver(draft, person(number))) for number in range(3)]
    await all_there.wait()
    smsc.tell(rest)
    await smsc.hang_up()
    ends = await asyncio.gather(*under_way, return_exceptions=True)
    assert [type(end) for end in ends] == [Uncertain] * 3
    smsc.answer = lambda _: ROK
    await channel.deliver(draft, person(9))
    assert smsc.phones.messages == [("17185550009", "Boil water.")]


async def test_a_crowd_at_once_is_joined_without_mixing_two_people(smsc: Smsc, channel: SmppSms) -> None:
    draft = channel.compose(message("Boil water. " * 20))
    await asyncio.gather(*(channel.deliver(draft, person(number)) for number in range(300)))
    assert sorted(number for number, _ in smsc.phones.messages) == sorted(f"1718555{number:04}" for number in range(300))
    assert {text for _, text in smsc.phones.messages} == {"Boil water. " * 20}


async def test_what_is_not_smpp_ends_the_connection_and_not_the_channel() -> None:
    async def talk_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    async with await asyncio.start_server(talk_http, "127.0.0.1", 0) as server:
        channel = SmppSms(settings(f"smpp://hub:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}"))
        with pytest.raises(TryAgain):
            await channel.deliver(channel.compose(message("Boil water.")), person())
        await channel.aclose()


async def test_closing_unbinds(smsc: Smsc, channel: SmppSms) -> None:
    await channel.deliver(channel.compose(message("Boil water.")), person())
    await channel.aclose()
    await smsc.no_connection()
    assert smsc.unbinds == 1


@pytest.mark.parametrize(("sender", "ton"), [("+12125550100", 1), ("62262", 0), ("", 0), ("NYC Alerts", 5)])
def test_the_sender_may_be_a_number_a_short_code_or_a_name(sender: str, ton: int) -> None:
    assert read_source(sender).ton == ton


@pytest.mark.parametrize("sender", ["A name that is too long", "été", "+1 212 555 0100", "a\x00b"])
def test_a_sender_that_no_phone_would_show_is_refused(sender: str) -> None:
    with pytest.raises(NotConfigured, match="TOCSIN_SMS_FROM"):
        read_source(sender)


@pytest.mark.parametrize(
    "url",
    [
        "smpp://host",
        "smpp://u:secret@",
        "smpp://u:secret@h:0x1",
        "smpp://u:secretsecret@h",
        "smpp://u:secret@h/path",
        "https://u:secret@h",
        "smpp://u:sécret@h",
    ],
)
def test_a_setting_that_cannot_be_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        read_smsc(url)
    assert "secret" not in str(caught.value)


def test_without_an_smsc_the_channel_is_not_configured() -> None:
    with pytest.raises(NotConfigured, match="TOCSIN_SMS"):
        SmppSms(ChannelSettings(public_url="https://alerts.example"))


@pytest.mark.parametrize("raw", [PHONE, "7185550100", "(718) 555-0100", " 1-718-555-0100 ", "+1 718.555.0100"])
def test_a_number_has_one_form(raw: str) -> None:
    assert SmppSms.parse_address(raw) == PHONE


@pytest.mark.parametrize(
    "raw", ["", "911", "12345", "718-555-010", "+15550100123", "718555010x", "+44 20 7183", "718 555 0100 ext 5", "tel"]
)
def test_a_number_that_cannot_be_is_refused_without_repeating_it(raw: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        SmppSms.parse_address(raw)
    assert not raw or raw not in str(caught.value)
