"""Mails that came back, as Postfix, Exchange Online, Exim and a feedback loop write them."""

from __future__ import annotations

RETURNED = """\
Return-Path: <{return_path}>
Received: by mail.alerts.example.gov (Postfix) id 4F2A; Thu, 26 Nov 2026 10:00:00 -0500 (EST)
From: Tocsin <alerts@alerts.example.gov>
Subject: Boil your water
To: {recipient}
Message-ID: <{message_id}@alerts.example.gov>
List-Unsubscribe: <{unsubscribe}>
List-Unsubscribe-Post: List-Unsubscribe=One-Click
MIME-Version: 1.0
"""


def dsn(
    *,
    to: str = "bounces@alerts.example.gov",
    recipient: str = "ann@example.org",
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "smtp; 550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
    returned: str = "Subject: something else\n",
    as_headers: bool = True,
) -> bytes:
    """A delivery status notification as Postfix makes it (RFC 3464)."""
    return f"""\
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="9B1A2C.1795712345/mx.example.org"
Message-Id: <20261126150001.C0FFEE@mx.example.org>

This is a MIME-encapsulated message.

--9B1A2C.1795712345/mx.example.org
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.org.

<{recipient}>: host mx.example.org said: {diagnostic}

--9B1A2C.1795712345/mx.example.org
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 9B1A2C
X-Postfix-Sender: rfc822; {to}
Arrival-Date: Thu, 26 Nov 2026 10:00:00 -0500 (EST)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: {diagnostic}

--9B1A2C.1795712345/mx.example.org
Content-Description: Undelivered Message
Content-Type: {"text/rfc822-headers" if as_headers else "message/rfc822"}

{returned}
--9B1A2C.1795712345/mx.example.org--
""".encode()


def complaint(*, kind: str = "abuse", mail_from: str = "bounces@alerts.example.gov", returned: str = "Subject: something else\n") -> bytes:
    """A reader's complaint as a feedback loop sends it (RFC 5965, appendix B)."""
    return f"""\
From: <abusedesk@example.com>
Date: Thu, 26 Nov 2026 17:40:36 -0500
Subject: FW: Boil your water
To: <bounces@alerts.example.gov>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report;
     boundary="part1_13d.2e68ed54_boundary"

--part1_13d.2e68ed54_boundary
Content-Type: text/plain; charset="US-ASCII"
Content-Transfer-Encoding: 7bit

This is an email abuse report for an email message received from IP 192.0.2.1.

--part1_13d.2e68ed54_boundary
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{mail_from}>
Original-Rcpt-To: <redacted@example.com>
Received-Date: Thu, 26 Nov 2026 14:00:00 EST
Source-IP: 192.0.2.1

--part1_13d.2e68ed54_boundary
Content-Type: message/rfc822
Content-Disposition: inline

{returned}
Boil your water.

--part1_13d.2e68ed54_boundary--
""".encode()
