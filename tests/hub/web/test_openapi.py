"""The description says exactly what runs."""

from __future__ import annotations

import json
import re

from hub.web.api.descriptions import OPERATIONS
from hub.web.api.openapi import openapi_path
from hub.web.routes import TABLE

PROGRAMS = ("/api/", "/feeds/", "/live", "/healthz", "/readyz", "/metrics", "/problems/")


async def _document(client) -> dict:
    async with client.get("/api/v1/openapi.json") as response:
        return await response.json()


async def test_it_holds_every_running_route_for_programs_and_no_other(app, client) -> None:
    running = {
        (openapi_path(route.resource.canonical), route.method)
        for route in app.router.routes()
        if route.resource.canonical.startswith(PROGRAMS) and route.method not in {"HEAD", "OPTIONS"}
    }
    document = await _document(client)
    described = {(path, method.upper()) for path, item in document["paths"].items() for method in item}
    assert described == running
    assert document["openapi"] == "3.1.0"


async def test_every_reference_leads_somewhere_and_every_operation_has_its_own_name(client) -> None:
    document = await _document(client)
    names = {reference.rsplit("/", 1)[1] for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document))}
    assert names <= document["components"]["schemas"].keys()
    operations = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(operations) == len(set(operations))


async def test_path_parameters_are_declared(client) -> None:
    for path, item in (await _document(client))["paths"].items():
        for operation in item.values():
            declared = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
            assert declared == set(re.findall(r"{(\w+)}", path)), path


async def test_staff_routes_want_a_token_and_all_others_do_not(client) -> None:
    document = await _document(client)
    for route in TABLE:
        if route.access != "page":
            operation = document["paths"][openapi_path(route.path)][route.method.lower()]
            assert ("security" in operation) == (route.access == "staff"), route.path
            assert operation["summary"]


async def test_an_authors_alert_is_described_with_all_its_fields(client) -> None:
    schema = (await _document(client))["components"]["schemas"]["AlertRequest"]
    assert set(schema["required"]) == {"category", "event", "urgency", "severity", "certainty", "expires", "infos", "area"}
    assert schema["additionalProperties"] is False
    assert "audience_languages" not in schema["properties"]
    assert {"status", "msgType", "onset", "known_since", "topics", "incident", "references", "send_at"} <= schema["properties"].keys()


async def test_nothing_is_described_that_has_no_route() -> None:
    assert OPERATIONS.keys() == {route.handler for route in TABLE if route.access != "page"}


async def test_every_answer_of_the_staff_api_is_one_that_is_described(client, program, hub) -> None:
    """Each success and refusal below is looked up in the document."""
    document = await _document(client)
    publisher = await program("publisher")
    _, alert = await publisher("POST", "/api/v1/alerts", json=hub.alert())
    tries = (
        ("POST", "/api/v1/alerts", "/api/v1/alerts", {"json": hub.alert()}),
        ("POST", "/api/v1/alerts", "/api/v1/alerts", {"json": {}}),
        ("POST", "/api/v1/alerts", "/api/v1/alerts", {"data": b"{", "headers": {"Content-Type": "application/json"}}),
        ("POST", "/api/v1/alerts", "/api/v1/alerts", {"data": b"{}", "headers": {"Content-Type": "text/plain"}}),
        ("GET", "/api/v1/alerts", "/api/v1/alerts", {}),
        ("GET", "/api/v1/alerts/{id}", f"/api/v1/alerts/{alert['id']}", {}),
        ("GET", "/api/v1/alerts/{id}", "/api/v1/alerts/none", {}),
        ("POST", "/api/v1/alerts/{id}/approve", f"/api/v1/alerts/{alert['id']}/approve", {}),
        ("POST", "/api/v1/alerts/{id}/stop", f"/api/v1/alerts/{alert['id']}/stop", {}),
        ("POST", "/api/v1/alerts/{id}/stop", f"/api/v1/alerts/{alert['id']}/stop", {}),
    )
    for method, template, path, more in tries:
        status, _ = await publisher(method, path, **more)
        assert str(status) in document["paths"][template][method.lower()]["responses"], (template, status)
