"""Mails that come back: delivery status notifications (RFC 3464) and complaints of readers to their provider (RFC 5965), read strictly.

A bounce that is no such report (plain words of an old server) is none here: nothing in it can be relied on.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import Message
from typing import Literal

import msgspec

from channels.mail_status import enhanced_status, says_dead

Outcome = Literal["dead", "refused", "passing", "complaint", "nothing"]
"""``dead``: the address is gone. ``refused``: this mail was, the address may be well. ``passing``: delayed, or delivered after all."""

LONGEST = 5_000_000
"""Octets of a report that are read."""

_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})
"""Feedback types by which somebody says that they want no more; ``not-spam`` and ``auth-failure`` are none."""
_REPLY = re.compile(r"\b([245]\d\d)[ -]+(.*)", re.DOTALL)
_UNSAID = frozenset({"", "5.0.0"})
_WORST: tuple[Outcome, ...] = ("dead", "refused", "passing", "nothing")


class Report(msgspec.Struct, frozen=True):
    """What came back, and all that may tell whose it was. Its repr shows none of it."""

    outcome: Outcome
    status: str
    """``5.1.1``, or the type of a complaint; "" when it says nothing."""
    headers: str
    """All header fields of the report and of the mail that it is about."""
    recipients: tuple[str, ...]
    message_ids: tuple[str, ...]
    """Of the mail that it is about, without brackets."""

    def __repr__(self) -> str:
        return f"<Report {self.outcome} {self.status}>"


def read(raw: bytes) -> Report | None:
    """The report in a mail; None when it is none."""
    mail = email.message_from_bytes(raw[:LONGEST], policy=email.policy.compat32)
    if mail.get_content_type() != "multipart/report":
        return None
    parts = list(mail.walk())
    fields = [block for part in parts if part.get_content_type() == "message/delivery-status" for block in _blocks(part)]
    complaint = next((_complaint(part) for part in parts if part.get_content_type() == "message/feedback-report"), None)
    if complaint is not None:
        kind = _field(complaint, "Feedback-Type").lower()
        outcome: Outcome = "complaint" if kind in _COMPLAINTS else "nothing"
        recipients = [complaint.get_all("Original-Rcpt-To", [])]
        return _report(mail, [complaint], outcome, kind if kind.isascii() and len(kind) < 20 else "", recipients)
    found = [(_outcome(block), _field(block, "Status").split(" ")[0], block) for block in fields if block.get("Action")]
    if not found:
        return None
    outcome, status, _ = min(found, key=lambda one: _WORST.index(one[0]))
    recipients = [
        [*block.get_all("Original-Recipient", []), *block.get_all("Final-Recipient", [])] for how, _, block in found if how == outcome
    ]
    return _report(mail, fields, outcome, enhanced_status(status), recipients)


def _outcome(block: Message) -> Outcome:
    """Of one recipient (RFC 3464 §2.3.3, §2.3.4)."""
    if _field(block, "Action").lower() != "failed":
        return "passing"
    status, diagnostic = enhanced_status(_field(block, "Status")), _field(block, "Diagnostic-Code")
    if status.startswith("4"):
        return "passing"  # gave up at last: the address may well be there
    if status in _UNSAID:
        reply = _REPLY.search(diagnostic)
        words = reply[2] if reply is not None and reply[1].startswith("5") else ""
        status = enhanced_status(words)
        return "dead" if says_dead(status, words) else "refused"
    return "dead" if says_dead(status, diagnostic) else "refused"


def _report(mail: Message, fields: list[Message], outcome: Outcome, status: str, recipients: list[list[str]]) -> Report:
    returned = [part for part in mail.walk() if part is not mail and part.get("Message-ID")] + list(_returned_headers(mail))
    headers = [
        *_headers(mail),
        *(line for block in fields for line in _headers(block)),
        *(line for part in returned for line in _headers(part)),
    ]
    named = (str(value).rpartition(";")[2].strip().strip("<>") for values in recipients for value in values)
    ids = (_field(part, "Message-ID").strip("<> ") for part in returned)
    return Report(outcome, status, "\n".join(headers), tuple(dict.fromkeys(filter(None, named))), tuple(dict.fromkeys(filter(None, ids))))


def _returned_headers(mail: Message) -> Iterator[Message]:
    """The mail's own headers, where the report gives them as text (RFC 3462 §3)."""
    for part in mail.walk():
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                yield email.message_from_bytes(payload, policy=email.policy.compat32)


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [block for block in payload if isinstance(block, Message)] if isinstance(payload, list) else []


def _complaint(part: Message) -> Message:
    """Its fields, which the library reads as the headers of a mail inside, or leaves as text."""
    inner = part.get_payload()
    if isinstance(inner, list) and inner and isinstance(inner[0], Message):
        return inner[0]
    text = part.get_payload(decode=True)
    return email.message_from_bytes(text if isinstance(text, bytes) else b"", policy=email.policy.compat32)


def _headers(part: Message) -> list[str]:
    return [f"{name}: {' '.join(str(value).split())}" for name, value in part.items()]


def _field(block: Message, name: str) -> str:
    return " ".join(str(block.get(name, "")).split())
