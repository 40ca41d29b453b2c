"""The demonstration: two log-ins, twenty sample subscribers over the five boroughs, and notices ready to publish.

Samples are named by their place, never by a person, and whatever goes to them goes to the outbox. A demonstration has a data folder of its
own and refuses a real hub's.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, Protocol

from sqlalchemy import func, select

from channels import catalog
from hub.clock import Clock, instant
from hub.delivery.audience_sync import AudienceSync
from hub.staff.account import Staff
from hub.store import tables
from hub.store.database import Database
from subscriptions.areas import AreaCatalog
from subscriptions.csv_import import import_csv
from subscriptions.store.tables import subscriber
from subscriptions.vault import Keyring

AGENCY = "Sample Emergency Management"
LOG_INS = [("publisher", "author", "demo-author"), ("approver", "approver", "demo-approver")]
"""(role, name, password). The author of a demonstration may also publish, so that one log-in is enough for the first alert."""
CONSENT = "sample of the demonstration"

EVERYDAY, DRILLS = "", "1"

_SAMPLES = (
    # place, language, channels, drills. Each of the ready-made notices reaches people in English and in Spanish on several channels.
    ("zip:11201", "en", ("sms",), EVERYDAY),
    ("zip:11201", "es", ("telegram",), EVERYDAY),
    ("zip:11205", "en", ("email",), EVERYDAY),
    ("zip:11205", "es", ("web_push",), EVERYDAY),
    ("zip:11691", "en", ("sms",), EVERYDAY),
    ("zip:11693", "es", ("email",), EVERYDAY),
    ("zip:11224", "ru", ("email",), EVERYDAY),
    ("zip:11224", "es", ("telegram",), EVERYDAY),
    ("zip:11235", "en", ("web_push",), EVERYDAY),
    ("zip:10001", "en", ("email",), EVERYDAY),
    ("zip:10033", "es", ("sms",), EVERYDAY),
    ("neighborhood:Chinatown-Two Bridges", "zh-Hans", ("web_push",), EVERYDAY),
    ("point:40.6782,-73.9442,1200", "ht", ("telegram",), EVERYDAY),
    ("zip:11101", "en", ("apprise",), EVERYDAY),
    ("zip:11368", "es", ("email",), EVERYDAY),
    ("zip:10451", "es", ("sms",), EVERYDAY),
    ("borough:Bronx", "en", ("webhook",), EVERYDAY),
    ("zip:10301", "en", ("email", "web_push"), DRILLS),
    ("zip:10312", "es", ("sms", "telegram"), DRILLS),
    ("citywide", "en", ("webhook", "apprise"), DRILLS),
)
_COLUMNS = (
    *("person", "label", "zip", "neighborhood", "borough", "lat", "lon", "radius_m", "citywide", "language", "drills"),
    *("channel", "address", "consent_source", "sample"),
)


def sample_csv() -> list[str]:
    """The sample subscribers in the format of `tocsin subscribers import`."""
    rows = [
        _row(number, place, language, drills, channel)
        for number, (place, language, channels, drills) in enumerate(_SAMPLES, 1)
        for channel in channels
    ]
    return [",".join(_COLUMNS), *(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows)]


def people() -> list[tuple[str, str, tuple[str, ...], bool]]:
    """(label, language, channels, whether they take drills) of each sample."""
    return [(_label(place), language, channels, bool(drills)) for place, language, channels, drills in _SAMPLES]


def _label(place: str) -> str:
    kind, _, name = place.partition(":")
    return "Sample, around a point in 11213" if kind == "point" else f"Sample, {name or kind}"


def _row(number: int, place: str, language: str, drills: str, channel: str) -> list[str]:
    kind, _, name = place.partition(":")
    cells = dict.fromkeys(_COLUMNS, "") | {"person": f"sample-{number}", "label": _label(place), "language": language}
    if kind == "point":
        cells |= dict(zip(("lat", "lon", "radius_m"), name.split(","), strict=True))
    else:
        cells[kind] = name or "1"
    cells |= {"drills": drills, "channel": channel, "address": _address(channel, number), "consent_source": CONSENT, "sample": "1"}
    return list(cells.values())


def _address(channel: str, number: int) -> str:
    """Addresses that belong to nobody: example domains and numbers kept free for fiction."""
    return {
        "email": f"sample{number}@example.org",
        "sms": f"+1718555{100 + number:04d}",
        "telegram": str(1_000_000 + number),
        "webhook": f"https://hooks.example.org/sample-{number}",
        "apprise": f"mastodon://sample-token-{number}@mastodon.example.org",
        "web_push": json.dumps({"endpoint": f"https://push.example.org/sample-{number}", "keys": _SAMPLE_KEYS}),
    }[channel]


_SAMPLE_KEYS = {
    # The base point of P-256 (FIPS 186-4, D.1.2.3): on the curve, and nobody's secret.
    "p256dh": "BGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU",
    "auth": "AAAAAAAAAAAAAAAAAAAAAA",
}


def notices(now: float) -> list[tuple[str, str]]:
    """(title, alert JSON) of notices as a city would write them, beginning now."""
    return [(title, json.dumps(_alert(now, **alert), ensure_ascii=False, indent=1)) for title, alert in _NOTICES.items()]


def _alert(now: float, *, hours: float, infos: dict[str, tuple[str, str, str]], **fields: Any) -> dict[str, Any]:
    ends = instant(now) + timedelta(hours=hours)
    texts = [
        {"language": tag, "headline": headline, "description": description, "instruction": instruction}
        for tag, (headline, description, instruction) in infos.items()
    ]
    return {
        "status": "Actual",
        "msgType": "Alert",
        "certainty": "Observed",
        "expires": ends.isoformat(timespec="seconds"),
        "infos": texts,
    } | fields


_NOTICES: dict[str, dict[str, Any]] = {
    "Road closure in Downtown Brooklyn (goes out at once)": {
        "category": "Transport",
        "event": "Road Closure",
        "urgency": "Immediate",
        "severity": "Minor",
        "hours": 4,
        "area": {"zips": ["11201", "11205"]},
        "infos": {
            "en-US": (
                "Flatbush Avenue Extension closed at Tillary Street",
                "A water main has broken. Both directions are closed between Tillary Street and Concord Street. Buses are detoured.",
                "Use Adams Street or Navy Street instead, and allow more time.",
            ),
            "es": (
                "Flatbush Avenue Extension cerrada en Tillary Street",
                "Se rompió una tubería de agua. Cerrada en ambos sentidos entre Tillary Street y Concord Street. Los autobuses se desvían.",
                "Use Adams Street o Navy Street y calcule más tiempo.",
            ),
        },
    },
    "Flash flood warning for coastal Queens and Brooklyn (needs the second log-in)": {
        "category": "Met",
        "event": "Flash Flood Warning",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Likely",
        "hours": 3,
        "area": {"zips": ["11691", "11692", "11693", "11694", "11224", "11235"]},
        "infos": {
            "en-US": (
                "Flash flooding in low-lying streets and basements",
                "Two to three inches of rain are falling within an hour. Water rises fast in basements and underpasses.",
                "Go to a higher floor now. Leave basement homes. Never walk or drive through moving water.",
            ),
            "es": (
                "Inundación repentina en calles bajas y sótanos",
                "Están cayendo de dos a tres pulgadas de lluvia en una hora. El agua sube rápido en sótanos y pasos subterráneos.",
                "Suba a un piso más alto ahora. Salga de las viviendas en sótanos. No camine ni conduzca por agua en movimiento.",
            ),
        },
    },
    "Police activity around Borough Hall, a circle (goes out at once)": {
        "category": "Security",
        "event": "Police Activity",
        "urgency": "Immediate",
        "severity": "Moderate",
        "hours": 2,
        "area": {"circle": {"lat": 40.6937, "lon": -73.9903, "radius_m": 700}},
        "infos": {
            "en-US": (
                "Police activity at Borough Hall, Brooklyn",
                "Streets around Joralemon and Court Street are closed to traffic and people on foot.",
                "Stay away from the area. If you are inside, follow the officers' directions.",
            ),
            "es": (
                "Operativo policial en Borough Hall, Brooklyn",
                "Las calles alrededor de Joralemon y Court Street están cerradas al tráfico y a peatones.",
                "No se acerque a la zona. Si está dentro, siga las indicaciones de los agentes.",
            ),
        },
    },
    "Heat advisory for the whole city (goes out at once)": {
        "category": "Met",
        "event": "Heat Advisory",
        "urgency": "Expected",
        "severity": "Moderate",
        "certainty": "Likely",
        "hours": 24,
        "area": {"citywide": True},
        "infos": {
            "en-US": (
                "Hot and humid: it will feel like 100 °F",
                "The heat is dangerous for older people, small children and people with heart or lung disease.",
                "Drink water often, rest in the shade or in a cooling center, and look in on your neighbors. Call 311 for the nearest one.",
            ),
            "es": (
                "Calor y humedad: se sentirá como 100 °F",
                "El calor es peligroso para personas mayores, niños pequeños y enfermos del corazón o los pulmones.",
                "Beba agua a menudo, descanse a la sombra o en un centro de enfriamiento y visite a sus vecinos. Más información: 311.",
            ),
        },
    },
    "Siren test, a drill that is marked on every channel (goes out at once)": {
        "status": "Test",
        "category": "Other",
        "event": "Siren Test",
        "urgency": "Immediate",
        "severity": "Minor",
        "hours": 1,
        "topics": ["test"],
        "area": {"boroughs": ["Staten Island"]},
        "infos": {
            "en-US": ("Siren test at noon on Staten Island", "The sirens sound for one minute. Nothing has happened.", "Nothing to do."),
            "es": (
                "Prueba de sirenas al mediodía en Staten Island",
                "Las sirenas suenan un minuto. No ha pasado nada.",
                "No tiene que hacer nada.",
            ),
        },
    },
}


class Empty(Protocol):
    """What is needed of a hub to fill it."""

    @property
    def database(self) -> Database: ...
    @property
    def staff(self) -> Staff: ...
    @property
    def keyring(self) -> Keyring: ...
    @property
    def catalog(self) -> AreaCatalog: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def sync(self) -> AudienceSync: ...


async def fill(hub: Empty) -> None:
    """Log-ins and samples, once."""
    async with hub.database.read() as connection:
        staff = (await connection.execute(select(func.count()).select_from(tables.account))).scalar_one()
        people = (await connection.execute(select(func.count()).select_from(subscriber))).scalar_one()
    if not staff:
        for role, name, password in LOG_INS:
            await hub.staff.add(name, password, agency=AGENCY, role=role)
    if not people:
        await import_samples(hub)


async def import_samples(hub: Empty) -> None:
    """The twenty samples, by the same door as every import."""
    report = await import_csv(hub.database, hub.keyring, catalog.parsers(), hub.catalog, sample_csv(), clock=hub.clock)
    if report.refused:
        raise RuntimeError(f"the samples don't fit this city: {report.refused[0].why}")
    await hub.sync.catch_up()


def welcome(url: str) -> str:
    """What the terminal shows at the start."""
    lines = [
        "",
        "Tocsin, the open alert hub: a demonstration with sample subscribers. What goes to them goes to the outbox and nowhere else.",
        "",
        f"  Residents    {url}/            subscribe at {url}/subscribe",
        f"  Staff        {url}/console",
        *(f"               log in as {name!r} with the password {password!r} (role: {role})" for role, name, password in LOG_INS),
        f"  Outbox       {url}/outbox      what would have gone, as a phone, a mail and a chat show it",
        f"  Feeds        {url}/feeds/alerts.atom   {url}/live",
        "",
    ]
    return "\n".join(lines)
