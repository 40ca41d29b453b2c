"""What happens to the words of an alert before anything else sees them: one rule, for what staff write and for what is imported.

The rule, in order:

1. Line ends become ``\\n`` (CR LF, CR, NEL, U+2028, U+2029, vertical tab, form feed).
2. U+001A, which old city software wrote where a typographic mark was lost, becomes the mark that its neighbours call for: an apostrophe
   inside a word, quotation marks around one, a bullet at the start of a line, else an en dash.
3. C1 controls (U+0080 to U+009F) are Windows-1252 read wrongly, and become the character that was meant.
4. Other C0 controls, DEL and noncharacters become one space; a byte order mark inside the text goes.
5. Bidirectional embeddings and isolates are balanced within each line, and overrides go: they could make a text read as another one.
6. Unicode NFC.

Tabs stay. Nothing in the result is refused by XML 1.0, a mail header aside, for which `clean_line` takes out the line ends.
"""

from __future__ import annotations

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LOST_MARK = re.compile("\x1a")
_C1 = re.compile("[\x80-\x9f]")
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(chr(plane | end) for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF))
_CONTROLS = re.compile(f"[\x00-\x08\x0e-\x1f\x7f{_NONCHARACTERS}]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_SPACES = re.compile(r"\s+")

_EMBEDDINGS, _ISOLATES, _OVERRIDES = "\u202a\u202b", "\u2066\u2067\u2068", "\u202d\u202e"
_POP_EMBEDDING, _POP_ISOLATE = "\u202c", "\u2069"


def has_surrogate(text: str) -> bool:
    """Whether half of a UTF-16 pair stands alone, which is no character and can't be encoded."""
    return _SURROGATE.search(text) is not None


def clean(text: str) -> str:
    """The text by the rule above, without spaces at its ends. Raises ValueError for a lone surrogate."""
    if has_surrogate(text):
        raise ValueError("half of a surrogate pair stands alone")
    text = _LINE_ENDS.sub("\n", text)
    text = _restore_lost_marks(text)
    text = _C1.sub(_windows_1252, text)
    text = _CONTROLS.sub(" ", text).replace("\ufeff", "")
    text = "\n".join(_balanced(line) for line in text.split("\n"))
    return unicodedata.normalize("NFC", text).strip()


def clean_line(text: str) -> str:
    """As `clean`, on one line: whatever separates words becomes one space, so that nothing can be smuggled into a mail header."""
    return _SPACES.sub(" ", clean(text))


def _restore_lost_marks(text: str) -> str:
    quoting = False

    def mark(match: re.Match[str]) -> str:
        nonlocal quoting
        before, after = text[max(match.start() - 1, 0) : match.start()], text[match.end() : match.end() + 1]
        if before in {"", "\n"} and after.isspace():
            return "•"
        if before.isalnum() and after.isalpha():
            return "’"
        if not before.isalnum() and after.isalpha() and not quoting:
            quoting = True
            return "“"
        if before.isalnum() and not after.isalnum():
            closing, quoting = quoting, False
            return "”" if closing else "’"
        return "–"

    return _LOST_MARK.sub(mark, text)


def _windows_1252(match: re.Match[str]) -> str:
    try:
        return match.group().encode("latin-1").decode("cp1252")
    except UnicodeDecodeError:
        return " "  # five of the 32 are not assigned


def _balanced(line: str) -> str:
    if not _BIDI.search(line):
        return line
    kept: list[str] = []
    open_marks: list[str] = []
    for character in line:
        if character in _OVERRIDES:
            continue
        if character in _EMBEDDINGS or character in _ISOLATES:
            open_marks.append(_POP_EMBEDDING if character in _EMBEDDINGS else _POP_ISOLATE)
        elif character in {_POP_EMBEDDING, _POP_ISOLATE}:
            kept += _closing(character, open_marks)
            continue
        kept.append(character)
    return "".join(kept + open_marks[::-1])


def _closing(mark: str, open_marks: list[str]) -> list[str]:
    """What closes here: the end of an isolate also ends what was opened inside it; an end without a beginning is nothing."""
    if mark not in open_marks or (mark == _POP_EMBEDDING and open_marks[-1] != mark):
        return []
    closed = [open_marks.pop()]
    while closed[-1] != mark:
        closed.append(open_marks.pop())
    return closed
