"""Strict reading of JSON from strangers: every fault is found in one go, and each names its place by an RFC 6901 pointer.

msgspec alone stops at the first fault and takes the last of two equal keys in silence; here a document is walked along the Struct that it
should become, and what is missing, unknown, doubled or of the wrong type is noted.
"""

from __future__ import annotations

import json
import re
import types
from contextlib import suppress
from functools import cache, partial
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin

import msgspec

from subscriptions.errors import FieldError, InvalidSubscription, UnreadableDocument

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_WORDS = {
    "`str`": "text",
    "`int`": "a whole number",
    "`float`": "a number",
    "`bool`": "true or false",
    "`array`": "a list",
    "`object`": "an object",
    "`null`": "null",
}
_TYPE_NAME = re.compile("|".join(map(re.escape, _WORDS)))


class Faults:
    """The faults found so far in one document."""

    def __init__(self) -> None:
        self._found: list[FieldError] = []

    def add(self, pointer: str, detail: str) -> None:
        """Note one."""
        self._found.append(FieldError(pointer, detail))

    def add_all(self, others: Faults) -> None:
        """Note those of another list too."""
        self._found += others._found

    def __bool__(self) -> bool:
        return bool(self._found)

    def check(self) -> None:
        """Raises InvalidSubscription when there is any."""
        if self._found:
            raise InvalidSubscription(tuple(self._found))


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys which stood in it twice."""

    doubled: tuple[str, ...] = ()


def _parse(raw: bytes, doubled: list[_Object]) -> Any:
    """The JSON value; `doubled` gets the objects in which a key stands twice.

    Raises UnreadableDocument for anything that is not UTF-8 JSON (RFC 8259), NaN and Infinity included.
    """
    try:
        document = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=partial(_object, doubled), parse_constant=_refuse_constant)
        if b"\\u" in raw:
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeDecodeError:
        raise UnreadableDocument("the body is not UTF-8") from None
    except UnicodeEncodeError:
        raise UnreadableDocument("the body holds half of a surrogate pair (\\ud800 to \\udfff), which is no character") from None
    except json.JSONDecodeError as error:
        raise UnreadableDocument(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise UnreadableDocument("the body is not JSON that can be read: a number too long or objects too deep") from None
    return document


def read(raw: bytes, wanted: type[S]) -> S:
    """The document as a Struct. Raises UnreadableDocument, or InvalidSubscription with every fault of its shape."""
    doubled: list[_Object] = []
    document = _parse(raw, doubled)
    if not doubled:
        with suppress(msgspec.ValidationError):  # of which every fault is looked for below
            return msgspec.convert(document, wanted)
    faults = Faults()
    result = shape(document, wanted, "", faults)
    faults.check()
    return msgspec.convert(result, wanted)


def shape(value: Any, wanted: Any, pointer: str, faults: Faults) -> Any:
    """`value` as the wanted type; None, with the faults noted, where it can't be."""
    wanted = _without_absence(wanted, value)
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _struct(value, wanted, pointer, faults)
    if get_origin(wanted) is tuple and isinstance(value, list):
        item = get_args(wanted)[0]
        return tuple(shape(part, item, f"{pointer}/{index}", faults) for index, part in enumerate(value))
    try:
        return msgspec.convert(value, wanted)
    except msgspec.ValidationError as error:
        faults.add(pointer, _in_words(str(error)))
        return None


def _object(doubled: list[_Object], pairs: list[tuple[str, Any]]) -> _Object:
    result = _Object(pairs)
    if len(result) < len(pairs):
        doubled.append(result)
        seen: set[str] = set()
        result.doubled = tuple(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]  # add is None
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON number", name, 0)


def _without_absence(wanted: Any, value: Any) -> Any:
    """The type inside ``X | None`` and ``X | UnsetType``, so that faults are found inside it."""
    if get_origin(wanted) not in {Union, types.UnionType}:
        return wanted
    inner = [part for part in get_args(wanted) if part is not msgspec.UnsetType and not (part is types.NoneType and value is not None)]
    return inner[0] if len(inner) == 1 else wanted


def _struct(value: Any, wanted: type[S], pointer: str, faults: Faults) -> S | None:
    if not isinstance(value, dict):
        faults.add(pointer, f"expected an object, got {_kind(value)}")
        return None
    fields = _fields(wanted)
    for name in getattr(value, "doubled", ()):
        faults.add(f"{pointer}/{escape(name)}", "stands here twice: leave one")
    for name in sorted(value.keys() - fields.keys()):
        faults.add(f"{pointer}/{escape(name[:80])}", f"unknown; known here: {', '.join(fields)}")
    for name, field in fields.items():
        if field.required and name not in value:
            faults.add(f"{pointer}/{name}", "missing")
    given = {field.name: shape(value[name], field.type, f"{pointer}/{name}", faults) for name, field in fields.items() if name in value}
    return wanted(**given) if all(field.name in given for field in fields.values() if field.required) else None


@cache
def _fields(wanted: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """By their names in JSON; msgspec works them out anew from the annotations each time."""
    return {field.encode_name: field for field in msgspec.structs.fields(wanted)}


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a whole number", float: "a number"}
    return next((word for kind, word in names.items() if isinstance(value, kind)), "null")


def _in_words(message: str) -> str:
    text = _TYPE_NAME.sub(lambda match: _WORDS[match[0]], message.partition(" - at `$")[0]).replace("`", "")
    return text[:1].lower() + text[1:]


def escape(name: str) -> str:
    """A name as one token of a JSON pointer (RFC 6901 §3)."""
    return name.replace("~", "~0").replace("/", "~1")
