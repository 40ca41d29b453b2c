"""Which mails that came back mean that an address is gone, and that the others never do."""

from __future__ import annotations

import pytest

from channels.mail_reports import read
from tests.channels.came_back import RETURNED, complaint, dsn

EXIM = "smtp; 550 No such user here"
RETURNED_MAIL = RETURNED.format(
    return_path="bounces+x@alerts.example.gov", recipient="ann@example.org", message_id="d-1", unsubscribe="https://a.example/unsubscribe/x"
)


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "outcome"),
    [
        ("failed", "5.1.1", "smtp; 550 5.1.1 unknown", "dead"),
        ("Failed", "5.1.10", "smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "dead"),
        ("failed", "5.1.2 (bad destination system: no such domain)", "dns; host not found", "dead"),
        ("failed", "5.2.1", "smtp; 550 5.2.1 The email account that you tried to reach is disabled", "dead"),
        ("failed", "5.0.0", EXIM, "dead"),
        ("failed", "5.0.0", "smtp; 550-5.1.1 The email account that you tried to reach does not exist", "dead"),
        ("failed", "", "smtp; 554 5.7.1 Message rejected as spam by Content Filtering", "refused"),
        ("failed", "5.0.0", "smtp; 550 message content rejected", "refused"),
        ("failed", "5.2.2", "smtp; 552 5.2.2 The email account is over quota", "refused"),
        ("failed", "5.1.8", "smtp; 550 5.1.8 bad sender's system address", "refused"),
        ("failed", "5.7.26", "smtp; 550-5.7.26 This mail is unauthenticated", "refused"),
        (
            "failed",
            "5.0.0",
            "smtp; 550-Verification failed for <alerts@a.gov>\n 550-No Such User Here\n 550 Sender verify failed",
            "refused",
        ),
        ("failed", "5.0.0", "smtp; 550 Sender address rejected: undeliverable address: unknown user", "refused"),
        ("failed", "5.0.0", "smtp; 550 SPF check failed: sender account invalid", "refused"),
        ("failed", "5.1.1", "smtp; 550 5.1.1 Sender verify failed", "refused"),
        ("failed", "4.4.1", "X-Postfix; connect to mx.example.org: Connection timed out", "passing"),
        ("delayed", "4.4.1", "smtp; 451 4.4.1 try later", "passing"),
        ("delayed", "5.1.1", "smtp; 550 5.1.1 a server that contradicts itself", "passing"),
        ("delivered", "2.1.5", "smtp; 250 2.1.5 OK", "passing"),
        ("relayed", "2.0.0", "", "passing"),
        ("expanded", "2.0.0", "", "passing"),
    ],
)
def test_only_a_final_failure_that_is_the_addresss_own_makes_it_dead(action: str, status: str, diagnostic: str, outcome: str) -> None:
    report = read(dsn(action=action, status=status, diagnostic=diagnostic))
    assert report is not None
    assert report.outcome == outcome


@pytest.mark.parametrize("as_headers", [True, False])
def test_the_mail_it_is_about_is_read_whether_its_headers_come_as_text_or_as_a_mail(as_headers: bool) -> None:
    report = read(dsn(returned=RETURNED_MAIL, as_headers=as_headers))
    assert report is not None
    assert report.recipients == ("ann@example.org",)
    assert report.message_ids == ("d-1@alerts.example.gov",)
    for piece in ("bounces+x@alerts.example.gov", "https://a.example/unsubscribe/x", "X-Postfix-Sender"):
        assert piece in report.headers
    assert "ann" not in repr(report)


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("abuse", "complaint"),
        ("Abuse", "complaint"),
        ("fraud", "complaint"),
        ("not-spam", "nothing"),
        ("auth-failure", "nothing"),
        ("", "nothing"),
    ],
)
def test_only_a_readers_complaint_is_one(kind: str, outcome: str) -> None:
    report = read(complaint(kind=kind, returned=RETURNED_MAIL))
    assert report is not None
    assert report.outcome == outcome
    assert "bounces+x@alerts.example.gov" in report.headers


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Subject: I am on holiday\n\nBack on Monday.",
        b"Subject: failure notice\n\nHi. This is the qmail-send program. <ann@example.org>: 550 5.1.1 user unknown",
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\n\nno parts',
        b'Content-Type: multipart/report; boundary="x"\n\n--x\nContent-Type: message/delivery-status\n\n--x--\n',
        dsn()[:900],
    ],
)
def test_what_is_no_report_is_none(raw: bytes) -> None:
    assert read(raw) is None


def test_a_report_cut_anywhere_never_breaks() -> None:
    for whole in (dsn(returned=RETURNED_MAIL), complaint(returned=RETURNED_MAIL)):
        for end in range(0, len(whole), 7):
            read(whole[:end])
