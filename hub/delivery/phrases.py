"""The hub's own words around an author's text: the frame, in every language of `templates/locale`, and its way to say times and places.

English is the msgid of every phrase; another language is one folder with a `messages.po`, read at start, so nothing has to be compiled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_skeleton, format_time
from babel.lists import format_list
from babel.messages.pofile import read_po

from subscriptions.languages import nearest
from subscriptions.severity import rank

SOURCE_LANGUAGE = "en"
TEMPLATES = Path(str(files("templates")))

_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " "})  # Babel's no-break spaces would push an English SMS out of GSM-7

ACTS = {"now": "Act now", "ready": "Get ready", "aware": "Be aware"}
"""Tone of an alert → its act."""


def tone(grade: int, urgency: str) -> str:
    """How urgent an alert sounds: now | ready | aware. `grade` is our own rank (S11), not what a foreign source claims."""
    if urgency == "Past" or grade < rank("Severe"):
        return "aware"
    return "now" if grade == rank("Extreme") or urgency == "Immediate" else "ready"


def read_catalogues(folder: Path = TEMPLATES / "locale") -> dict[str, dict[str, str]]:
    """Language tag → English phrase → phrase, of every `messages.po`. English itself is the empty catalogue."""
    catalogues: dict[str, dict[str, str]] = {SOURCE_LANGUAGE: {}}
    for file in sorted(folder.glob("*/messages.po")):
        with file.open("rb") as stream:
            catalogue = read_po(stream, locale=file.parent.name)
        catalogues[file.parent.name] = {str(entry.id): str(entry.string) for entry in catalogue if entry.id and entry.string}
    return catalogues


class Phrases:
    """The frame in one language, for one city's clock."""

    def __init__(self, language: str, catalogue: Mapping[str, str], zone: ZoneInfo, territory: str) -> None:
        self.language = language
        self._catalogue = catalogue
        self._zone = zone
        self._locale = _locale(language, territory)

    def gettext(self, message: str) -> str:
        """The phrase in this language, in English when it has none."""
        return self._catalogue.get(message, message)

    def ngettext(self, singular: str, plural: str, number: int) -> str:
        """As gettext; the frame needs no other plural rule than one and many."""
        return self.gettext(singular if number == 1 else plural)

    def say(self, message: str, **values: str) -> str:
        """The phrase with its named places filled."""
        return self.gettext(message) % values

    def moment(self, seconds: float, now: float) -> str:
        """A local time with its day: "9:00 PM today, Nov 22"."""
        then, today = self._local(seconds), self._local(now)
        time = format_time(then, "short", locale=self._locale).translate(_SPACES)
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
        return format_list(shown, locale=self._locale)

    def act(self, grade: int, urgency: str) -> str:
        """Severity as an act, in words."""
        return self.gettext(ACTS[tone(grade, urgency)])

    def only_in(self, tag: str) -> str:
        """Says in which language the words are to a reader of another: "This notice is not available in your language; this is English"."""
        name = _locale(nearest(tag) or tag, "").get_display_name(self._locale) or tag
        return self.say("This notice is not available in your language; this is %(language)s.", language=name)

    def _date(self, skeleton: str, moment: datetime) -> str:
        return str(format_skeleton(skeleton, moment, locale=self._locale)).translate(_SPACES)

    def _local(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, self._zone)


def _locale(tag: str, territory: str) -> Locale:
    base = tag.replace("-", "_")
    for name in (f"{base}_{territory}", base, base.split("_")[0]):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(SOURCE_LANGUAGE)
