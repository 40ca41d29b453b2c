"""One alert of each severity, each over a borough of its own, in a demonstration that has no others."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

SEVERITIES = {
    "Extreme": ("Immediate", "Staten Island", "Brush fire in the Greenbelt", "Leave by Richmond Avenue."),
    "Severe": ("Expected", "Bronx", "The Bronx River will rise", "Move cars and belongings to higher ground."),
    "Moderate": ("Expected", "Manhattan", "Power will be out in parts of Harlem", "Charge your phone, and use flashlights, not candles."),
    "Minor": ("Expected", "Queens", "Street fair on Northern Boulevard", "Take the subway, and allow more time."),
    "Unknown": ("Unknown", "Brooklyn", "A smell of smoke in Red Hook", "Keep your windows closed."),
}
"""By CAP's severity: urgency, borough, headline, instruction."""


def headline(severity: str) -> str:
    """Of the alert of this severity."""
    return SEVERITIES[severity][2]


def publish_every_severity(hub: str, data: Path) -> dict[str, str]:
    """The paths of their pages, by severity. Whatever needs a second person is approved by one."""
    author, approver = (_token(data, role) for role in ("publisher", "approver"))
    paths = {}
    for severity in SEVERITIES:
        answer = _post(f"{hub}/api/v1/alerts", author, _alert(severity))
        if answer["status"] == "awaiting_approval":
            _post(f"{hub}/api/v1/alerts/{answer['id']}/approve", approver, {})
        paths[severity] = f"/alerts/{answer['id']}"
    return paths


def _alert(severity: str) -> dict[str, object]:
    urgency, borough, words, instruction = SEVERITIES[severity]
    return {
        "category": "Other",
        "event": "Notice",
        "urgency": urgency,
        "severity": severity,
        "certainty": "Observed",
        "expires": (datetime.now(UTC) + timedelta(hours=6)).isoformat(),
        "area": {"boroughs": [borough]},
        "infos": [{"language": "en-US", "headline": words, "description": "", "instruction": instruction}],
    }


def _token(data: Path, role: str) -> str:
    command = [Path(sys.executable).with_name("tocsin"), "token", "add", "--agency", "City", "--role", role, "--data", data]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _post(address: str, token: str, body: dict[str, object]) -> dict[str, str]:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with urlopen(Request(address, json.dumps(body).encode(), headers)) as answer:
        read: dict[str, str] = json.loads(answer.read())
    return read
