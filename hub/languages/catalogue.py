"""Reads ``templates/locale/LANGUAGE/DOMAIN.po``: the one reader for messages, pages, the bot and the glossary.

English is the msgid of every string, so English itself needs no file. Files are read at first use, nothing is compiled beforehand; plural
forms follow the rule of the language (``Plural-Forms`` in the file's head, read by gettext). A comment ``# checked: 2027-03`` above a
string says that a speaker of the language has checked it in that month; without one it was only written here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from gettext import GNUTranslations
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import msgspec
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from subscriptions.languages import LANGUAGES

SOURCE_LANGUAGE = "en"
LOCALES = Path(str(files("templates"))) / "locale"

_CHECKED = re.compile(r"checked: (\d{4}-\d{2})")


class Entry(msgspec.Struct, frozen=True):
    """One string: its forms in the language (more than one only for a number of things), and since when a speaker vouches for it."""

    forms: tuple[str, ...]
    checked: str | None = None
    """Year and month, ``2027-03``; None for what was written here."""


class Catalogue:
    """The strings of one domain in one language, read when the first is asked for: a hub has more languages than it needs at once."""

    def __init__(self, language: str, file: Path | None) -> None:
        """No `file`: nothing is translated."""
        self.language = language
        self._file = file

    @cached_property
    def _read(self) -> tuple[Mapping[str, Entry], GNUTranslations | None]:
        if self._file is None:
            return {}, None
        with self._file.open("rb") as stream:
            read = read_po(stream, locale=self.language.replace("-", "_"), domain=self._file.stem)
        entries = {key: Entry(forms, _checked(message)) for message in read if (key := _key(message)) and all(forms := _forms(message))}
        return entries, _plurals(read)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """English → what stands for it."""
        return self._read[0]

    def text(self, message: str) -> str | None:
        """The string in this language, None while nobody has translated it."""
        if self.language == SOURCE_LANGUAGE:
            return message
        entry = self.entries.get(message)
        return entry.forms[0] if entry is not None else None

    def many(self, one: str, many: str, number: int) -> str | None:
        """The form that this language has for a number of things, None while nobody has translated it."""
        if self.language == SOURCE_LANGUAGE:
            return one if number == 1 else many
        plurals = self._read[1]
        return plurals.ngettext(one, many, number) if plurals is not None and one in self.entries else None


@cache
def catalogue(domain: str, language: str, folder: Path = LOCALES) -> Catalogue:
    """The catalogue; an empty one where there is no file."""
    file = folder / language / f"{domain}.po"
    return Catalogue(language, file if language != SOURCE_LANGUAGE and file.exists() else None)


def read_all() -> None:
    """Every catalogue, so that the first reader of a language in an emergency need not wait for it. For a thread: it takes a second."""
    for file in sorted(LOCALES.glob("*/*.po")):
        _ = catalogue(file.stem, file.parent.name).entries


def languages_of(domain: str, folder: Path = LOCALES) -> Iterator[str]:
    """Tags of the languages that have a file of this domain, and English, in the order in which residents choose."""
    return (tag for tag in LANGUAGES if tag == SOURCE_LANGUAGE or (folder / tag / f"{domain}.po").exists())


def _plurals(read: Catalog) -> GNUTranslations:
    machine = BytesIO()
    write_mo(machine, read)
    machine.seek(0)
    return GNUTranslations(machine)


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _checked(message: Message) -> str | None:
    found = next((match for comment in message.user_comments if (match := _CHECKED.fullmatch(comment.strip()))), None)
    return found[1] if found is not None else None
