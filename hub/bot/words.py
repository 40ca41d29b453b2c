"""The bot's sentences in every language of ``templates/locale/*/bot.po``. English is the msgid, and said where there is no translation."""

from __future__ import annotations

import html
from pathlib import Path

from hub.languages.catalogue import LOCALES, SOURCE_LANGUAGE, catalogue
from subscriptions.languages import nearest


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for "to be translated, later"
    """Marks a sentence of a table as one that is translated where it is said."""
    return message


class Words:
    """All catalogues, read at first use."""

    def __init__(self, folder: Path = LOCALES) -> None:
        self._folder = folder

    def say(self, message: str, language: str, /, **values: object) -> str:
        """The sentence in the nearest language there is, as Telegram's HTML, with its named places filled and escaped."""
        said = catalogue("bot", nearest(language) or SOURCE_LANGUAGE, self._folder)
        sentence = html.escape(said.text(message) or message, quote=False)
        return sentence % {name: html.escape(str(value), quote=False) for name, value in values.items()} if values else sentence

    @staticmethod
    def escaped(text: str) -> str:
        """Anybody's words as Telegram's HTML."""
        return html.escape(text, quote=False)

    def plain(self, message: str, language: str) -> str:
        """The sentence as plain text, for a button."""
        said = catalogue("bot", nearest(language) or SOURCE_LANGUAGE, self._folder)
        return said.text(message) or message
