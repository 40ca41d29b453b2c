"""A hub in processes of its own on a copy of the big city, asked over HTTP as any client asks it."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.big_city import SINK, SINK_PORT, copied
from benchmarks.measure import listening
from hub.staff.account import Staff
from hub.store.database import Database, database_url

ROLES = ("publisher", "approver")
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Node:
    """The running hub. Whatever is published is written by one person and, if need be, approved by another."""

    process: int
    connection: http.client.HTTPConnection
    tokens: dict[str, str]

    @property
    def senders(self) -> list[int]:
        """Process ids."""
        return [int(child) for child in Path(f"/proc/{self.process}/task/{self.process}/children").read_text().split()]

    def ask(self, method: str, path: str, body: object = None, role: str = "publisher") -> Any:
        """One call of the API. Raises RuntimeError for an answer that is an error."""
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        self.connection.request(method, path, raw, {"Authorization": f"Bearer {self.tokens[role]}", "Content-Type": "application/json"})
        answer = self.connection.getresponse()
        said = answer.read()
        if answer.status >= http.HTTPStatus.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {answer.status} {said.decode()}")
        return json.loads(said) if said else None

    def publish(self, document: bytes) -> str:
        """The alert's id; it may wait for approval."""
        return str(self.ask("POST", "/api/v1/alerts", document)["id"])

    def approve(self, alert: str) -> None:
        """By the second person."""
        self.ask("POST", f"/api/v1/alerts/{alert}/approve", {}, role="approver")

    def progress(self, alert: str) -> dict[str, Any]:
        """How far it has got."""
        found: dict[str, Any] = self.ask("GET", f"/api/v1/alerts/{alert}/progress")
        return found

    def after(self, alert: str, people: int) -> dict[str, Any]:
        """Its progress, once so many were reached or nobody is left."""
        while True:
            state = self.progress(alert)
            if state["handed_over"] >= people or state["finished"]:
                return state
            time.sleep(_LOOK_S)

    def first(self, alert: str) -> float:
        """When the first hand-over was answered, in seconds since 1970; rounded up, since it is kept in whole milliseconds."""
        return moment(self.after(alert, 1)["timeline"]["first_handover"]) + 0.001


def moment(text: str) -> float:
    """Seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()


@contextmanager
def running() -> Iterator[Node]:
    """A hub with a million people and two senders, and the sink that their addresses name."""
    with copied() as folder, listening("benchmarks.sink", 0.0, "", 0, SINK_PORT):
        tokens = asyncio.run(_tokens(folder))
        environ = {"TOCSIN_ALLOW_PRIVATE": "1", "TOCSIN_WEBHOOK_HOSTS": SINK.removeprefix("http://"), "TOCSIN_LOG_LEVEL": "warning"}
        command = [sys.executable, "-m", "hub", "serve", "--data", str(folder), "--port", "0"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | environ)
        try:
            assert process.stdout is not None
            url = urlsplit(process.stdout.readline().split()[-1])
            with closing(http.client.HTTPConnection(str(url.hostname), url.port, timeout=60)) as connection:
                yield Node(process.pid, connection, tokens)
        finally:
            process.terminate()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


async def _tokens(folder: Path) -> dict[str, str]:
    async with Database(database_url("", folder)) as database:
        staff = Staff(database, time.time)
        return {role: await staff.add_token("Benchmark", role) for role in ROLES}
