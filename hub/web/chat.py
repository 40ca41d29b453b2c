"""Shows a chat message on a page: of its HTML only what Telegram itself knows is let through, everything else is text."""

from __future__ import annotations

from html.parser import HTMLParser

from markupsafe import Markup, escape

_TAGS = frozenset({"b", "strong", "i", "em", "u", "s", "code", "pre", "blockquote"})


def chat(html: str) -> Markup:
    """Telegram's HTML (core.telegram.org/bots/api#html-style) as markup that is safe to show."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return Markup("").join(reader.parts)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[Markup] = []
        self._links: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _TAGS:
            self.parts.append(Markup("<{}>").format(tag))
        elif tag == "a":
            address = dict(attrs).get("href") or ""
            web = address.startswith(("https://", "http://"))
            self._links.append(web)
            self.parts.append(Markup('<a href="{}" rel="noreferrer">').format(address) if web else Markup())

    def handle_endtag(self, tag: str) -> None:
        if tag in _TAGS or (tag == "a" and self._links and self._links.pop()):
            self.parts.append(Markup("</{}>").format(tag))

    def handle_data(self, data: str) -> None:
        self.parts.append(escape(data))
