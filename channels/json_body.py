"""JSON bodies with slots: written once, stamped per person, valid JSON whatever the links hold."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from channels.contract import slot
from channels.stamping import Stamp

_ESCAPE = re.compile(r"\\(?:u0002([a-z_]+)\\u0003|.)")


class JsonBody:
    """A JSON document whose strings may hold slots (`contract.slot`)."""

    __slots__ = ("_fixed", "_stamp", "slots")

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._stamp = Stamp(_with_marks(_dump(document)), encode_link=_inside_string)
        self.slots = self._stamp.slots
        self._fixed = None if self.slots else self._stamp.stamp({}).encode()

    def stamp(self, links: Mapping[str, str]) -> bytes:
        """UTF-8 bytes for one person. Raises KeyError for a slot without a link."""
        return self._stamp.stamp(links).encode() if self._fixed is None else self._fixed


def read_json(text: str) -> Any:
    """A value from JSON that may hold slots, escaped or not. Raises ValueError."""
    return json.loads(text, strict=False)


def json_bytes(text: str) -> int:
    """How many bytes a text takes inside a JSON string."""
    return len(_inside_string(text).encode())


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _inside_string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _with_marks(encoded: str) -> str:
    """Slots as `Stamp` reads them. Escapes are taken two characters at a time, so that a backslash of the text stays one."""
    return _ESCAPE.sub(lambda found: slot(found[1]) if found[1] else found[0], encoded)
