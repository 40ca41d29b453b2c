"""The hub's identity to push services: signed once per origin, never older than RFC 8292 allows."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from channels.contract import NotConfigured
from channels.vapid import TOKEN_SECONDS, Vapid, create_vapid_key, public_key
from hub.settings import load
from hub.wiring import channel_settings
from subscriptions.vault import Keyring

NOW = 1_790_000_000.0
ORIGIN = "https://fcm.googleapis.com"
SUBJECT = "mailto:alerts@alerts.example"


def claims(header: str) -> dict[str, object]:
    payload = header.removeprefix("vapid t=").split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_header_is_signed_by_the_key_that_pages_subscribe_with() -> None:
    pem = create_vapid_key()
    header = Vapid(pem, SUBJECT).authorization(ORIGIN, NOW)
    assert Vapid02.verify(header)
    assert header.endswith(f",k={public_key(pem)}")


def test_the_claims_name_the_origin_the_contact_and_an_end_within_a_day() -> None:
    header = Vapid(create_vapid_key(), SUBJECT).authorization(ORIGIN, NOW)
    assert claims(header) == {"aud": ORIGIN, "sub": SUBJECT, "exp": int(NOW) + TOKEN_SECONDS}
    assert TOKEN_SECONDS <= 86_400


def test_a_header_is_kept_while_fresh_and_renewed_before_it_ends() -> None:
    vapid = Vapid(create_vapid_key(), SUBJECT)
    first = vapid.authorization(ORIGIN, NOW)
    assert vapid.authorization(ORIGIN, NOW + TOKEN_SECONDS / 2) == first
    later = NOW + TOKEN_SECONDS - 1
    assert claims(vapid.authorization(ORIGIN, later))["exp"] == int(later) + TOKEN_SECONDS


def test_one_that_was_signed_by_a_clock_that_was_ahead_is_signed_anew() -> None:
    vapid = Vapid(create_vapid_key(), SUBJECT)
    vapid.authorization(ORIGIN, NOW + 86_400)
    assert claims(vapid.authorization(ORIGIN, NOW))["exp"] == int(NOW) + TOKEN_SECONDS


def test_each_origin_has_its_own() -> None:
    vapid = Vapid(create_vapid_key(), SUBJECT)
    assert claims(vapid.authorization("https://web.push.apple.com", NOW))["aud"] != claims(vapid.authorization(ORIGIN, NOW))["aud"]


def test_origins_without_number_do_not_fill_the_memory() -> None:
    vapid = Vapid(create_vapid_key(), SUBJECT)
    for number in range(5000):
        vapid.authorization(f"https://a{number}.example", NOW)
    assert len(vapid._headers) <= 4096


def test_the_public_key_is_an_uncompressed_point_in_base64url() -> None:
    point = base64.urlsafe_b64decode(public_key(create_vapid_key()) + "=")
    assert len(point) == 65
    assert point[0] == 4


def pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).decode()


@pytest.mark.parametrize(
    "pem", ["", "not a key", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", pem_of(ec.generate_private_key(ec.SECP384R1()))]
)
def test_another_key_is_refused_without_being_shown(pem: str) -> None:
    with pytest.raises(NotConfigured, match="P-256") as failure:
        Vapid(pem, SUBJECT)
    assert failure.value.__suppress_context__ or failure.value.__context__ is None


@pytest.mark.parametrize("subject", ["", "alerts@alerts.example", "http://alerts.example"])
def test_a_contact_that_push_services_would_refuse_is_refused_at_once(subject: str) -> None:
    with pytest.raises(NotConfigured, match="TOCSIN_VAPID_SUBJECT"):
        Vapid(create_vapid_key(), subject)


@pytest.mark.parametrize("mail_from", ["alerts@city.gov", "City Alerts <alerts@city.gov>"])
def test_without_a_contact_of_its_own_a_hub_gives_the_bare_address_of_its_sender(mail_from: str) -> None:
    settings = load(environ={"TOCSIN_MAIL_FROM": mail_from})
    found = channel_settings(settings, "https://alerts.example", Keyring.generate(), "", outbox=False)
    assert found.vapid_subject == "mailto:alerts@city.gov"
