"""What the command line asks of a running hub, over its API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp

from hub.errors import HubError

TIMEOUT_S = 60.0


async def publish(document: bytes, url: str, token: str, key: str | None, *, say: Callable[[str], None]) -> None:
    """POST an alert; CAP when it looks like XML. Raises HubError with the hub's own words."""
    xml = document.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    headers = {"Content-Type": "application/cap+xml" if xml else "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    answer = await _post(url, "/api/v1/cap" if xml else "/api/v1/alerts", token, document, headers)
    say(f"{answer['id']} {answer['status']}, {answer['audience']['people']} people")


async def approve(alert: str, url: str, token: str, *, say: Callable[[str], None]) -> None:
    """POST an approval."""
    answer = await _post(url, f"/api/v1/alerts/{alert}/approve", token, b"{}", {"Content-Type": "application/json"})
    say(f"{answer['id']} {answer['status']}, {answer['audience']['people']} people")


async def _post(url: str, path: str, token: str, body: bytes, headers: dict[str, str]) -> dict[str, Any]:
    if not token:
        raise HubError("a token is needed: --token or TOCSIN_TOKEN, from `tocsin token add`")
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers={"Authorization": f"Bearer {token}"}) as session,
            session.post(url.rstrip("/") + path, data=body, headers=headers, allow_redirects=False) as response,
        ):
            answer: dict[str, Any] = await response.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise HubError(f"no answer from the hub at {url} ({type(error).__name__}): is it running?") from None
    if response.status >= 400:
        raise HubError(_problem(answer))
    return answer


def _problem(answer: dict[str, Any]) -> str:
    """RFC 9457 problem details as lines for a terminal."""
    faults = [f"  {fault.get('pointer') or '/'}: {fault.get('detail')}" for fault in answer.get("errors", [])]
    return "\n".join([str(answer.get("title", "refused")) if faults else str(answer.get("detail") or answer.get("title")), *faults])
