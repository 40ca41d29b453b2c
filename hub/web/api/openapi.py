"""The OpenAPI 3.1 description of exactly the routes that run, made from the URL table itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web

from hub.web.api.exchange import public_answer
from hub.web.api.problems import ProblemBody
from hub.web.route import Handler, Operation, Route

DESCRIPTION: web.AppKey[bytes] = web.AppKey("description", bytes)
"""Made once by `build_app`."""

_REFERENCE = "#/components/schemas/{name}"
_REFUSALS = {
    400: "It can't be read.",
    401: "No known token.",
    403: "Beyond the token's role, or a signature that is not right.",
    404: "No such thing.",
    409: "Not possible in its present state.",
    410: "It was withdrawn.",
    413: "Larger than 1 MB.",
    415: "Another content type.",
    422: "It has faults; `errors` names each by its JSON pointer.",
    429: "Too many; see Retry-After.",
    503: "Something it needs is away.",
}


async def openapi(request: web.Request) -> web.StreamResponse:
    """``GET /api/v1/openapi.json``."""
    return public_answer(request, request.app[DESCRIPTION], "application/json", max_age=300)


def described(routes: Iterable[Route]) -> list[Route]:
    """The routes that programs may use."""
    return [route for route in routes if route.access != "page"]


def describe(routes: Iterable[Route], operations: Mapping[Handler, Operation], public_url: str) -> dict[str, Any]:
    """The whole document. Raises KeyError for a route of the API that nobody has described."""
    paths: dict[str, dict[str, Any]] = {}
    for route in described(routes):
        paths.setdefault(openapi_path(route.path), {})[route.method.lower()] = _operation(route, operations[route.handler])
    kinds = [kind for operation in operations.values() for kind in (operation.body, operation.answer)]
    structs = [*dict.fromkeys(kind for kind in kinds if kind is not None and not isinstance(kind, str)), ProblemBody]
    _, schemas = msgspec.json.schema_components(structs, ref_template=_REFERENCE)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tocsin", "version": version("tocsin"), "summary": "The open alert hub of a city."},
        "servers": [{"url": public_url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def openapi_path(path: str) -> str:
    """aiohttp's ``{name:pattern}`` as ``{name}``."""
    return re.sub(r"{(\w+):[^}]*}", r"{\1}", path)


def _operation(route: Route, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": getattr(route.handler, "__name__", route.path),
        "summary": route.summary,
        "tags": [route.access],
        "parameters": _parameters(route, operation),
        "responses": _responses(route, operation),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": operation.body_required, "content": _content(operation.body)}
    if route.access == "staff":
        described["security"] = [{"token": []}]
    return described


def _parameters(route: Route, operation: Operation) -> list[dict[str, Any]]:
    text = {"type": "string"}
    return [
        *({"name": name, "in": "path", "required": True, "schema": text} for name in re.findall(r"{(\w+)", route.path)),
        *({"name": name, "in": "query", "schema": text} for name in operation.query),
        *({"name": name, "in": "header", "schema": text} for name in [operation.header] if name),
    ]


def _responses(route: Route, operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Done."}
    if operation.answer is not None:
        success["content"] = _content(operation.answer)
    problem = {"application/problem+json": {"schema": {"$ref": _REFERENCE.format(name=ProblemBody.__name__)}}}
    refusals = {str(status): {"description": _REFUSALS[status], "content": problem} for status in refusals_of(route, operation)}
    return {str(operation.status): success} | refusals | {"default": {"description": "Any other problem.", "content": problem}}


def refusals_of(route: Route, operation: Operation) -> list[int]:
    """Every status of a problem that the route may answer with, in order."""
    statuses = set(operation.refusals)
    statuses |= {401, 403} if route.access == "staff" else set()
    statuses |= {400, 413, 415, 422} if operation.body is not None else set()
    statuses |= {422} if operation.query else set()
    statuses |= {404} if "{" in route.path else set()
    return sorted(statuses)


def _content(kind: Any) -> dict[str, Any]:
    if isinstance(kind, str):
        return {kind: {"schema": {"type": "string"}}}
    return {"application/json": {"schema": msgspec.json.schema_components([kind], ref_template=_REFERENCE)[0][0]}}
