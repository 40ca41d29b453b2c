"""The yardstick for web push: one process that encrypts with pywebpush and posts with aiohttp, 64 at a time, no ledger.

The VAPID header is made once, as ours is. Usage: python -m benchmarks.bare_web_push URL N; prints pushes a second.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
from functools import cache

import aiohttp
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02
from pywebpush import WebPusher

BROWSERS = 256
PAYLOAD = b"x" * 600


def subscription(url: str, number: int) -> str:
    """What the page of a made-up browser would hand over; keys are of 256 browsers, endpoints of any number."""
    return json.dumps({"endpoint": f"{url}/{number}", "keys": _keys(number % BROWSERS)}, separators=(",", ":"))


@cache
def _keys(number: int) -> dict[str, str]:
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"p256dh": _text(point), "auth": _text(os.urandom(16))}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


async def main(url: str, count: int) -> None:
    """Push and print."""
    vapid = Vapid02()
    vapid.generate_keys()
    headers = {"TTL": "60", "Urgency": "high", "Content-Encoding": "aes128gcm"}
    headers |= vapid.sign({"aud": url, "sub": "mailto:alerts@example.org", "exp": int(time.time()) + 3600})
    browsers = [json.loads(subscription(url, number)) for number in range(BROWSERS)]
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        numbers = iter(range(count))

        async def push() -> None:
            for number in numbers:
                body = WebPusher(browsers[number % BROWSERS]).encode(PAYLOAD)["body"]
                async with session.post(f"{url}/{number}", data=body, headers=headers) as answer:
                    assert answer.status == 200

        start = time.perf_counter()
        await asyncio.gather(*(push() for _ in range(64)))
        print(round(count / (time.perf_counter() - start), 1))


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
