"""Text messages from a Twilio-compatible provider: only what it signed is heard, and each message once."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from channels.contract import ChannelSettings
from tests.hub.sms.conftest import NUMBER, OWN, Phone
from tests.hub.web.conftest import PUBLIC_URL, Parts
from tests.subscriptions.residents import service_on

PATH, TOKEN = "/api/v1/sms/inbound", "an auth+token"
MESSAGE = {"AccountSid": "AC1", "From": NUMBER, "To": OWN, "Body": "código 11201, por favor", "MessageSid": "SM1", "NumMedia": "0"}


def signature(form: dict[str, str], url: str = PUBLIC_URL + PATH, token: str = TOKEN) -> str:
    """As twilio.com/docs/usage/webhooks/webhooks-security says."""
    text = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


@pytest.fixture
async def phone(hub: Parts, catalog: Any) -> Phone:
    service = Phone(await service_on(hub.database, catalog, limits=True))
    hub.sms = service.inbox  # type: ignore[attr-defined]
    hub.channels = ChannelSettings(  # type: ignore[attr-defined]
        public_url=PUBLIC_URL, sms="smpp://a:b@127.0.0.1:1 https://AC1:an%20auth%2Btoken@127.0.0.1:9", sms_from=OWN
    )
    return service


async def post(client: TestClient, form: dict[str, str], signed: str | None, path: str = PATH) -> tuple[int, str, str]:
    headers = {"X-Twilio-Signature": signed} if signed is not None else {}
    async with client.post(path, data=form, headers=headers) as response:
        return response.status, response.content_type, await response.text()


async def test_a_signed_message_is_done_and_the_provider_is_told_nothing_to_say(client: TestClient, phone: Phone) -> None:
    status, kind, said = await post(client, MESSAGE, signature(MESSAGE))
    assert (status, kind) == (200, "text/xml")
    assert said.endswith("<Response/>")
    assert await phone.places() == ["11201"]
    assert len(await phone.answers()) == 1
    assert (await post(client, MESSAGE, signature(MESSAGE)))[0] == 200
    assert len(await phone.answers()) == 1


async def test_the_address_with_its_parameters_is_signed_too(client: TestClient, phone: Phone) -> None:
    path = f"{PATH}?account=2"
    assert (await post(client, MESSAGE, signature(MESSAGE), path))[0] == 403
    assert (await post(client, MESSAGE, signature(MESSAGE, PUBLIC_URL + path), path))[0] == 200
    assert await phone.places() == ["11201"]


@pytest.mark.parametrize(
    "signed",
    [
        None,
        "",
        "nonsense",
        "ñ",
        signature(MESSAGE, token="another"),
        signature(MESSAGE, url=f"http://other.example{PATH}"),
        signature(MESSAGE | {"Body": "STOP"}),
        signature(MESSAGE | {"From": "+17185550199"}),
    ],
)
async def test_what_is_not_signed_by_the_provider_is_refused_unheard(client: TestClient, phone: Phone, signed: str | None) -> None:
    status, kind, _ = await post(client, MESSAGE, signed)
    assert (status, kind) == (403, "application/problem+json")
    assert await phone.residents.rows("SELECT * FROM address") == []


async def test_what_the_provider_answered_itself_is_obeyed_in_silence(client: TestClient, phone: Phone) -> None:
    await post(client, MESSAGE, signature(MESSAGE))
    stop = MESSAGE | {"Body": "STOP", "MessageSid": "SM2", "OptOutType": "STOP"}
    assert (await post(client, stop, signature(stop)))[0] == 200
    assert await phone.places() == []
    assert len(await phone.answers()) == 1


@pytest.mark.parametrize("missing", ["From", "Body", "MessageSid"])
async def test_a_signed_form_without_what_is_needed_names_it(client: TestClient, phone: Phone, missing: str) -> None:
    form = {name: value for name, value in MESSAGE.items() if name != missing}
    status, _, said = await post(client, form, signature(form))
    assert status == 422
    assert f'"/{missing}"' in said


async def test_another_kind_of_body_is_refused(client: TestClient, phone: Phone) -> None:
    async with client.post(PATH, json=MESSAGE) as response:
        assert response.status == 415


async def test_a_hub_without_such_a_provider_has_no_such_address(client: TestClient, hub: Parts, phone: Phone) -> None:
    hub.channels = ChannelSettings(public_url=PUBLIC_URL, sms="smpp://a:b@127.0.0.1:1")  # type: ignore[attr-defined]
    assert (await post(client, MESSAGE, signature(MESSAGE)))[0] == 404


async def test_a_whole_city_may_write_at_once(client: TestClient, phone: Phone) -> None:
    """The provider is one client; it is not slowed down as one stranger would be."""
    stop = MESSAGE | {"Body": "STOP"}
    statuses = [(await post(client, form, signature(form)))[0] for number in range(320) if (form := stop | {"From": f"+{number}"})]
    assert set(statuses) == {200}
