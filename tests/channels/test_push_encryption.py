"""What we encrypt is what the standard and other people's code say it is."""

from __future__ import annotations

import base64
import os

import http_ece
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pywebpush import WebPusher

from channels.contract import Rejected
from channels.push_encryption import LONGEST_PAYLOAD, _sealed, _secret, encrypt
from channels.push_subscription import Keys

HEADER = 16 + 4 + 1 + 65


def bytes_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """A key pair and a secret, and how a browser reads."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.auth = os.urandom(16)

    def read(self, body: bytes) -> bytes:
        return http_ece.decrypt(body, private_key=self._key, auth_secret=self.auth, version="aes128gcm")


BROWSER = Browser()


@given(st.binary(min_size=1, max_size=LONGEST_PAYLOAD))
def test_a_browser_reads_what_was_encrypted_for_it(payload: bytes) -> None:
    assert BROWSER.read(encrypt(payload, BROWSER.point, BROWSER.auth)) == payload


def test_another_browser_reads_nothing() -> None:
    body = encrypt(b"Boil water.", BROWSER.point, BROWSER.auth)
    with pytest.raises((http_ece.ECEException, InvalidTag)):
        Browser().read(body)


def test_the_body_has_the_shape_that_pywebpush_gives_it() -> None:
    keys = {"p256dh": base64.urlsafe_b64encode(BROWSER.point).decode(), "auth": base64.urlsafe_b64encode(BROWSER.auth).decode()}
    theirs = WebPusher({"endpoint": "https://push.example.org/a", "keys": keys}).encode(b"Boil water.")["body"]
    ours = encrypt(b"Boil water.", BROWSER.point, BROWSER.auth)
    assert (len(ours), ours[16:22]) == (len(theirs), theirs[16:22])
    assert BROWSER.read(theirs) == BROWSER.read(ours)


def test_the_example_of_the_standard_comes_out_to_the_byte() -> None:
    """RFC 8291, section 5 and appendix A, from the shared secret on."""
    sender = bytes_of("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8")
    browser = bytes_of("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4")
    shared, auth = bytes_of("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"), bytes_of("BTBZMqHH6r4Tts7J_aSIgg")
    secret = _secret(shared, auth, browser, sender)
    assert secret == bytes_of("S4lYMb_L0FxCeq0WhDx813KgSYqU26kOyzWUdsXYyrg")
    sealed = _sealed(b"When I grow up, I want to be a watermelon", bytes_of("DGv6ra1nlYgDCS1FRnbzlw"), secret)
    assert sealed == bytes_of("8pfeW0KbunFT06SuDKoJH9Ql87S1QUrdirN6GcG7sFz1y1sqLgVi1VhjVkHsUoEsbI_0LpXMuGvnzQ")


def test_each_message_has_a_key_pair_and_a_salt_of_its_own() -> None:
    bodies = [encrypt(b"Boil water.", BROWSER.point, BROWSER.auth) for _ in range(50)]
    assert len({body[:16] for body in bodies}) == len({body[21:HEADER] for body in bodies}) == len(bodies)


def test_the_longest_payload_fits_into_what_push_services_take_and_no_more_is_tried() -> None:
    assert len(encrypt(b"x" * LONGEST_PAYLOAD, BROWSER.point, BROWSER.auth)) == 4096
    with pytest.raises(Rejected, match="too long"):
        encrypt(b"x" * (LONGEST_PAYLOAD + 1), BROWSER.point, BROWSER.auth)


@pytest.mark.parametrize(
    "point",
    [b"", b"\x04" + bytes(64), BROWSER.point[:-1], b"\x04" + b"\xff" * 64],
    ids=["empty", "zero", "cut off", "beyond the field"],
)
def test_a_key_that_is_no_point_of_the_curve_is_a_final_no(point: bytes) -> None:
    with pytest.raises(Rejected):
        encrypt(b"Boil water.", point, BROWSER.auth)


def test_keys_are_kept_as_text_and_used_as_bytes() -> None:
    keys = Keys(
        p256dh=base64.urlsafe_b64encode(BROWSER.point).rstrip(b"=").decode(),
        auth=base64.urlsafe_b64encode(BROWSER.auth).rstrip(b"=").decode(),
    )
    assert (keys.point, keys.secret) == (BROWSER.point, BROWSER.auth)
