"""A whole hub as its own processes, started by its own command, with a data folder of its own: what is measured from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PATIENCE_S = 60.0


class HubProcess:
    """`tocsin serve`; whatever runs at the end of a ``with`` is killed."""

    def __init__(self, data: Path, **environ: str) -> None:
        """`environ` are settings, as TOCSIN_…"""
        self._data = data
        self._environ = os.environ | {"TOCSIN_ALLOW_PRIVATE": "1", "TOCSIN_LOG_LEVEL": "error"} | environ
        self._process: subprocess.Popen[str] | None = None
        self.url = self._token = self._alert = ""
        """`url` is known once it was started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "hub", *arguments, "--data", str(self._data)]

    def _run(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(self._command(*arguments), env=self._environ, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def add_people(self, webhooks: list[str]) -> None:
        """One person with one webhook each, all in 11201, and a token to publish with."""
        lines = ["person,zip,channel,address,consent_source", *(f"{n},11201,webhook,{url},benchmark" for n, url in enumerate(webhooks))]
        self._token = self._run("token", "add", "--agency", "Benchmark", "--role", "publisher")
        assert f"{len(webhooks)} people taken" in self._run("subscribers", "import", "-", stdin="\n".join(lines))

    def start(self) -> None:
        """Until it can publish."""
        serve = self._command("serve", "--port", "0")
        self._process = subprocess.Popen(serve, env=self._environ, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._process.stdout is not None
        while not (line := self._process.stdout.readline()).startswith("listening on "):
            assert line, "the hub ended before it listened"
        self.url = line.split()[-1]

    def kill(self) -> None:
        """SIGKILL to coordinator and senders at once."""
        self._end(signal.SIGKILL, os.killpg)

    def stop(self) -> None:
        """As a service manager does."""
        self._end(signal.SIGTERM, os.kill)

    def _end(self, how: signal.Signals, tell: Any) -> None:
        if self._process is not None:
            tell(self._process.pid, how)
            self._process.communicate(timeout=PATIENCE_S)
            self._process = None

    def publish(self, document: bytes) -> None:
        """One alert."""
        self._alert = self._ask("/api/v1/alerts", document)["id"]

    def settled(self) -> None:
        """Until its ledger says that the alert is done."""
        end = time.monotonic() + PATIENCE_S
        while not self._ask(f"/api/v1/alerts/{self._alert}/progress")["finished"]:
            assert time.monotonic() < end, "never finished"
            time.sleep(0.02)

    def _ask(self, path: str, body: bytes | None = None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers)) as answer:
            return json.load(answer)
