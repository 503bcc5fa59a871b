"""Domain errors as this API says them: status, code word and body (contract §1.2, §1.3, §1.5)."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from folkmoot.errors import (
    Conflict,
    FolkmootError,
    Forbidden,
    Invalid,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from folkmoot.net import http
from folkmoot.net.errors import TooSlow, UnknownPath, WrongMethod
from folkmoot.surfaces.mqtt import schema

#: The names of the document (5.0) → those of 5.8, for whoever wants the newer ones (contract §1.3).
NEWER_CODES = {
    "WRONG_USERNAME_OR_PWD_OR_API_KEY_OR_API_SECRET": "BAD_API_KEY_OR_SECRET",
    "WRONG_USERNAME_OR_PWD": "BAD_USERNAME_OR_PWD",
}

#: Where a body must say that it is JSON (contract §1.1).
JSON_ONLY = tuple(f"/api/v5{path}" for path in ("/rules", "/rule_test", "/rule_engine", "/bridges"))

_CHALLENGE = {"www-authenticate": 'Basic Realm="emqx-dashboard"'}


class PublishRefused(Invalid):
    """A message that is not published; its body has a reason code instead of a code word."""

    def __init__(self, reason_code: int, message: str, status: int = 400) -> None:
        super().__init__("publish.refused", message)
        self.reason_code = reason_code
        self.status = status


#: Our code → status and their code word; what is not here goes by the kind of error.
_BY_CODE = {
    "client.unknown": (404, "CLIENTID_NOT_FOUND"),
    "topic.unknown": (404, "TOPIC_NOT_FOUND"),
    "node.down": (500, "NODE_DOWN"),
    "ban.duplicate": (400, "ALREADY_EXISTS"),
    "rules.duplicate": (409, "ALREADY_EXISTS"),
    "bridge.duplicate": (400, "ALREADY_EXISTS"),
    "bridge.test": (400, "TEST_FAILED"),
    "connector.used": (400, "BAD_REQUEST"),
    "action.used": (400, "BAD_REQUEST"),
    "rule.not_found": (404, "RULE_NOT_FOUND"),
    "rule.exists": (400, "BAD_REQUEST"),
    "rule.many": (400, "BAD_REQUEST"),
    "rule.no_match": (412, "NOT_MATCH"),
    "body.type": (415, "UNSUPPORTED_MEDIA_TYPE"),
    "credential.missing": (401, "AUTHORIZATION_HEADER_ERROR"),
    "account.unknown": (401, "WRONG_USERNAME_OR_PWD_OR_API_KEY_OR_API_SECRET"),
    "key.refused": (401, "WRONG_USERNAME_OR_PWD_OR_API_KEY_OR_API_SECRET"),
    "password.wrong": (401, "WRONG_USERNAME_OR_PWD"),
    "account.suspended": (401, "WRONG_USERNAME_OR_PWD"),
    "login.refused": (401, "WRONG_USERNAME_OR_PWD"),
    "key.not_allowed": (401, "WRONG_USERNAME_OR_PWD"),
    "session.unknown": (401, "BAD_TOKEN"),
    "session.expired": (401, "TOKEN_TIME_OUT"),
    "session.mismatch": (401, "WRONG_TOKEN_OR_USERNAME"),
    "filter.invalid": (400, "INVALID_PARAMETER"),
    "retainer.invalid": (400, "UPDATE_FAILED"),
    "retained.unknown": (404, "NOT_FOUND"),
    "message_id.invalid": (400, "MESSAGE_ID_SCHEMA_ERROR"),
    "message_id.unknown": (404, "MESSAGE_ID_NOT_FOUND"),
    "delayed.node": (400, "INVALID_NODE"),
    "delayed.topic": (400, "INVALID_TOPIC_NAME"),
    "delayed.unknown": (404, "MESSAGE_NOT_FOUND"),
    "auto_subscribe.full": (409, "EXCEED_LIMIT"),
    "metrics.full": (409, "EXCEED_LIMIT"),
    "metrics.topic": (400, "BAD_TOPIC"),
    "alarm.unknown": (400, "NOT_FOUND"),
    "trace.invalid": (400, "INVALID_PARAMS"),
    "trace.exists": (409, "ALREADY_EXISTS"),
    "trace.duplicate": (409, "DUPLICATE_CONDITION"),
    "trace.type": (409, "BAD_TYPE"),
    "trace.node": (404, "NODE_ERROR"),
    "key.duplicate": (400, "BAD_REQUEST"),
    "authenticator.exists": (409, "ALREADY_EXISTS"),
    "authentication.user_exists": (409, "ALREADY_EXISTS"),
    "operator.unknown": (404, "USER_NOT_FOUND"),
    "operator.exists": (400, "BAD_REQUEST"),
    "account.name_taken": (400, "BAD_REQUEST"),
    "account.last_admin": (400, "NOT_ALLOWED"),
    "operator.kept": (400, "NOT_ALLOWED"),
    "operator.password": (400, "ERROR_PWD_NOT_MATCH"),
    "listener.unknown": (404, "BAD_LISTENER_ID"),
    "setting.default": (400, "NO_DEFAULT_VALUE"),
    "accept.invalid": (400, "INVALID_ACCEPT"),
    "listener.exists": (400, "BAD_LISTENER_ID"),
    "listener.mismatch": (400, "BAD_LISTENER_ID"),
}
_BY_KIND: dict[type[FolkmootError], tuple[int, str]] = {
    TooSlow: (408, "BAD_REQUEST"),
    TooLarge: (413, "EXCEED_LIMIT"),
    Invalid: (400, "BAD_REQUEST"),
    Unauthenticated: (401, "AUTHORIZATION_HEADER_ERROR"),
    Forbidden: (403, "UNAUTHORIZED_ROLE"),
    NotFound: (404, "NOT_FOUND"),
    Conflict: (409, "CONFLICT"),
    RateLimited: (429, "EXCEED_LIMIT"),
    Unavailable: (503, "SERVICE_UNAVAILABLE"),
}
#: The 401s that a browser should ask a password for; those of tokens, login and logout are not (contract §1.3).
_CHALLENGED = {"credential.missing", "account.unknown", "key.refused", "key.not_allowed", "password.wrong"}


def answer(error: FolkmootError, operation: http.Operation | None, accept: str, *, newer_codes: bool) -> Response:
    """The answer to an error."""
    if isinstance(error, UnknownPath):
        return _unknown_path(accept)
    if isinstance(error, WrongMethod):
        # EMQX: no body
        return Response(status_code=405, headers={"allow": ", ".join(error.allow)})
    if isinstance(error, PublishRefused):
        return http.json_response(schema.NotPublished(error.reason_code, error.message), error.status)
    status, code = _status_and_code(error, operation)
    if newer_codes:
        code = "API_KEY_NOT_ALLOW" if error.code == "key.not_allowed" else NEWER_CODES.get(code, code)
    message = _message(error)
    headers = _CHALLENGE if error.code in _CHALLENGED else {}
    if isinstance(error, RateLimited) and error.retry_after_seconds > 0:
        headers = {"retry-after": str(int(error.retry_after_seconds) + 1)}
    return http.json_response(schema.Error(code, message, message), status, headers)


def possible(operation: http.Operation) -> dict[int, Any]:
    """How an operation may fail, besides what only it does: status → the type of the body, for the OpenAPI document."""
    statuses = {400}
    if operation.permission != "none":
        # Trying too many passwords is 429.
        statuses |= {401, 403, 429}
    if "{" in operation.path or "/built_in_database/" in operation.path:
        statuses.add(404)
    if operation.request is not None and operation.method in ("POST", "PUT"):
        statuses |= {408, 413}
    if operation.path.startswith(JSON_ONLY) and operation.method in ("POST", "PUT"):
        statuses.add(415)
    if operation.method == "GET" and "node" in getattr(operation.request, "__struct_fields__", ()):
        # Contract §1.6: a node that does not run.
        statuses.add(500)
    return dict.fromkeys(statuses.union(operation.failures), schema.Error)


def _status_and_code(error: FolkmootError, operation: http.Operation | None) -> tuple[int, str]:
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.code in ("request.value", "time.invalid") and operation is not None and operation.method == "GET":
        # Contract §1.1 for booleans, §1.6 for pages and filters.
        return 400, "BAD_REQUEST" if error.message.startswith("Expected `bool") else "INVALID_PARAMETER"
    return next((_BY_KIND[kind] for kind in type(error).__mro__ if kind in _BY_KIND), (500, "INTERNAL_ERROR"))


def _message(error: FolkmootError) -> str:
    if error.code == "body.json":
        return "Invalid json message received"
    if error.field:
        return f"{error.field}: {error.message}"
    return error.message


def _unknown_path(accept: str) -> Response:
    # EMQX: what the Accept header begins with decides
    if accept.startswith("application/json"):
        message = "Request Path Not Found"
        return Response(
            msgspec.json.encode(schema.Error("NOT_FOUND", message, message)), 404, media_type="application/json"
        )
    if accept.startswith("text/plain"):
        return PlainTextResponse("404 - NOT FOUND", 404)
    page = "<!DOCTYPE html><html><head><title>404 - NOT FOUND</title></head><body>404 - NOT FOUND</body></html>"
    return HTMLResponse(page, 404)


#: `GET /error_codes` (contract §1.5): the document's list and what 5.8 added.
ERROR_CODES = {
    "WRONG_USERNAME_OR_PWD": "Wrong username or password",
    "WRONG_USERNAME_OR_PWD_OR_API_KEY_OR_API_SECRET": "Wrong username and password, or wrong key and secret",
    "BAD_REQUEST": "The request cannot be understood",
    "NOT_MATCH": "The conditions are not met",
    "ALREADY_EXISTS": "There is one already",
    "BAD_CONFIG_SCHEMA": "The configuration does not fit its schema",
    "BAD_LISTENER_ID": "No listener has this id",
    "BAD_NODE_NAME": "No node has this name",
    "BAD_RPC": "The call to another node failed",
    "BAD_TOPIC": "The topic is not valid",
    "EXCEED_LIMIT": "A limit would be exceeded",
    "INVALID_PARAMETER": "A parameter is not valid",
    "CONFLICT": "The request conflicts with what is there",
    "NO_DEFAULT_VALUE": "There is no default value",
    "DEPENDENCY_EXISTS": "Something still depends on it",
    "MESSAGE_ID_SCHEMA_ERROR": "This is no message id",
    "INVALID_ID": "This is no id",
    "MESSAGE_ID_NOT_FOUND": "No message has this id",
    "NOT_FOUND": "It was not found",
    "CLIENTID_NOT_FOUND": "No client has this id",
    "CLIENT_NOT_FOUND": "There is no such client",
    "RESOURCE_NOT_FOUND": "There is no such resource",
    "TOPIC_NOT_FOUND": "There is no such topic",
    "USER_NOT_FOUND": "There is no such user",
    "INTERNAL_ERROR": "The server failed",
    "SERVICE_UNAVAILABLE": "The service cannot answer now",
    "SOURCE_ERROR": "The source failed",
    "UPDATE_FAILED": "The update failed",
    "REST_FAILED": "The reset failed",
    "CLIENT_NOT_RESPONSE": "The client does not answer",
    "BAD_USERNAME_OR_PWD": "Wrong username or password",
    "BAD_API_KEY_OR_SECRET": "Wrong key or secret",
    "UNSUPPORTED_MEDIA_TYPE": "The body is of a type that is not read here",
}
