"""CAP documents as a tree: parsed without any DTD, entity or network, and checked for the shape of CAP 1.2 before anything is read from it.

The shape is our own table, not the OASIS schema: it says by name and path what is missing, unknown or too often there. The order of
elements carries no meaning and is not asked for; a signature (XML-DSig) may stand in the document and is not verified in this release.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from hub.alerts.faults import Faults, did_you_mean, shown
from hub.alerts.limits import BODY
from hub.errors import BadRequest, TooLarge

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
_ANY = 10_000

SHAPE: dict[str, dict[str, tuple[int, int]]] = {
    "alert": {
        "identifier": (1, 1),
        "sender": (1, 1),
        "sent": (1, 1),
        "status": (1, 1),
        "msgType": (1, 1),
        "source": (0, 1),
        "scope": (1, 1),
        "restriction": (0, 1),
        "addresses": (0, 1),
        "code": (0, _ANY),
        "note": (0, 1),
        "references": (0, 1),
        "incidents": (0, 1),
        "info": (0, _ANY),
    },
    "info": {
        "language": (0, 1),
        "category": (1, _ANY),
        "event": (1, 1),
        "responseType": (0, _ANY),
        "urgency": (1, 1),
        "severity": (1, 1),
        "certainty": (1, 1),
        "audience": (0, 1),
        "eventCode": (0, _ANY),
        "effective": (0, 1),
        "onset": (0, 1),
        "expires": (0, 1),
        "senderName": (0, 1),
        "headline": (0, 1),
        "description": (0, 1),
        "instruction": (0, 1),
        "web": (0, 1),
        "contact": (0, 1),
        "parameter": (0, _ANY),
        "resource": (0, _ANY),
        "area": (0, _ANY),
    },
    "area": {"areaDesc": (1, 1), "polygon": (0, _ANY), "circle": (0, _ANY), "geocode": (0, _ANY), "altitude": (0, 1), "ceiling": (0, 1)},
    "geocode": {"valueName": (1, 1), "value": (1, 1)},
    "parameter": {"valueName": (1, 1), "value": (1, 1)},
    "eventCode": {"valueName": (1, 1), "value": (1, 1)},
}
"""Element → child → how often at least and at most (CAP 1.2 §3.2). `resource` is not looked into: resources are left out."""

_OPAQUE = {"resource"}
_ENCODINGS = {None, "utf-8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"}
_DECLARED = re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_DOCTYPE = re.compile(rb"\A(?:\xef\xbb\xbf)?(?>\s+|<\?(?s:.*?)\?>|<!--(?s:.*?)-->)*+<!DOCTYPE")


class Node:
    """An element and its path, such as ``/alert/info[1]/area[2]``."""

    def __init__(self, element: etree._Element, path: str) -> None:
        self._element = element
        self.path = path
        self.name = _local(element)

    def children(self, name: str) -> Iterator[Node]:
        """The children of one name, numbered as XPath does."""
        for number, element in enumerate(self._element.iterchildren(f"{{{NAMESPACE}}}{name}"), 1):
            yield Node(element, f"{self.path}/{name}[{number}]" if SHAPE[self.name][name][1] > 1 else f"{self.path}/{name}")

    def child(self, name: str) -> Node | None:
        """The first child of one name."""
        return next(self.children(name), None)

    @property
    def text(self) -> str:
        """Its own text, as it stands."""
        return self._element.text or ""

    def text_of(self, name: str) -> str:
        """The trimmed text of a child; "" when it isn't there."""
        child = self.child(name)
        return child.text.strip() if child is not None else ""

    def named_values(self, name: str) -> Iterator[tuple[Node, str, str]]:
        """valueName and value of each child of a kind."""
        for pair in self.children(name):
            yield pair, pair.text_of("valueName"), pair.text_of("value")


def parse(raw: bytes) -> Node:
    """The `alert` element of a CAP 1.2 document. Raises TooLarge, BadRequest, or InvalidInput with every fault of its shape."""
    if len(raw) > BODY.imported:
        raise TooLarge(f"The document has {len(raw):,} bytes; {BODY.imported:,} are allowed.")
    _refuse_tricks(raw)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise BadRequest(f"The document is not well-formed XML: {shown(error.msg or 'it is empty', 200)}.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadRequest(_NO_DOCTYPE)
    _check_root(root)
    faults = Faults()
    alert = Node(root, "/alert")
    _check_shape(root, alert.path, faults)
    faults.check()
    return alert


_NO_DOCTYPE = "The document has a DOCTYPE, which CAP doesn't need and which is never read: leave it out."


def _refuse_tricks(raw: bytes) -> None:
    if not raw.strip():
        raise BadRequest("The document is empty.")
    if b"\x00" in raw:
        raise BadRequest("The document holds NUL bytes: send it as UTF-8.")
    if _DOCTYPE.match(raw):
        raise BadRequest(_NO_DOCTYPE)
    declared = _DECLARED.match(raw)
    encoding = declared[1].decode().lower() if declared else None
    if encoding not in _ENCODINGS:
        raise BadRequest(f"The document is in {shown(str(encoding))}: send it as UTF-8.")


def _check_root(root: etree._Element) -> None:
    name = etree.QName(root)
    if name.localname == "alert" and name.namespace == NAMESPACE:
        return
    if name.localname == "alert":
        raise BadRequest(f"The document is not CAP 1.2: its namespace is {shown(name.namespace or 'missing')}, not {NAMESPACE}.")
    raise BadRequest(f"The document is not a CAP 1.2 alert: it starts with “{shown(name.localname)}”.")


def _check_shape(element: etree._Element, path: str, faults: Faults) -> None:
    shape = SHAPE[_local(element)]
    counts: dict[str, int] = {}
    for child in element:
        name = _local(child)
        if etree.QName(child).namespace != NAMESPACE:
            continue
        if name not in shape:
            faults.add(f"{path}/{name}", f"is not an element of CAP 1.2 here.{did_you_mean(name, shape)}")
            continue
        counts[name] = counts.get(name, 0) + 1
        _check_child(child, f"{path}/{name}" + (f"[{counts[name]}]" if shape[name][1] > 1 else ""), faults)
    for name, (least, most) in shape.items():
        if counts.get(name, 0) < least:
            faults.add(f"{path}/{name}", "is missing and must be given")
        if counts.get(name, 0) > most:
            faults.add(f"{path}/{name}", "stands here more than once: keep one")


def _check_child(child: etree._Element, path: str, faults: Faults) -> None:
    name = _local(child)
    if name in SHAPE:
        _check_shape(child, path, faults)
    elif name not in _OPAQUE and len(child):
        faults.add(path, "must hold text alone")


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname
