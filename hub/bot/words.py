"""The bot's sentences in every language of ``templates/locale/*/bot.po``. English is the msgid, and said where there is no translation."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from babel.messages.pofile import read_po

from subscriptions.languages import nearest

LOCALES = Path(str(files("templates"))) / "locale"


class Words:
    """All catalogues, read once."""

    def __init__(self, folder: Path = LOCALES) -> None:
        self._catalogues = {file.parent.name: _read(file) for file in sorted(folder.glob("*/bot.po"))}

    def say(self, message: str, language: str, values: Mapping[str, str]) -> str:
        """The sentence in the nearest language there is, with its named places filled."""
        return self._catalogues.get(nearest(language) or "", {}).get(message, message) % values


def _read(file: Path) -> dict[str, str]:
    with file.open("rb") as stream:
        return {str(entry.id): str(entry.string) for entry in read_po(stream) if entry.id and entry.string}
