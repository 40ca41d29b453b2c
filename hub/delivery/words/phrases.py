"""The hub's own words around an author's text: the frame, in every language of `templates/locale`, and its way to say times and places."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list
from babel.numbers import format_decimal

from hub.languages.catalogue import SOURCE_LANGUAGE, catalogue
from hub.languages.glossary import Glossary
from subscriptions.languages import nearest
from subscriptions.severity import rank

_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})  # Babel's no-break spaces would push an English SMS out of GSM-7

_NAMED_IN = {"ht": "fr"}
"""CLDR knows no Haitian names of months, days and languages; its readers know the French ones."""

ACTS = {"now": "Act now", "ready": "Get ready", "aware": "Be aware"}
"""Tone of an alert → its act."""
READ = "I have read this"
"""Of the button that confirms, on channels that have one."""


def tone(grade: int, urgency: str) -> str:
    """How urgent an alert sounds: now | ready | aware. `grade` is our own rank (S11), not what a foreign source claims."""
    if urgency == "Past" or grade < rank("Severe"):
        return "aware"
    return "now" if grade == rank("Extreme") or urgency == "Immediate" else "ready"


class Phrases:
    """The frame in one language, for one city's clock."""

    def __init__(self, language: str, zone: ZoneInfo, territory: str) -> None:
        self.language = language
        self.glossary = Glossary(language)
        self._catalogue = catalogue("messages", language)
        self.zone = zone
        self._locale = _locale(language, territory)
        self.names = _locale(_NAMED_IN.get(language, language), territory)

    def gettext(self, message: str) -> str:
        """The phrase in this language, in English when it has none."""
        return self._catalogue.text(message) or message

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """As gettext, in the form that the language has for this number."""
        return self._catalogue.many(singular, plural, number) or (singular if number == 1 else plural)

    def say(self, message: str, **values: str) -> str:
        """The phrase with its named places filled."""
        return self.gettext(message) % values

    def time(self, seconds: float) -> str:
        """A local time without its day: "9:00 PM"."""
        return format_time(self._local(seconds), "short", locale=self.names).translate(_SPACES)

    def hour(self, seconds: float) -> int:
        """The hour on the face of a clock, 1 to 12: some languages say one o'clock in another form than two."""
        return (self._local(seconds).hour - 1) % 12 + 1

    def month(self, year: int, month: int) -> str:
        """ "May 2026"."""
        return str(format_skeleton("yMMMM", date(year, month, 1), locale=self.names))

    def number(self, value: float) -> str:
        """ "12,345"."""
        return format_decimal(value, locale=self.names)

    def moment(self, seconds: float, now: float) -> str:
        """A local time with its day: "9:00 PM today, Nov 22"."""
        then, today, time = self._local(seconds), self._local(now), self.time(seconds)
        distance = (then.date() - today.date()).days
        if distance == 0:
            return self.say("%(time)s today, %(date)s", time=time, date=self._date("MMMd", then))
        if distance == 1:
            return self.say("%(time)s tomorrow, %(date)s", time=time, date=self._date("MMMd", then))
        skeleton = "MMMEd" if then.year == today.year else "yMMMEd"
        return self.say("%(time)s on %(date)s", time=time, date=self._date(skeleton, then))

    def end(self, seconds: float, now: float) -> str:
        """As `moment`, for an end: midnight is said as 11:59 PM of the day that ends, since "12:00 AM Nov 23" is misread."""
        local = self._local(seconds)
        at_midnight = (local.hour, local.minute) == (0, 0)
        return self.moment(seconds - 60 if at_midnight else seconds, now)

    def places(self, names: Sequence[str], most: int) -> str:
        """A list of places as people say it, shortened to `most` of them: "ZIP 11201, 11231, Gowanus, and 2 more"."""
        shown = list(names[:most])
        for position, name in enumerate(shown):
            # Bare ZIP codes are called so, once for a run of them.
            if name.isdecimal() and not (position and names[position - 1].isdecimal()):
                shown[position] = self.say("ZIP %(zip)s", zip=name)
        if len(names) > most:
            shown.append(self.say("%(count)s more", count=str(len(names) - most)))
        return self.listed(shown)

    def listed(self, parts: Sequence[str]) -> str:
        """ "fire, crime, and weather". Where CLDR knows no word for "and", commas alone: never another language's."""
        return format_list(list(parts), locale=self._locale)

    def act(self, grade: int, urgency: str) -> str:
        """Severity as an act, in words."""
        return self.gettext(ACTS[tone(grade, urgency)])

    def only_in(self, tag: str) -> str:
        """Says in which language the words are to a reader of another: "This notice is not available in your language; this is English"."""
        return self.say("This notice is not available in your language; this is %(language)s.", language=self._language(tag))

    def text_in(self, tag: str) -> str:
        """The same in two words, where there is little room: "Text (English):"."""
        return self.say("Text (%(language)s):", language=self._language(tag))

    def _language(self, tag: str) -> str:
        return _locale(nearest(tag) or tag, "").get_display_name(self.names) or tag

    def _date(self, skeleton: str, moment: datetime) -> str:
        return str(format_skeleton(skeleton, moment, locale=self.names)).translate(_SPACES)

    def _local(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self.zone)


def _locale(tag: str, territory: str) -> Locale:
    base = tag.replace("-", "_")
    for name in (f"{base}_{territory}", base, base.split("_")[0]):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(SOURCE_LANGUAGE)
