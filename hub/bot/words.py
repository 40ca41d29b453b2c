"""The bot's sentences in every language of ``templates/locale/*/bot.po``. English is the msgid, and said where there is no translation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from hub.languages.catalogue import LOCALES, SOURCE_LANGUAGE, catalogue
from subscriptions.languages import nearest


class Words:
    """All catalogues, read at first use."""

    def __init__(self, folder: Path = LOCALES) -> None:
        self._folder = folder

    def say(self, message: str, language: str, values: Mapping[str, str]) -> str:
        """The sentence in the nearest language there is, with its named places filled."""
        said = catalogue("bot", nearest(language) or SOURCE_LANGUAGE, self._folder)
        return (said.text(message) or message) % values
