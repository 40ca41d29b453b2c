"""A stored alert as far as a message says it, and words to put into it."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from channels.contract import Message
from channels.gsm7 import plain_letters
from hub.alerts.alert import Alert, Area, Info

TEXT_CHANNELS = ("email", "sms", "web_push", "telegram", "apprise")
CITY = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 22, 16, 2, tzinfo=CITY)
URL = "https://alerts.example.gov"

ENGLISH = Info(
    language="en-US",
    headline="Flash flood warning for parts of Brooklyn",
    description="Heavy rain floods streets and basements.\n\nThe F and G trains are suspended.",
    instruction="Move to a higher floor now.\nStay out of basements.",
    web="https://www.example.gov/flood?a=1&b=2",
)
SPANISH = Info(
    language="es-US",
    headline="Aviso de inundación repentina para partes de Brooklyn",
    description="La lluvia intensa inunda calles y sótanos.",
    instruction="Suba ahora a un piso más alto.",
)
ARABIC = Info(language="ar", headline="تحذير من فيضان مفاجئ", description="تغمر الأمطار الشوارع.", instruction="اصعد إلى طابق أعلى الآن.")


class Place(msgspec.Struct, frozen=True):
    """An area as far as a message says it."""

    names: tuple[str, ...] = ("Gowanus", "Red Hook")
    citywide: bool = False


GOWANUS = Place()


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A stored alert as far as a message says it."""

    document: Alert
    area: Place = GOWANUS
    id: str = "alt_9f2k"
    number: int = 71
    chain: str = "alt_first"
    agency: str = "NYC Emergency Management"
    grade: int = 3
    sent_at: int = int(NOW.timestamp() * 1000)
    live_at: int | None = int(NOW.timestamp() * 1000)
    expires_at: int = int(datetime(2026, 11, 22, 21, 0, tzinfo=CITY).timestamp() * 1000)


def stored(area: Place = GOWANUS, grade: int = 3, **changes: object) -> Stored:
    document = {
        "category": "Met",
        "event": "Flash Flood Warning",
        "urgency": "Immediate",
        "severity": "Severe",
        "certainty": "Likely",
        "expires": datetime(2026, 11, 22, 21, 0, tzinfo=CITY),
        "infos": (ENGLISH, SPANISH),
        "area": Area(neighborhoods=("Gowanus", "Red Hook")),
        "topics": ("weather",),
    }
    return Stored(document=Alert(**(document | changes)), area=area, grade=grade)


def opening(message: Message) -> str:
    """What a reader sees first on this channel."""
    first = next(message.parts[name] for name in ("subject", "title", "text", "html") if name in message.parts)
    return re.sub(r"<[^>]+>", "", first)


def everything(message: Message) -> str:
    return "\n".join(message.parts.values())


SCRIPTS = {
    "gsm": "Move to higher ground now. ",
    "accents": "Vaya a un lugar más alto, está inundándose. ",
    "chinese": "立即前往更高的地方",
    "arabic": "انتقل إلى مكان مرتفع الآن. ",
    "emoji": "🌊 now! ",
    "one word": "x",
}


def spelled_as(text: str, words: str) -> str:
    """The words as a text message spells them: it may have had to do without the accents of its language."""
    return words if words in text else plain_letters(words) or words
