"""A name whose first address swallows everything is reached at its second."""

from __future__ import annotations

import socket

import pytest

from channels.connecting import connect
from channels.smpp_sms import SmppSms
from channels.smtp_email import SmtpEmail
from tests.channels import test_smpp_sms as sms
from tests.channels import test_smtp_email as mail
from tests.peers.black_hole import behind_a_hole, black_hole
from tests.peers.smsc import Smsc
from tests.peers.smtp import mail_server

NAME = "relay.example"


async def test_a_mail_server_is_reached_past_an_address_that_swallows_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    async with mail_server() as server:
        with behind_a_hole(monkeypatch, NAME, server.port):
            channel = SmtpEmail(mail.settings(f"smtp://{NAME}:{server.port}?starttls=never"), timeout=5.0)
            await channel.deliver(channel.compose(mail.message()), mail.person())
            await channel.aclose()


async def test_an_sms_centre_is_reached_past_an_address_that_swallows_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Smsc() as centre:
        with behind_a_hole(monkeypatch, NAME, centre.port):
            channel = SmppSms(sms.settings(f"smpp://hub:secret@{NAME}:{centre.port}"), timeout=5.0)
            await channel.deliver(channel.compose(sms.message("Boil water.")), sms.person())
            await channel.aclose()


async def test_a_mail_does_not_go_over_a_connection_that_a_firewall_may_have_forgotten() -> None:
    async with mail_server() as server:
        channel = SmtpEmail(mail.settings(server), idle=0.05)
        draft = channel.compose(mail.message())
        await channel.deliver(draft, mail.person())
        await server.no_connection()
        await channel.deliver(draft, mail.person())
        await channel.aclose()
        assert (len(server.sent), len(server.connections)) == (2, 2)


async def test_the_system_looks_after_a_connection() -> None:
    async with mail_server() as server:
        with await connect("127.0.0.1", server.port) as connected:
            assert connected.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


async def test_a_hole_alone_is_given_up() -> None:
    with black_hole() as (host, port):
        channel = SmtpEmail(mail.settings(f"smtp://{host}:{port}?starttls=never"), timeout=0.2)
        with pytest.raises(mail.TryAgain, match="TimeoutError"):
            await channel.deliver(channel.compose(mail.message()), mail.person())
        await channel.aclose()
