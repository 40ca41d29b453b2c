"""A hub and an SMSC: what phones write comes in by the one receiver, and the answers go out by a sender process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from hub.application import Hub, open_hub
from hub.settings import load
from hub.sms.inbox import Inbound
from hub.sms.start import replies_in_words
from tests import databases
from tests.peers.smsc import (
    BIND_RECEIVER,
    BIND_TRANSMITTER,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    RESPONSE,
    ROK,
    Smsc,
    data_sm,
    deliver_sm,
    tlv,
)
from tests.waiting import until

PHONE, OWN = "17185550123", "12125550100"
NOBODY = "Nobody is watching this. Call or text 911."
NOT_NOW = 0x64


@pytest.fixture
async def smsc() -> AsyncIterator[Smsc]:
    async with Smsc() as peer:
        yield peer


@pytest.fixture
def open_one(tmp_path: Path, smsc: Smsc) -> Callable[..., AbstractAsyncContextManager[Hub]]:
    def opened(**changes: str) -> AbstractAsyncContextManager[Hub]:
        settings = {"data": str(tmp_path), "senders": "1", "allow_private": "1", "sms": smsc.url, "sms_from": f"+{OWN}"} | changes
        return open_hub(load(environ={}).replace("test", **settings), demo=False, port=0)

    return opened


Open = Callable[..., AbstractAsyncContextManager[Hub]]


def said(smsc: Smsc) -> list[str]:
    return [words for number, words in smsc.phones.messages if number == PHONE]


async def places(hub: Hub) -> list[str | None]:
    view = await hub.enrolment.own_address.view("sms", f"+{PHONE}")
    return [place.zip or place.neighborhood for place in view.places] if view is not None else []


async def test_what_a_phone_writes_is_done_and_answered_and_stop_ends_it(smsc: Smsc, open_one: Open) -> None:
    async with open_one() as hub:
        await smsc.receiver()
        assert await smsc.bring(deliver_sm(PHONE, OWN, b"11201")) == ROK
        assert await places(hub) == ["11201"]
        await until(lambda: len(said(smsc)) == 1)
        assert await smsc.bring(deliver_sm(PHONE, OWN, b"Stop")) == ROK
        assert await places(hub) == []
        await until(lambda: len(said(smsc)) == 2)
        assert await smsc.bring(deliver_sm(PHONE, OWN, b"thanks")) == ROK
        await until(lambda: len(said(smsc)) == 3)
    assert said(smsc)[0].startswith("Tocsin: alerts for 11201 will come by text")
    assert "you are unsubscribed" in said(smsc)[1]
    assert said(smsc)[2] == NOBODY
    assert sorted(set(smsc.binds)) == [BIND_RECEIVER, BIND_TRANSMITTER]


async def test_every_alphabet_and_every_way_to_join_parts_is_read(smsc: Smsc, open_one: Open) -> None:
    ucs2 = "１１２０１".encode("utf-16-be")
    header = [bytes([5, 0, 3, 9, 2, number]) for number in (1, 2)]
    wide = [bytes([6, 8, 4, 1, 9, 2, number]) for number in (1, 2)]

    def sar(number: int) -> bytes:
        return tlv(0x020C, b"\x12\x34") + tlv(0x020E, b"\x02") + tlv(0x020F, bytes([number]))

    async with open_one() as hub:
        await smsc.receiver()
        for body, command, follows in (
            (deliver_sm(PHONE, OWN, ucs2, coding=8), DELIVER_SM, ["11201"]),
            (deliver_sm(PHONE, OWN, "zip 11205 s'il vous plaît".encode("latin-1"), coding=3), DELIVER_SM, ["11201", "11205"]),
            (deliver_sm(PHONE, OWN, header[1] + b"231", esm_class=0x40), DELIVER_SM, ["11201", "11205"]),
            (deliver_sm(PHONE, OWN, header[0] + b"11", esm_class=0x40), DELIVER_SM, ["11201", "11205", "11231"]),
            (deliver_sm(PHONE, OWN, wide[0] + b"remove 112", esm_class=0x40), DELIVER_SM, ["11201", "11205", "11231"]),
            (deliver_sm(PHONE, OWN, wide[1] + b"01", esm_class=0x40), DELIVER_SM, ["11205", "11231"]),
            (deliver_sm(PHONE, OWN, b"remove ", optional=sar(1)), DELIVER_SM, ["11205", "11231"]),
            (deliver_sm(PHONE, OWN, b"11205", optional=sar(2)), DELIVER_SM, ["11231"]),
            (data_sm(PHONE, OWN, b"10001"), DATA_SM, ["11231", "10001"]),
            (deliver_sm(PHONE, OWN, b"", optional=tlv(0x0424, "СТОП".encode("utf-16-be")), coding=8), DELIVER_SM, []),
        ):
            assert await smsc.bring(body, command) == ROK
            assert await places(hub) == follows


async def test_a_message_that_comes_again_after_a_restart_is_not_answered_again(smsc: Smsc, open_one: Open, tmp_path: Path) -> None:
    message = deliver_sm(PHONE, OWN, b"11201")
    async with open_one():
        await smsc.receiver()
        assert await smsc.bring(message) == ROK
    await smsc.no_connection()
    async with open_one() as hub:
        await smsc.receiver()
        assert await smsc.bring(message) == ROK
        assert await places(hub) == ["11201"]
        assert databases.rows(hub.database.url, "SELECT purpose FROM mailing") == [("answer",)]
        await until(lambda: said(smsc))


async def test_what_can_not_be_written_down_stays_with_the_smsc(smsc: Smsc, open_one: Open) -> None:
    message = deliver_sm(PHONE, OWN, b"11201")
    async with open_one() as hub:
        await smsc.receiver()
        databases.write(hub.database.url, "ALTER TABLE heard RENAME TO away")
        assert await smsc.bring(message) == NOT_NOW
        databases.write(hub.database.url, "ALTER TABLE away RENAME TO heard")
        assert await smsc.bring(message) == ROK
        await until(lambda: said(smsc))


async def test_receipts_are_taken_and_rubbish_is_refused_and_nothing_is_answered(smsc: Smsc, open_one: Open) -> None:
    receipt = deliver_sm(PHONE, OWN, b"id:4711 sub:001 dlvrd:001 stat:DELIVRD err:000", esm_class=4)
    async with open_one() as hub:
        await smsc.receiver()
        assert await smsc.bring(receipt) == ROK
        assert await smsc.bring(b"\x00\x01") == 0x01
        assert await smsc.bring(deliver_sm("88377", OWN, b"hello", ton=0)) == ROK
        assert await smsc.bring(deliver_sm("Bank", OWN, b"hello", ton=5)) == ROK
        assert await smsc.bring(deliver_sm(OWN, OWN, b"hello")) == ROK
        assert databases.rows(hub.database.url, "SELECT * FROM mailing") == []


async def test_how_the_receiver_does_is_told_and_stops_nothing_else(smsc: Smsc, open_one: Open) -> None:
    async with open_one() as hub:
        await smsc.receiver()
        await until(lambda: hub.receivers.status == {"receiver:sms": "ok"})
        assert (await hub.readiness())["receiver:sms"] == "ok"
        assert "tocsin_sms_bound 1.0" in hub.metrics.render().decode()
        smsc.takes_receivers = False
        await smsc.hang_up()
        await until(lambda: hub.receivers.status["receiver:sms"].startswith("not bound: "))
        assert "tocsin_sms_bound 0.0" in hub.metrics.render().decode()
    assert hub.receivers.status == {}


@pytest.mark.parametrize(
    ("sms", "sender", "said"),
    [
        ("", "", "TOCSIN_SMS is not set"),
        ("smpp://a:b@one:2775 https://sid:token@two", f"+{OWN}", "1 SMPP receiver and the webhook /api/v1/sms/inbound"),
        ("smpp://a:b@one:2775 smpps://a:b@two:2775", "88377", "2 SMPP receivers"),
        ("smpp://a:b@one:2775", "TOCSIN", "nobody can answer: TOCSIN_SMS_FROM is no number"),
        ("smpp://a:b@one:2775", "", "1 SMPP receiver"),
        ("clickatell://token", f"+{OWN}", "this provider brings none"),
    ],
)
def test_check_says_how_text_messages_come_in(sms: str, sender: str, said: str) -> None:
    assert replies_in_words(sms, sender) == said


async def test_an_smsc_that_hangs_up_is_bound_again(smsc: Smsc, open_one: Open) -> None:
    async with open_one() as hub:
        await smsc.receiver()
        await smsc.hang_up()
        await smsc.receiver()
        assert await smsc.ask(ENQUIRE_LINK) == (ENQUIRE_LINK | RESPONSE, ROK)
        assert await smsc.bring(deliver_sm(PHONE, OWN, b"11201")) == ROK
        assert await places(hub) == ["11201"]


async def test_a_hub_that_writes_in_a_name_binds_no_receiver_and_one_whose_receiver_is_refused_still_sends(
    smsc: Smsc, open_one: Open
) -> None:
    smsc.takes_receivers = False
    async with open_one() as hub:
        await until(lambda: BIND_RECEIVER in smsc.binds)
        await hub.sms.receive(Inbound(f"+{PHONE}", "hello"))
        await until(lambda: said(smsc) == [NOBODY])
    smsc.binds.clear()
    async with open_one(sms_from="TOCSIN") as hub:
        await hub.sms.receive(Inbound(f"+{PHONE}", "hello again"))
        await until(lambda: len(said(smsc)) == 2)
    assert BIND_RECEIVER not in smsc.binds
