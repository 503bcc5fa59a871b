"""An OpenAPI 3.0 document from a table of operations, and the page that shows it (Swagger UI, served from here).

Schemas come from msgspec, which speaks JSON Schema; OpenAPI 3.0 knows an older dialect, so what it lacks (the null
type, const, siblings of a reference) is rewritten. Aliases of an operation are not listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from swagger_ui_bundle import swagger_ui_path

from folkmoot.net.http import Operation
from folkmoot.net.pages import SECURITY_HEADERS

_PARAMETER = re.compile(r"\{([a-z_][a-z0-9_]*)(?::path)?\}")
_REFERENCE = "#/components/schemas/"
_JSON = "application/json"
_TEXT = {"type": "string"}


def document(
    operations: Sequence[Operation],
    *,
    title: str,
    version: str,
    description: str = "",
    server: str = "/",
    security_schemes: Mapping[str, Any] | None = None,
    security: Callable[[Operation], list[dict[str, list[str]]]] = lambda _: [],
    failures: Callable[[Operation], Mapping[int, Any]] = lambda _: {},
) -> dict[str, Any]:
    """The document. Paths are relative to `server` when they begin with it.

    `security` says which of the schemes an operation takes (an empty list: none is needed); `failures` with which statuses
    it may fail, and the types of their bodies.
    """
    answers = {operation.name: {**failures(operation), **operation.answers} for operation in operations}
    types = [each for operation in operations for each in (operation.request, operation.response) if each is not None]
    types += [each for found in answers.values() for each in found.values()]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REFERENCE + "{name}")
    schema_of = {id(kind): _as_openapi(schema) for kind, schema in zip(types, schemas, strict=True)}
    components = {name: _as_openapi(schema) for name, schema in components.items()}
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        described = _describe(operation, schema_of, components, security(operation))
        for status, kind in sorted(answers[operation.name].items()):
            described["responses"][str(status)] = _answer(HTTPStatus(status).phrase, schema_of[id(kind)])
        path = _PARAMETER.sub(r"{\1}", operation.path)
        path = path.removeprefix(server) if server != "/" and path.startswith(server + "/") else path
        paths.setdefault(path, {})[operation.method.lower()] = described
    return {
        "openapi": "3.0.0",
        "info": {"title": title, "version": version, "description": description},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": dict(security_schemes or {})},
    }


def _describe(
    operation: Operation,
    schema_of: Mapping[int, Any],
    components: Mapping[str, Any],
    security: list[dict[str, list[str]]],
) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(operation.path)
    ]
    described: dict[str, Any] = {"operationId": operation.name, "summary": operation.summary, "security": security}
    if operation.tag:
        described["tags"] = [operation.tag]
    if operation.request is not None:
        schema = schema_of[id(operation.request)]
        if operation.method in ("GET", "HEAD", "DELETE"):
            parameters += _query_parameters(schema, components)
        else:
            described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    described["parameters"] = parameters
    answer = schema_of[id(operation.response)] if operation.response is not None else None
    described["responses"] = {str(operation.status): _answer("Success", answer, operation.media_types)}
    return described


def _answer(description: str, schema: Any, media_types: Sequence[str] = (_JSON,)) -> dict[str, Any]:
    content = {
        name: {"schema": schema if name == _JSON and schema is not None else _TEXT}
        for name in media_types
        if name != _JSON or schema is not None
    }
    return {"description": description, **({"content": content} if content else {})}


def _query_parameters(schema: Mapping[str, Any], components: Mapping[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        schema = components[schema["$ref"].removeprefix(_REFERENCE)]
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in schema.get("properties", {}).items()
    ]


def _as_openapi(schema: Any) -> Any:
    """A JSON Schema of msgspec's in the words of OpenAPI 3.0."""
    if isinstance(schema, list):
        return [_as_openapi(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {
        key: _as_properties(value) if key == "properties" else _as_openapi(value) for key, value in schema.items()
    }
    if "const" in found:
        found["enum"] = [found.pop("const")]
    for bound, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if bound in found:
            found[limit], found[bound] = found[bound], True
    if found.get("type") == "null":
        return {"nullable": True, "enum": [None]}
    if found.get("prefixItems"):
        found["items"] = {"anyOf": found.pop("prefixItems")}
    alternatives = found.get("anyOf", [])
    nullable = [each for each in alternatives if each == {"nullable": True, "enum": [None]}]
    if nullable:
        rest = [each for each in alternatives if each not in nullable]
        del found["anyOf"]
        found["nullable"] = True
        found.update(rest[0] if len(rest) == 1 and "$ref" not in rest[0] else {"anyOf": rest})
    if "$ref" in found and len(found) > 1:
        found["allOf"] = [{"$ref": found.pop("$ref")}]
    return found


def _as_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _as_openapi(each) for name, each in properties.items()}


# Pages

_FILES = ("swagger-ui.css", "index.css", "swagger-ui-bundle.js", "favicon-16x16.png", "favicon-32x32.png")

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<link rel="stylesheet" href="{folder}/swagger-ui.css">
<link rel="stylesheet" href="{folder}/index.css">
<link rel="icon" type="image/png" href="{folder}/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{folder}/swagger-ui-bundle.js"></script>
<script src="{folder}/swagger-initializer.js"></script>
</body>
</html>
"""

# Without a validator address: the stock page asks an outside one.
_INITIALIZER = """window.ui = SwaggerUIBundle({{
  url: {json_path},
  dom_id: "#swagger-ui",
  deepLinking: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
}});
"""

_HEADERS = {
    **SECURITY_HEADERS,
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
}


def swagger_routes(
    page_path: str, json_path: str, title: str, describe: Callable[[], Mapping[str, Any]]
) -> list[Route]:
    """Routes for the page, its files beside it, and the document; the page's folder leads to the page.

    The document is made when it is first asked for: it costs more than the start of everything else.
    """
    folder = str(PurePosixPath(page_path).parent).rstrip("/")
    page = _PAGE.format(title=title.replace("&", "&amp;").replace("<", "&lt;"), folder=folder)
    initializer = _INITIALIZER.format(json_path=json.dumps(json_path))
    encoded = cache(lambda: msgspec.json.encode(describe()))

    async def show_page(_: Request) -> Response:
        return HTMLResponse(page, headers=_HEADERS)

    async def show_initializer(_: Request) -> Response:
        return Response(initializer, media_type="text/javascript", headers=_HEADERS)

    async def show_document(_: Request) -> Response:
        return Response(encoded(), media_type="application/json")

    async def lead_to_page(_: Request) -> Response:
        return RedirectResponse(page_path)

    routes = [
        Route(page_path, show_page),
        Route(json_path, show_document),
        Route(f"{folder}/swagger-initializer.js", show_initializer),
        *(Route(f"{folder}/{name}", _file(Path(str(swagger_ui_path)) / name)) for name in _FILES),
    ]
    if folder:
        routes += [Route(folder, lead_to_page), Route(f"{folder}/", lead_to_page)]
    return routes


def _file(path: Path) -> Callable[[Request], Any]:
    async def show_file(_: Request) -> Response:
        return FileResponse(path, headers=dict(_HEADERS))

    return show_file
