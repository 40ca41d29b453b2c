"""Alerts as the store gives them, without a database."""

from __future__ import annotations

from typing import Any

from hub.alerts.alert import Alert
from hub.alerts.area import resolve
from hub.alerts.fingerprint import fingerprint
from hub.alerts.store import StoredAlert
from hub.alerts.validation import read_alert
from subscriptions.areas import AreaCatalog
from subscriptions.severity import rank
from tests.hub.alerts.documents import NOW, encode, minimal

PUBLIC_URL = "https://alerts.example.gov"


def stored(catalog: AreaCatalog, document: dict[str, Any] | None = None, **changes: Any) -> StoredAlert:
    """A live alert; `changes` are fields of the row."""
    alert = read_alert(encode(document or minimal()), catalog, NOW)
    return row(alert, catalog, **changes)


def row(alert: Alert, catalog: AreaCatalog, **changes: Any) -> StoredAlert:
    now = int(NOW * 1000)
    area = resolve(alert.area, catalog)
    grade = rank(alert.severity)
    values: dict[str, Any] = {
        "number": 1,
        "id": "al_1",
        "chain": "al_1",
        "status": "live",
        "agency": "Office of Examples",
        "source": "api",
        "identifier": None,
        "sender": None,
        "sent_at": now,
        "grade": grade,
        "document": alert,
        "area": area,
        "hash": fingerprint(alert, area, grade),
        "audience": 0,
        "author": "staff:1",
        "approver": None,
        "created_at": now,
        "approved_at": None,
        "live_at": now + 60_500,
        "ended_at": None,
        "send_at": None,
        "expires_at": int(alert.expires.timestamp() * 1000),
    }
    return StoredAlert(**(values | changes))
