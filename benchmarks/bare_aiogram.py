"""The yardstick for Telegram: one process, aiogram's `send_message`, 64 at a time, to a local Bot API.

Usage: python -m benchmarks.bare_aiogram URL N; prints messages a second.
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode

TOKEN = "123456789:benchmark-token"


async def main(url: str, count: int) -> None:
    """Send and print."""
    bot = Bot(TOKEN, session=AiohttpSession(api=TelegramAPIServer.from_base(url)))
    numbers = iter(range(count))

    async def send() -> None:
        for number in numbers:
            await bot.send_message(chat_id=1_000_000 + number, text="<b>Flash flooding</b>\n" + "x" * 600, parse_mode=ParseMode.HTML)

    start = time.perf_counter()
    await asyncio.gather(*(send() for _ in range(64)))
    print(round(count / (time.perf_counter() - start), 1))
    await bot.session.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
