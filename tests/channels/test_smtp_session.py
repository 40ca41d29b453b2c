"""One SMTP connection against a server that a test scripts word by word: what goes into one write, and what half an answer costs whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from channels.smtp_session import Refused, Reply, SessionLost, SmtpSession, Step

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
MAIL, RCPT = b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<p@example.org>\r\n"
CONTENT = b"Subject: Boil\r\n\r\nBoil.\r\n"


@asynccontextmanager
async def scripted(script: Script, *, pipelining: bool = True, answer_s: float = 5.0, idle_s: float = 30.0) -> AsyncIterator[SmtpSession]:
    """A session with a server that does as the script says, and then hangs up."""
    faults: list[BaseException] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        except BaseException as error:  # noqa: BLE001 - told below, where the test can see it
            faults.append(error)
        finally:
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, *server.sockets[0].getsockname()[:2])
        session = SmtpSession(transport, pipelining=pipelining, smtputf8=False, timeout=answer_s, idle=idle_s)
        yield session
        await session.aclose()
    assert [fault for fault in faults if not isinstance(fault, (asyncio.IncompleteReadError, ConnectionError))] == []


def rcpt(number: int) -> bytes:
    return f"RCPT TO:<p{number}@example.org>\r\n".encode()


async def send(session: SmtpSession, count: int) -> list[Reply | BaseException]:
    return await asyncio.gather(*(session.hand_over(MAIL, rcpt(number), CONTENT) for number in range(count)), return_exceptions=True)


async def expect(reader: asyncio.StreamReader, octets: bytes) -> None:
    """Exactly this comes next."""
    assert await reader.readexactly(len(octets)) == octets


async def test_with_pipelining_a_mails_content_takes_the_next_mails_commands_along() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await expect(reader, CONTENT + b".\r\n" + MAIL + rcpt(1) + b"DATA\r\n")
        writer.write(b"250 one\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        await expect(reader, CONTENT + b".\r\n")
        writer.write(b"250 two\r\n")
        await reader.readuntil(b"QUIT\r\n")

    async with scripted(script) as session:
        assert await send(session, 2) == [Reply(250, "one"), Reply(250, "two")]


async def test_without_it_each_command_waits_for_its_answer() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for number in range(2):
            for command, answer in ((MAIL, b"250 ok\r\n"), (rcpt(number), b"250 ok\r\n"), (b"DATA\r\n", b"354 go\r\n")):
                await expect(reader, command)
                assert not reader._buffer  # type: ignore[attr-defined]  # nothing came along with it
                writer.write(answer)
            await expect(reader, CONTENT + b".\r\n")
            writer.write(b"250 taken\r\n")
        await reader.readuntil(b"QUIT\r\n")

    async with scripted(script, pipelining=False) as session:
        assert await send(session, 2) == [Reply(250, "taken")] * 2


async def test_of_pipelined_mails_the_refused_one_fails_alone() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        writer.write(b"250 ok\r\n550-5.1.1 no\r\n550 5.1.1 such user\r\n554 no valid recipients\r\n")
        await expect(reader, b"RSET\r\n" + MAIL + rcpt(1) + b"DATA\r\n")
        writer.write(b"250 reset\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        await expect(reader, CONTENT + b".\r\n")
        writer.write(b"250 taken\r\n")
        await reader.readuntil(b"QUIT\r\n")

    async with scripted(script) as session:
        refused, taken = await send(session, 2)
        assert isinstance(refused, Refused)
        assert (refused.step, refused.reply) == (Step.RCPT, Reply(550, "5.1.1 no\n5.1.1 such user"))
        assert taken == Reply(250, "taken")


async def test_a_server_that_asks_for_content_although_it_refused_the_receiver_gets_a_lone_dot() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        writer.write(b"250 ok\r\n550 5.1.1 no such user\r\n354 go\r\n")
        await expect(reader, b".\r\n" + MAIL + rcpt(1) + b"DATA\r\n")
        writer.write(b"250 taken nothing\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        await expect(reader, CONTENT + b".\r\n")
        writer.write(b"250 taken\r\n")
        await reader.readuntil(b"QUIT\r\n")

    async with scripted(script) as session:
        refused, taken = await send(session, 2)
        assert isinstance(refused, Refused)
        assert refused.reply.code == 550
        assert taken == Reply(250, "taken")


@pytest.mark.parametrize("ending", [b"", b"250 2.0.0 que", b"250-half\r\n", b"garbage\r\n", b"\x00\xff\r\n", b"x" * 40_000])
async def test_half_an_answer_or_nonsense_leaves_only_the_mail_under_way_uncertain(ending: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await expect(reader, CONTENT + b".\r\n" + MAIL + rcpt(1) + b"DATA\r\n")
        writer.write(ending)
        await writer.drain()

    async with scripted(script) as session:
        ends = await send(session, 4)
        assert [isinstance(end, SessionLost) for end in ends] == [True] * 4
        assert [getattr(end, "content_sent", None) for end in ends] == [True, False, False, False]
        assert not session.usable


async def test_an_answer_in_single_bytes_is_one_answer() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        for octet in b"250-ok\r\n250 ok\r\n250 ok\r\n354 go\r\n":
            writer.write(bytes([octet]))
            await writer.drain()
        await expect(reader, CONTENT + b".\r\n")
        for octet in b"250 taken\r\n":
            writer.write(bytes([octet]))
            await writer.drain()
        await reader.readuntil(b"QUIT\r\n")

    async with scripted(script) as session:
        assert await send(session, 1) == [Reply(250, "taken")]


async def test_a_server_that_closes_says_so_to_one_mail_and_the_others_were_never_sent() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        writer.write(b"421 4.3.2 closing\r\n")
        await reader.read()

    async with scripted(script) as session:
        ends = await send(session, 3)
        assert all(isinstance(end, SessionLost) and not end.content_sent for end in ends)


async def test_a_server_that_falls_silent_is_given_up() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await reader.read()

    async with scripted(script, answer_s=0.2) as session:
        (end,) = await send(session, 1)
        assert isinstance(end, SessionLost)
        assert end.content_sent


async def test_a_mail_that_nobody_waits_for_any_more_is_not_sent() -> None:
    asked = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        asked.set()
        writer.write(b"250 ok\r\n250 ok\r\n")
        await cancelled.wait()
        writer.write(b"354 go\r\n")
        assert await reader.read() == b""

    cancelled = asyncio.Event()
    async with scripted(script) as session:
        sending = asyncio.create_task(session.hand_over(MAIL, rcpt(0), CONTENT))
        await asked.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        cancelled.set()
        with pytest.raises(SessionLost):
            await session.hand_over(MAIL, rcpt(1), CONTENT)


async def test_what_an_idle_server_says_before_it_hangs_up_is_no_answer_to_the_next_mail() -> None:
    async def script(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"421 4.4.2 idle for too long\r\n")
        await writer.drain()

    async with scripted(script) as session:
        while session.usable:
            await asyncio.sleep(0)
        with pytest.raises(SessionLost) as lost:
            await session.hand_over(MAIL, RCPT, CONTENT)
        assert not lost.value.content_sent


async def test_a_connection_that_nobody_used_for_a_while_takes_its_leave_and_takes_no_more_mail() -> None:
    gone = asyncio.Event()

    async def script(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await expect(reader, b"QUIT\r\n")
        gone.set()

    async with scripted(script, idle_s=0.05) as session:
        await asyncio.wait_for(gone.wait(), 5)
        with pytest.raises(SessionLost) as lost:
            await session.hand_over(MAIL, RCPT, CONTENT)
        assert not lost.value.content_sent


async def test_a_server_that_is_slow_to_answer_is_not_taken_for_idle() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await expect(reader, MAIL + rcpt(0) + b"DATA\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.3)  # six times as long as the connection may rest
        writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n")
        await reader.readuntil(b".\r\n")
        writer.write(b"250 taken\r\n")
        await reader.readuntil(b"QUIT\r\n")

    async with scripted(script, idle_s=0.05) as session:
        assert await send(session, 1) == [Reply(250, "taken")]
