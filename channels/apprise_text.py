"""A text cut to what a service of Apprise takes in one message, without its links.

Apprise leaves a text that is too long as it is, so that the service refuses all of it; its other ways cut off the end, where the links
are, or send several messages, of which the first would come again whenever a later one fails.
"""

from __future__ import annotations

from bisect import bisect_right

import apprise
from apprise.conversion import convert_between

from channels.cutting import cut_place, with_ellipsis

_LINK = "://"
_BREAK = "\n\n"
_IN_BYTES = frozenset({"gorush", "gorushs", "instagram", "wechat", "wecombot"})
"""Services whose limit is one of bytes, as notes in Apprise's sources say, while Apprise counts characters: in Chinese a third as many fit.
Those whose limit no alert comes near are not among them."""
_JOINT = 14
"""Characters that Apprise may put between a title and a text that go as one."""


def fit(service: apprise.NotifyBase, title: str, text: str) -> tuple[str, str]:
    """Title and text as the service takes them: of the text the beginning, an ellipsis, and its last paragraphs that hold links.

    A limit that has no room for the links is one of SMS, which are joined again: then nothing is cut.
    """
    if 0 < service.title_maxlen < len(title):
        title = with_ellipsis(title[: cut_place(title, service.title_maxlen - 1)].rstrip())
    joined = title and (service.title_maxlen <= 0 or service.overflow_amalgamate_title)
    room = service.body_maxlen - (_size(service, title) + _JOINT if joined else 0)
    if _size(service, text) <= room:
        return title, text
    head, tail = _split(service, text, room // 2)
    if not tail:
        return title, text

    def cut(length: int) -> str:
        return f"{with_ellipsis(head[: cut_place(head, length)].rstrip())}{_BREAK}{tail}"

    longest = bisect_right(range(len(head)), room, key=lambda length: _size(service, cut(length))) - 1
    return title, cut(max(0, longest))


def _split(service: apprise.NotifyBase, text: str, room: int) -> tuple[str, str]:
    """Before the earliest of the last paragraphs with links from which on everything fits; no tail when there is none."""
    paragraphs = text.rstrip().split(_BREAK)
    last = max((place for place, paragraph in enumerate(paragraphs) if _LINK in paragraph), default=0)
    first = last
    while first > 0 and _LINK in paragraphs[first - 1]:
        first -= 1
    for place in range(max(first, 1), last + 1):
        tail = _BREAK.join(paragraphs[place:])
        if _size(service, tail) <= room:
            return _BREAK.join(paragraphs[:place]), tail
    return text, ""


def _size(service: apprise.NotifyBase, text: str) -> int:
    """Characters or bytes of what Apprise makes of a plain text for this service: Markdown, for instance, takes more."""
    form = service.resolve_format(apprise.NotifyFormat.TEXT)
    converted: str = convert_between(apprise.NotifyFormat.TEXT, form, text)  # type: ignore[no-untyped-call]  # Apprise's
    said: str = service.dialect_convert(converted, form)
    return len(said.encode() if service.schema in _IN_BYTES else said)
