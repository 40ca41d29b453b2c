"""How an SMS text is coded and cut: GSM 03.38 where it fits, UCS-2 where it must be; 160/153 septets, 70/67 UTF-16 units.

Typographic characters are swapped for their plain twins only when that alone brings the whole text into GSM-7, and only where nothing is
lost: quotes, dashes, the ellipsis, bullets, special spaces and invisible marks. Letters are never replaced by that: "está" is not "esta".
Only whoever would else have to leave words out asks for `plain_letters`.

Sources: 3GPP TS 23.038 §6.2.1 (alphabet and extension table), 3GPP TS 23.040 §9.2.3.24.1 (concatenation).
"""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPE = 0x1B
_SEPTETS = {character: bytes([code]) for code, character in enumerate(_BASIC) if code != _ESCAPE} | {
    character: bytes([_ESCAPE, code])
    for character, code in {
        "\f": 0x0A,
        "^": 0x14,
        "{": 0x28,
        "}": 0x29,
        "\\": 0x2F,
        "[": 0x3C,
        "~": 0x3D,
        "]": 0x3E,
        "|": 0x40,
        "€": 0x65,
    }.items()
}

_PLAIN_TWINS = str.maketrans(
    dict.fromkeys("‘’‚‛′ʼ", "'")
    | dict.fromkeys("“”„‟″«»", '"')
    | dict.fromkeys("‐‑‒–—―−", "-")
    | dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " ")
    | dict.fromkeys("\u00ad\u200b\u2060\ufeff", "")
    | {"…": "...", "•": "-", "·": "-", "‹": "<", "›": ">"}
)

_WITHOUT_MARK = {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "œ": "oe", "Œ": "OE", "º": "o", "ª": "a"} | {
    "°": "",
    "½": " 1/2",
    "¼": " 1/4",
    "¾": " 3/4",
    "×": "x",
    "→": "->",
}
"""Letters that Unicode does not take apart, and signs that are understood without: 100 °F is 100 F."""

_CAPACITY: dict[Encoding, tuple[int, int]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Units in a message that stands alone, and in each part of a longer one (six octets go to the user data header)."""


class Segmented(msgspec.Struct, frozen=True):
    """What a text costs: `characters` counts units of the encoding (an extension character is two, so is one outside the BMP)."""

    encoding: Encoding
    characters: int
    segments: int


class CodedText(msgspec.Struct, frozen=True):
    """A text as it goes out: one entry of `parts` (octets, unpacked septets or UTF-16BE) a segment, without user data headers."""

    encoding: Encoding
    characters: int
    parts: tuple[bytes, ...]


def segments(text: str) -> Segmented:
    """Count the segments that a text will take."""
    coded = encode(text)
    return Segmented(coded.encoding, coded.characters, len(coded.parts))


def as_sent(text: str) -> str:
    """The text after the replacements of the module's rule, for whoever codes it elsewhere."""
    text = unicodedata.normalize("NFC", text)
    plain = text if _fits(text) else text.translate(_PLAIN_TWINS)
    return plain if _fits(plain) else text


def plain_letters(text: str) -> str | None:
    """The text with letters and signs that GSM-7 lacks written plainly (á → a, ł → l, °F → F), in which 459 characters take as much room as
    201; None where that does not bring all of it into GSM-7, as in other scripts."""
    letters = [_plain(character) for character in unicodedata.normalize("NFC", text).translate(_PLAIN_TWINS)]
    return None if None in letters else "".join(letter for letter in letters if letter is not None)


def _plain(character: str) -> str | None:
    if character in _SEPTETS:
        return character
    letter = _WITHOUT_MARK.get(character, unicodedata.normalize("NFD", character)[0])
    return letter if _fits(letter) else None


def encode(text: str) -> CodedText:
    """Code and cut a text, after the replacements of the module's rule."""
    text = as_sent(text)
    encoding: Encoding = "GSM-7" if _fits(text) else "UCS-2"
    units = [_SEPTETS[character] for character in text] if encoding == "GSM-7" else [_utf16(character) for character in text]
    width = 1 if encoding == "GSM-7" else 2
    total = sum(map(len, units)) // width
    alone, part = _CAPACITY[encoding]
    parts = (b"".join(units),) if total <= alone else _cut(units, part * width)
    return CodedText(encoding, total, parts)


def decode(octets: bytes, encoding: Encoding) -> str:
    """The text of one coded part, for simulators and tests. Raises ValueError for octets that no text has."""
    if encoding == "UCS-2":
        return octets.decode("utf-16-be")
    by_code = {code: character for character, code in _SEPTETS.items()}
    text, position = [], 0
    while position < len(octets):
        width = 2 if octets[position] == _ESCAPE else 1
        if octets[position : position + width] not in by_code:
            raise ValueError(f"octet {position} is not in the GSM 03.38 alphabet")
        text.append(by_code[octets[position : position + width]])
        position += width
    return "".join(text)


def _fits(text: str) -> bool:
    return all(character in _SEPTETS for character in text)


def _utf16(character: str) -> bytes:
    return character.encode("utf-16-be", "replace")


def _cut(units: list[bytes], size: int) -> tuple[bytes, ...]:
    """Fill parts of at most `size` octets; a unit (an escape pair, a surrogate pair) stays whole."""
    parts = [bytearray()]
    for unit in units:
        if len(parts[-1]) + len(unit) > size:
            parts.append(bytearray())
        parts[-1] += unit
    return tuple(map(bytes, parts))
