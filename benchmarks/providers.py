"""Whole hubs on e-mail, SMS, Telegram and Apprise, each beside the bare library: the ledger on, two sender processes, real protocols on
loopback to a peer that takes everything at once."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import uvloop

from benchmarks.fanout import hub_of, in_turns
from benchmarks.measure import Figure, figure, in_a_process, listening, sink

MAILS, BARE_MAILS = 12_000, 5_000
MAIL_BYTES = 8_000
"""Of the yardstick's mail, a little less than ours has."""
TEXTS, BARE_TEXTS = 12_000, 2_000
CHATS, BARE_CHATS = 12_000, 4_000
SERVICES, BARE_SERVICES = 2_000, 100
SERVICE_DELAY_S = 0.2

TOKEN = "123456789:benchmark-token"
SENT = '{"ok":true,"result":{"message_id":1,"date":1790000000,"chat":{"id":1,"type":"private"},"text":"x"}}'


def email() -> dict[str, Figure]:
    """To Postfix's `smtp-sink`, or to a sink of our own where it is not installed."""
    with smtp_sink() as port:
        taken = _beside(
            MAILS,
            "email",
            lambda number: f"p{number}@example.org",
            {"TOCSIN_SMTP": f"smtp://127.0.0.1:{port}?starttls=never", "TOCSIN_MAIL_FROM": "alerts@example.org"},
            lambda: in_a_process("benchmarks.bare_aiosmtplib", port, BARE_MAILS, MAIL_BYTES),
            "aiosmtplib sendmail of ready bytes on 16 connections, one process",
        )
    return {"fanout_email": taken}


def sms() -> dict[str, Figure]:
    """To an SMSC that answers each submit_sm at once."""
    with listening("benchmarks.smsc_sink") as port:
        taken = _beside(
            TEXTS,
            "sms",
            lambda number: f"+1718{5_550_000 + number}",
            {"TOCSIN_SMS": f"smpp://hub:secret@127.0.0.1:{port}", "TOCSIN_SMS_FROM": "62262"},
            lambda: in_a_process("benchmarks.bare_aiosmpplib", port, BARE_TEXTS),
            "aiosmpplib's ESME, one part a message, one process",
        )
    return {"fanout_sms": taken}


def telegram() -> dict[str, Figure]:
    """To a Bot API that takes every message; without the pace of thirty a second."""
    with sink(0.0, SENT) as url:
        taken = _beside(
            CHATS,
            "telegram",
            lambda number: str(1_000_000 + number),
            {"TOCSIN_TELEGRAM_TOKEN": TOKEN, "TOCSIN_TELEGRAM_API": url, "TOCSIN_RATES": "telegram=0"},
            lambda: in_a_process("benchmarks.bare_aiogram", url, BARE_CHATS),
            "aiogram send_message, 64 at a time, one process",
        )
    return {"fanout_telegram": taken}


def apprise() -> dict[str, Figure]:
    """To receivers of Apprise's json service that answer after 200 ms."""
    with sink(SERVICE_DELAY_S) as url:
        taken = _beside(
            SERVICES,
            "apprise",
            lambda number: f"{url.replace('http', 'json', 1)}/{number}",
            {},
            lambda: in_a_process("benchmarks.bare_apprise", url, BARE_SERVICES),
            "Apprise.async_notify, 50 targets a call",
        )
    return {"fanout_apprise": taken}


def _beside(
    people: int, channel: str, address: Callable[[int], str], environ: dict[str, str], yardstick: Callable[[], float], named: str
) -> Figure:
    async def work() -> tuple[list[float], list[float]]:
        async with hub_of(people, channel, address, ("11201",), **environ) as hub:
            return await in_turns(hub, people, yardstick)

    ours, theirs = uvloop.run(work())
    return figure(ours, theirs, "hand-overs/s", named)


def smtp_sink() -> AbstractContextManager[int]:
    """A mail server's port."""
    program = shutil.which("smtp-sink") or shutil.which("smtp-sink", path="/usr/sbin")
    return postfix_sink(program) if program else listening("benchmarks.smtp_sink")


@contextmanager
def postfix_sink(program: str) -> Iterator[int]:
    """Postfix's own sink, which must be told its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([program, *user, f"127.0.0.1:{port}", "1024"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield port
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nobody listens on port {port}")
