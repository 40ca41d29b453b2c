"""The sentences of answers to text messages, in every language of ``templates/locale/*/sms.po``. English is the msgid, and said where there
is no translation. STOP, HELP, START and the other commands stay English in all of them: carriers know those."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.lists import format_list

from hub.delivery.words.phrases import Phrases
from hub.languages.catalogue import SOURCE_LANGUAGE, catalogue
from subscriptions.languages import LANGUAGES

NOBODY = "Nobody is watching this. Call or text 911."
"""Safeguard S27; alone, so that nothing stands before or behind it."""
JOINED = (
    "alerts for %(places)s will come by text, only when something happens. Text STOP to end, HELP for help. Msg & data rates may apply."
)
NOT_A_ZIP = "%(said)s is not a %(city)s ZIP."
NOT_A_PLACE = "%(said)s is not a place we know."
NEAR = "Did you mean %(near)s?"
ASK_ZIP = "Text a 5-digit ZIP code of the city."
STOPPED = (
    "you are unsubscribed and get no more alerts by text. Want only alerts of danger to life? Reply URGENT. To get all again, reply START."
)
NOT_ENDED = "no alerts go to this number."
STARTED = (
    "alerts for %(places)s come to this number. Text LIST to see your choices, STOP to end, HELP for help. Msg & data rates may apply."
)
URGENT = "from now on you get only alerts of danger to life, for %(places)s. Text STOP to end, HELP for help."
HELP = (
    "city alerts for your places, only when something happens. Text a ZIP to add it, LIST to see yours, STOP to end."
    " Msg&data rates may apply. %(url)s"
)
UNKNOWN = "no alerts come to this number. Text your ZIP code to get them."
YOURS = "your places: %(places)s. You get %(topics)s, %(severity)s, in %(language)s."
PAUSED_UNTIL = "Paused until %(when)s."
DRILLS_TOO = "Drills too."
CHANGE_HERE = "Text REMOVE and a ZIP to remove it, STOP to end. More choices: %(url)s"
REMOVED = "%(places)s is removed. You still get alerts for %(left)s."
NOT_YOURS = "%(places)s is not among your places. Text LIST to see them."
PAUSED = "nothing comes until %(when)s, not even in danger. Text RESUME to get alerts again."
RESUMED = "alerts come again."
DRILLS_ON = "drills come too from now on."
DRILLS_OFF = "no drills come from now on."
LANGUAGE = "from now on in %(language)s."
LANGUAGE_THEN_ZIP = "%(language)s. Text your ZIP code to get alerts."
TOO_MUCH = "too many changes just now. Try again in an hour."
WHOLE_CITY = "the whole city"
ON_THE_MAP = "a place on the map"

ALL_TOPICS = "all topics"
TOPICS = {
    "crime": "crime",
    "fire": "fires",
    "emergency": "emergencies",
    "weather": "weather",
    "transit": "transit",
    "health": "health",
    "missing": "missing people",
    "utilities": "power and water",
    "schools": "schools",
    "events": "events",
    "test": "tests",
}
SEVERITIES = {
    "Unknown": "of every severity",
    "Minor": "of every severity",
    "Moderate": "moderate or worse",
    "Severe": "severe or worse",
    "Extreme": "danger to life only",
}

SENTENCES = (
    NOBODY,
    JOINED,
    NOT_A_ZIP,
    NOT_A_PLACE,
    NEAR,
    ASK_ZIP,
    STOPPED,
    NOT_ENDED,
    STARTED,
    URGENT,
    HELP,
    UNKNOWN,
    YOURS,
    PAUSED_UNTIL,
    DRILLS_TOO,
    CHANGE_HERE,
    REMOVED,
    NOT_YOURS,
    PAUSED,
    RESUMED,
    DRILLS_ON,
    DRILLS_OFF,
    LANGUAGE,
    LANGUAGE_THEN_ZIP,
    TOO_MUCH,
    WHOLE_CITY,
    ON_THE_MAP,
    ALL_TOPICS,
    *TOPICS.values(),
    *SEVERITIES.values(),
)
"""All that needs a translation."""

PLACES_SHOWN = 5


class Words:
    """Says sentences in one language."""

    def __init__(self, language: str, zone: ZoneInfo, territory: str) -> None:
        self.language = language
        self._catalogue = catalogue("sms", language)
        # A language without this catalogue speaks English, its dates and lists too.
        spoken = language if self._catalogue.entries else SOURCE_LANGUAGE
        self._frame = Phrases(spoken, zone, territory)
        self._locale = Locale.parse(spoken, sep="-")

    def say(self, sentence: str, **values: str) -> str:
        """The sentence with its named places filled."""
        return (self._catalogue.text(sentence) or sentence) % values

    def a_few(self, names: tuple[str, ...], shown: int = PLACES_SHOWN) -> str:
        """The first names and how many more there are."""
        more = len(names) - shown
        return ", ".join(names[:shown]) + (f" +{more}" if more > 0 else "")

    def all_of(self, words: tuple[str, ...]) -> str:
        """A list as people say it."""
        return str(format_list([self.say(word) for word in words], locale=self._locale))

    def moment(self, then: datetime, now: float) -> str:
        """A local time with its day."""
        return self._frame.moment(then.timestamp(), now)


class Sentences:
    """Every language of the hub."""

    def __init__(self, *, timezone: str = "America/New_York", territory: str = "US") -> None:
        zone = ZoneInfo(timezone)
        self._words = {tag: Words(tag, zone, territory) for tag in LANGUAGES}

    def in_language(self, tag: str) -> Words:
        """The sentences of a supported language."""
        return self._words[tag]
