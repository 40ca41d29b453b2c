"""E-mail addresses: the short way for plain ones says what the library says of the whole."""

from __future__ import annotations

import email_validator
import pytest

from channels.addresses import parse_email
from channels.contract import InvalidAddress

LONG, WIDE = "l" * 64, ".".join(["日本語京都東京大阪" * 2] * 4) + ".org"


@pytest.mark.parametrize(
    "raw",
    [
        "A.b+c@EXAMPLE.org", "n@bücher.example", "é@example.org", f"{LONG}@example.org", f"{LONG}l@example.org", "a..b@example.org",
        "a@b@example.org", "@example.org", "x@", "x", "a@[192.0.2.1]", "a@-example.org", f"{LONG}@{WIDE}",
    ],
)  # fmt: skip
def test_an_address_is_taken_or_refused_as_by_the_library(raw: str) -> None:
    try:
        found = email_validator.validate_email(raw, check_deliverability=False, strict=True)
    except email_validator.EmailNotValidError:
        with pytest.raises(InvalidAddress):
            parse_email(raw)
    else:
        assert parse_email(raw) == f"{found.local_part}@{found.ascii_domain.lower()}"
