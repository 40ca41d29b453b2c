"""The words that people text, as data in ``templates/sms/keywords.toml``, and how a spelling becomes one of them."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from subscriptions.languages import LANGUAGES

FILE = Path(str(files("templates"))) / "sms" / "keywords.toml"

COMMANDS = ("stop", "help", "start", "urgent", "list", "remove", "pause", "resume", "drills_on", "drills_off")

_APOSTROPHES = dict.fromkeys(map(ord, "'’ʼ`´"))
_DIGITS = re.compile(r"(\d+)")
_PLUS_FOUR = re.compile(r"(\d{5})\s*[-–]\s*\d{4}(?!\d)")

_SCRIPTS = (("HANGUL", "ko"), ("BENGALI", "bn"), ("HEBREW", "yi"), ("CYRILLIC", "ru"), ("EXTENDED ARABIC-INDIC", "ur"), ("ARABIC", "ar"))
_URDU = frozenset("ٹڈڑںےہھگچپژکی")
"""Letters of Urdu that Arabic does not write."""
_TRADITIONAL = frozenset("請災幫嗎這個說學國會來時們對發裡還沒過點開關門電話醫樓車傷")
"""A few that simplified Chinese writes in another way, as they stand in a cry for help."""


def normalise(text: str) -> str:
    """Words in one spelling with single spaces: NFKC, case folded, without accents, punctuation and invisible marks, digits as ASCII.

    A run of digits is a word of its own, and a ZIP+4 is its ZIP.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold().translate(_APOSTROPHES))
    plain = "".join(_digit(letter) for letter in plain if unicodedata.category(letter) not in {"Mn", "Cf"})
    plain = _PLUS_FOUR.sub(r"\1", plain)
    plain = "".join(letter if unicodedata.category(letter)[0] in "LNM" else " " for letter in plain)
    return " ".join(_DIGITS.sub(r" \1 ", plain).split())


def _digit(letter: str) -> str:
    value = unicodedata.decimal(letter, None)
    return letter if value is None else str(value)


class _Filler(msgspec.Struct, forbid_unknown_fields=True):
    polite: list[str]
    words: list[str]
    joints: list[str]
    joined: list[str]


class _File(msgspec.Struct, forbid_unknown_fields=True):
    commands: dict[str, dict[str, list[str]]]
    languages: dict[str, list[str]]
    places: dict[str, list[str]]
    filler: _Filler


class Word(msgspec.Struct, frozen=True):
    """What a word means, and whose it is: None where several languages have it."""

    command: str
    language: str | None


class Keywords:
    """The tables, read once."""

    def __init__(self, file: Path = FILE) -> None:
        read = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
        self._commands: dict[str, Word] = {}
        for command, by_language in read.commands.items():
            for language, words in by_language.items():
                for word in words:
                    self._add(word, command, language)
        self._languages = {_compact(word): tag for tag, words in read.languages.items() for word in (*words, LANGUAGES[tag])}
        self._places = {_compact(word): name for name, words in read.places.items() for word in words}
        self._joined = tuple(sorted(map(normalise, read.filler.joined), key=len, reverse=True))
        self.polite, self.joints = _words(read.filler.polite), _words(read.filler.joints)
        self.filler = self.polite | self.joints | _words(read.filler.words)
        self.yes = _words(word for words in read.commands["start"].values() for word in words)
        """All that begins or agrees. Beside a place it changes nothing: "Sí, 11201"."""

    def _add(self, text: str, command: str, language: str) -> None:
        word = _compact(text)
        known = self._commands.get(word)
        if known is not None and known.command != command:
            raise ValueError(f"{text!r} means both {known.command} and {command}")
        shared = language == "en" or (known is not None and known.language != language)
        self._commands[word] = Word(command, None if shared else language)

    def command(self, text: str) -> Word | None:
        """The command that a text is, however its words are joined: "Opt-Out", "OPTOUT", "o p t out"."""
        return self._commands.get(_compact(text))

    def language(self, text: str) -> str | None:
        """The language that a text names."""
        return self._languages.get(_compact(text))

    def place(self, text: str) -> str:
        """The name of a place as its catalogue writes it, where people write it in another script; else the text."""
        return self._places.get(_compact(text), text)

    def bare(self, word: str) -> str:
        """A word of `normalise` without what Chinese and Korean write onto it: "停止" of "请停止"; "" when that is all of it."""
        while word and not self._is_known(word):
            shorter = next((cut for affix in self._joined if (cut := word.removesuffix(affix).removeprefix(affix)) != word), word)
            if shorter == word:
                break
            word = shorter
        return word

    def _is_known(self, word: str) -> bool:
        return word in self._commands or word in self._languages or word in self._places


@cache
def keywords() -> Keywords:
    """The tables of this release."""
    return Keywords()


def _words(entries: Iterable[str]) -> frozenset[str]:
    return frozenset(word for entry in entries for word in normalise(entry).split())


def _compact(text: str) -> str:
    return normalise(text).replace(" ", "")


def written_in(text: str) -> str | None:
    """The language whose script somebody writes, its digits too; None for Latin letters, which tell nothing."""
    for letter in text:
        name = unicodedata.name(letter, "")
        if name.startswith("CJK UNIFIED"):
            return "zh-Hant" if _TRADITIONAL.intersection(text) else "zh-Hans"
        for script, language in _SCRIPTS:
            if name.startswith(script):
                return "ur" if language == "ar" and _URDU.intersection(text) else language
    return None
