"""What a sender process asks of the system, seen in a process of its own."""

from __future__ import annotations

import asyncio
import sys

FEW_DESCRIPTORS = """
import resource
from hub.delivery.sending import process_limits
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
process_limits.allow_many_hosts()
print(*resource.getrlimit(resource.RLIMIT_NOFILE), hard)
"""

HANGING_LOOK_UPS = """
import asyncio, pathlib, uvloop
from hub.delivery.sending import process_limits
process_limits.allow_many_hosts()
async def main():
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)
    print(len(list(pathlib.Path("/proc/self/task").iterdir())))
uvloop.run(main())
"""


async def run(program: str) -> list[int]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0
    return [int(number) for number in out.split()]


async def test_a_sender_may_open_thousands_of_sockets_where_the_system_lets_it() -> None:
    soft, kept, hard = await run(FEW_DESCRIPTORS)
    assert kept == hard
    assert soft == (8192 if hard < 0 else min(hard, 8192))


async def test_names_are_looked_up_by_many_threads() -> None:
    (threads,) = await run(HANGING_LOOK_UPS)
    assert threads > 32
