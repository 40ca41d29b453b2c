"""Firefox without a window, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/) over its own debugging port."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

START_S = 60.0
ALWAYS = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.safebrowsing.downloads.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.systemAddon.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "services.settings.server": "http://localhost:9/none",
    "toolkit.telemetry.server": "http://localhost:9/none",
    "network.prefetch-next": False,
    "remote.prefs.recommended": False,  # they would switch push off
}
"""A profile that asks nobody anything."""


class Firefox:
    """One window of it."""

    def __init__(self, line: aiohttp.ClientWebSocketResponse) -> None:
        self._line = line
        self._numbers = itertools.count(1)
        self._context = ""

    async def ask(self, method: str, **parameters: Any) -> Any:
        """One command of BiDi. Raises AssertionError with what the browser said against it."""
        number = next(self._numbers)
        await self._line.send_json({"id": number, "method": method, "params": parameters})
        while True:
            said = await self._line.receive_json()
            if said.get("id") == number:
                assert said["type"] == "success", said
                return said["result"]

    async def begin(self) -> None:
        await self.ask("session.new", capabilities={})
        self._context = (await self.ask("browsingContext.getTree"))["contexts"][0]["context"]

    async def open(self, url: str) -> None:
        await self.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, expression: str) -> Any:
        """The JSON of what an expression, or a promise of it, comes to in the page."""
        wrapped = f"(async () => JSON.stringify(await ({expression})))()"
        answer = await self.ask(
            "script.evaluate", expression=wrapped, target={"context": self._context}, awaitPromise=True, userActivation=True
        )
        assert answer["type"] == "success", answer
        return json.loads(answer["result"].get("value", "null"))

    async def until(self, expression: str) -> Any:
        """The first value of it that counts as true."""
        while not (value := await self.evaluate(f"new Promise((done) => setTimeout(done, 50)).then(() => {expression})")):
            pass
        return value

    async def press(self, selector: str) -> None:
        """A click of the mouse on an element."""
        found = await self.ask(
            "browsingContext.locateNodes", context=self._context, locator={"type": "css", "value": selector}, maxNodeCount=1
        )
        assert found["nodes"], f"there is no {selector}"
        origin = {"type": "element", "element": {"sharedId": found["nodes"][0]["sharedId"]}}
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        actions = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self.ask("input.performActions", context=self._context, actions=[{"type": "pointer", "id": "mouse", "actions": actions}])


@asynccontextmanager
async def firefox(program: Path, profile: Path, prefs: dict[str, Any]) -> AsyncIterator[Firefox]:
    """A browser with a profile of its own in `profile`, until the block ends."""
    profile.mkdir(parents=True, exist_ok=True)
    lines = (f'user_pref("{name}", {json.dumps(value)});\n' for name, value in (ALWAYS | prefs).items())
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")
    environ = os.environ | {"HOME": str(profile), "MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_DISABLE_CONTENT_SANDBOX": "1"}
    process = await asyncio.create_subprocess_exec(
        program,
        *("--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0", "about:blank"),
        env=environ,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(START_S):
            address = await _address(process)
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{address}/session", max_msg_size=0) as line:
            browser = Firefox(line)
            await browser.begin()
            reading = asyncio.create_task(_drain(process))
            yield browser
        reading.cancel()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    said = b""
    while line := await process.stderr.readline():
        said += line
        if found := re.search(rb"WebDriver BiDi listening on (ws://\S+)", line):
            return found[1].decode()
    raise AssertionError(f"Firefox ended before it listened: {said.decode(errors='replace')[-2000:]}")


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while await process.stderr.readline():
        pass
