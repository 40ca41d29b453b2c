"""A node from its open port to its end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import structlog

from hub import demo as samples
from hub import memory
from hub.application import Hub, open_hub
from hub.delivery.membership import Role
from hub.errors import SettingsError
from hub.log import configure
from hub.settings import Settings
from hub.settings_rules import in_force
from hub.web.front import open_door, open_hatch
from hub.web.routes import WATCHED, build_app

ENDS_S = 9.5
"""After it was told to: whatever the database has, which may answer a connection never again."""
UNSETTLED = 1
"""Exit code of a node that could not settle all in time."""

log = structlog.get_logger()


def listen(settings: Settings) -> socket.socket:
    """The port is taken before anything else, so that a wrong one is said at once and `--port 0` knows its number."""
    try:
        return socket.create_server((settings.host, settings.number("port", 0, 65535)), reuse_port=False)
    except OSError as error:
        raise SettingsError(f"can't listen on {settings.host}:{settings.port}: {error.strerror}. Choose another with --port") from None


def _door(hub: Hub, port: socket.socket) -> AbstractAsyncContextManager[None]:
    if hub.role == "deliver":
        return open_hatch(build_app(hub, paths=WATCHED), port)
    return open_door(build_app(hub), hub, port, hub.delivering)


async def serve(settings: Settings, *, demo: bool, role: Role, say: Callable[[str], None]) -> None:
    """Run one node until SIGTERM or Ctrl-C; what was handed over is settled before it returns, or the process ends within 10 s without.

    Raises SettingsError with all that is wrong with the settings, before anything of them is used.
    """
    settings, left_out = in_force(settings, demo=demo)
    configure(settings.log_level)
    for fault in left_out:
        log.warning("setting_left_out", setting=f"TOCSIN_{fault.name.upper()}", reason=fault.said)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told() -> None:  # it may be in the midst of its start
        if not stop.is_set():
            stop.set()
            _end_in_time()

    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, told)
    with listen(settings) as port:
        number = port.getsockname()[1]
        async with open_hub(settings, demo=demo, port=number, role=role) as hub, _door(hub, port):
            if demo:
                say(samples.welcome(hub.public_url))
            say(f"listening on http://{settings.host}:{number}")
            memory.started()
            await stop.wait()
            log.info("stopping")


def _end_in_time() -> None:
    # A thread, since a driver that waits for its server holds up the loop's end, and the interpreter's.
    last = threading.Timer(ENDS_S, _end_at_once)
    last.daemon = True
    last.start()


def _end_at_once() -> None:
    """As a crash: what is unsettled is in doubt, and another node or the next start takes it over."""
    log.error("ended_unsettled")
    os._exit(UNSETTLED)
