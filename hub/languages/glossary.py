"""What an alert is about and what to do, in the reader's language, from tables and without machine translation."""

from __future__ import annotations

from typing import Protocol

from hub.languages.catalogue import catalogue
from hub.languages.hazards import AT_ONCE, CATEGORIES, HAZARDS, SEVERITIES, URGENCIES


class Event(Protocol):
    """What the glossary needs of an alert (CAP's terms)."""

    @property
    def event(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def msgType(self) -> str: ...  # noqa: N802 - CAP's own spelling
    @property
    def status(self) -> str: ...
    @property
    def urgency(self) -> str: ...


_BY_NAME = {name.casefold(): name for name in HAZARDS}


def known_event(event: str) -> str | None:
    """The event by its name in the glossary, whatever its case and spacing; None for one that has none."""
    return _BY_NAME.get(" ".join(event.split()).casefold())


class Glossary:
    """The tables in one language."""

    def __init__(self, language: str) -> None:
        self._catalogue = catalogue("glossary", language)

    def event(self, event: str) -> str | None:
        """``Flash Flood Warning`` → its name in this language, None for an event without one."""
        known = known_event(event)
        return self._catalogue.text(known) if known is not None else None

    def hazard(self, alert: Event) -> str:
        """What an alert is about: its event, else its category."""
        return self.event(alert.event) or self.category(alert.category)

    def category(self, category: str) -> str:
        """A CAP category in words."""
        return self._say(CATEGORIES[category])

    def severity(self, severity: str) -> str:
        """A CAP severity in words; nothing for Unknown."""
        return self._say(SEVERITIES.get(severity, ""))

    def urgency(self, urgency: str) -> str:
        """A CAP urgency in words; nothing for Unknown."""
        return self._say(URGENCIES.get(urgency, ""))

    def what_to_do(self, alert: Event, tone: str) -> str:
        """The standard instruction for an event of the glossary; `tone` as of `hub.delivery.words.phrases.tone`.

        Nothing where the alert itself says that nobody has to act: a cancellation, a drill or a test, a danger that has passed. What is
        done at once or not at all goes with the gravest tone alone: the author of a milder alert may have written the contrary.
        """
        if alert.msgType == "Cancel" or alert.status != "Actual" or alert.urgency == "Past":
            return ""
        standard = HAZARDS.get(known_event(alert.event) or "", "")
        return "" if standard in AT_ONCE and tone != "now" else self._say(standard)

    def _say(self, message: str) -> str:
        return (self._catalogue.text(message) or message) if message else ""
