"""What the command line asks of a running hub, over its API."""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import msgspec

from hub.errors import HubError

TIMEOUT_S = 60.0


class _Audience(msgspec.Struct):
    people: int


class _Stored(msgspec.Struct):
    """What is shown of an alert that the hub answers with."""

    id: str
    status: str
    audience: _Audience


class _Fault(msgspec.Struct):
    detail: str
    pointer: str = ""


class _Problem(msgspec.Struct):
    """RFC 9457 problem details."""

    title: str
    detail: str = ""
    errors: tuple[_Fault, ...] = ()

    def __str__(self) -> str:
        """Lines for a terminal."""
        faults = [f"  {fault.pointer or '/'}: {fault.detail}" for fault in self.errors]
        return "\n".join([self.title, *faults]) if faults else self.detail or self.title


async def publish(document: bytes, url: str, token: str, key: str | None, *, say: Callable[[str], None]) -> None:
    """POST an alert; CAP when it looks like XML. Raises HubError with the hub's own words."""
    xml = document.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    headers = {"Content-Type": "application/cap+xml" if xml else "application/json"}
    if key:
        headers["Idempotency-Key"] = key
    say(await _post(url, "/api/v1/cap" if xml else "/api/v1/alerts", token, document, headers))


async def approve(alert: str, url: str, token: str, *, say: Callable[[str], None]) -> None:
    """POST an approval. Raises HubError with the hub's own words."""
    say(await _post(url, f"/api/v1/alerts/{alert}/approve", token, b"{}", {"Content-Type": "application/json"}))


async def _post(url: str, path: str, token: str, body: bytes, headers: dict[str, str]) -> str:
    """What became of the alert, in one line."""
    if not token:
        raise HubError("a token is needed: --token or TOCSIN_TOKEN, from `tocsin token add`")
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, headers={"Authorization": f"Bearer {token}"}) as session,
            session.post(url.rstrip("/") + path, data=body, headers=headers, allow_redirects=False) as response,
        ):
            answer = await response.read()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise HubError(f"no answer from the hub at {url} ({type(error).__name__}): is it running?") from None
    try:
        if response.status >= 400:
            raise HubError(str(msgspec.json.decode(answer, type=_Problem)))
        stored = msgspec.json.decode(answer, type=_Stored)
    except msgspec.DecodeError:
        raise HubError(_no_hub(url, response)) from None
    return f"{stored.id} {stored.status}, {stored.audience.people} people"


def _no_hub(url: str, response: aiohttp.ClientResponse) -> str:
    """Something in front of the hub answered, or something else."""
    leads = f" and leads to {response.headers['Location']}" if "Location" in response.headers else ""
    doubt = " Whether the hub got this is not certain: look before you send it again." if response.status >= 500 else ""
    return f"{url} answered {response.status}{leads}, not as a hub does: is this its address (--url), and is it running?{doubt}"
