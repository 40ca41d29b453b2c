"""A stop, or the end of its time, holds for what waits inside a channel, too: nothing of it leaves, and the next message goes on."""

from __future__ import annotations

import asyncio

import pytest

from channels import smtp_session
from channels.contract import CalledOff, Recipient
from channels.failover import Failover
from channels.http_client import HttpClient
from channels.smpp_sms import SmppSms
from channels.smtp_email import SmtpEmail
from channels.smtp_session import SessionLost, SmtpSession
from tests.channels.test_failover import MESSAGE, phone, settings
from tests.channels.test_smtp_session import CONTENT, MAIL, expect, rcpt, scripted
from tests.peers.http_sink import HttpSink
from tests.peers.smsc import Smsc
from tests.peers.smtp import mail_server


def over() -> None:
    raise CalledOff


def to(address: str = "p@example.org", *, called_off: bool = False) -> Recipient:
    links = {"unsubscribe": "https://alerts.example/u/1"}
    return Recipient(delivery_id="d", address=address, links=links, **({"still": over} if called_off else {}))


async def test_a_post_that_waited_for_its_connection_is_asked_and_the_connection_serves_the_next(sink: HttpSink) -> None:
    client = HttpClient()
    with pytest.raises(CalledOff):
        await client.post(f"{sink.url}/1", {}, b"x", over)
    await client.post(f"{sink.url}/2", {}, b"x", over)  # which did not wait
    await client.aclose()
    with pytest.raises(CalledOff):
        await client.ask(f"{sink.url}/3", {}, b"x", over)
    await client.aclose()
    assert [request.path for request in sink.requests] == ["/2"]
    assert sink.connections == 2


async def test_a_mail_that_waited_for_its_connection_is_asked() -> None:
    async with mail_server() as server:
        channel = SmtpEmail(settings(smtp=server.url))
        draft = channel.compose(MESSAGE)
        with pytest.raises(CalledOff):
            await channel.deliver(draft, to(called_off=True))
        await channel.deliver(draft, to("next@example.org"))
        await channel.aclose()
        assert [envelope.rcpt_tos for envelope in server.sent] == [["next@example.org"]]


@pytest.mark.parametrize("pipelining", [True, False])
async def test_a_mail_that_waited_for_the_one_before_is_asked_when_its_turn_comes(pipelining: bool) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in [MAIL + rcpt(0) + b"DATA\r\n"] if pipelining else [MAIL, rcpt(0), b"DATA\r\n"]:
            await expect(reader, part)
            writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n" if pipelining else b"354 go\r\n" if part == b"DATA\r\n" else b"250 ok\r\n")
        await expect(reader, CONTENT + b".\r\n")
        writer.write(b"250 taken\r\n")
        await expect(reader, b"QUIT\r\n")

    async with scripted(script, pipelining=pipelining) as session:
        first = asyncio.ensure_future(session.hand_over(MAIL, rcpt(0), CONTENT))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(session.hand_over(MAIL, rcpt(1), CONTENT, over))
        assert (await first).code == 250
        with pytest.raises(CalledOff):
            await second


@pytest.mark.parametrize("late", [True, False])
async def test_a_server_that_was_slow_to_ask_for_the_content_gets_none(monkeypatch: pytest.MonkeyPatch, late: bool) -> None:
    """One that was not gets it: what is under way for a moment ends as it would."""
    monkeypatch.setattr(smtp_session, "_SOON_S", -1.0 if late else 60.0)
    ended = False

    def still() -> None:
        if ended:
            raise CalledOff

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal ended
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        ended = True
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        if late:
            assert await reader.read() == b""
        else:
            await expect(reader, CONTENT + b".\r\n")
            writer.write(b"250 taken\r\n")

    async def hand_over(session: SmtpSession) -> int:
        return (await session.hand_over(MAIL, rcpt(0), CONTENT, still)).code

    async with scripted(script) as session:
        if not late:
            assert await hand_over(session) == 250
            return
        with pytest.raises(CalledOff):
            await hand_over(session)
        with pytest.raises(SessionLost):
            await hand_over(session)


async def test_a_text_message_that_waited_for_its_session_is_asked() -> None:
    async with Smsc() as centre:
        channel = SmppSms(settings(sms=centre.url))
        draft = channel.compose(MESSAGE)
        with pytest.raises(CalledOff):
            await channel.deliver(draft, to("+17185550001", called_off=True))
        await channel.deliver(draft, phone(2))
        await channel.aclose()
        assert [submit.destination for submit in centre.submits] == ["17185550002"]


async def test_who_was_refused_by_one_provider_is_asked_before_the_next_one() -> None:
    async with mail_server() as first, mail_server() as second:
        await first.refuse()
        channel = Failover([SmtpEmail(settings(smtp=server.url)) for server in (first, second)])
        asked = 0

        def still() -> None:
            nonlocal asked
            asked += 1
            if asked > 1:
                raise CalledOff

        draft = channel.compose(MESSAGE)
        with pytest.raises(CalledOff):
            await channel.deliver(draft, Recipient(delivery_id="d", address="p@example.org", links=to().links, still=still))
        await channel.deliver(draft, to("next@example.org"))
        await channel.aclose()
        assert [envelope.rcpt_tos for envelope in second.sent] == [["next@example.org"]]
