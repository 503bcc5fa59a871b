"""What a web server is sent that is asked about a client, and how its answer is read (contract §2.11 and §2.12, http)."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from folkmoot.domain.broker import Client
from folkmoot.net.outgoing import Answer
from folkmoot.text.placeholders import Template


class Asked(Protocol):
    """A web server as it is configured; all texts may have placeholders."""

    @property
    def url(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> Mapping[str, Any]: ...


class Inquiry(NamedTuple):
    """A request, ready."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


def prepare(asked: Asked, columns: Mapping[str, Any]) -> Inquiry:
    """The request with the columns in their places: what is in its body stands in the address for GET.

    Raises ValueError when what a client is called would lead to another address.
    """
    url = template(asked.url).text(columns, missing="", escape=lambda value: quote(value, safe=""))
    if url != asked.url and {".", ".."} & set(url.partition("?")[0].split("/")):
        raise ValueError("the address leads elsewhere")
    headers = {
        name.lower(): template(value).text(columns, missing="", escape=_one_line)
        for name, value in asked.headers.items()
    }
    values = _fill(asked.body, columns)
    if asked.method == "get":
        headers.pop("content-type", None)
        if values:
            url += ("&" if "?" in url else "?") + urlencode({key: _flat(each) for key, each in values.items()})
        return Inquiry("GET", url, headers)
    kind = headers.setdefault("content-type", "application/json")
    if kind.startswith("application/x-www-form-urlencoded"):
        return Inquiry("POST", url, headers, urlencode({key: _flat(each) for key, each in values.items()}).encode())
    return Inquiry("POST", url, headers, msgspec.json.encode(values))


def client_columns(client: Client) -> dict[str, Any]:
    """What placeholders may ask of a client."""
    found = {
        "clientid": client.client_id,
        "username": client.username or "",
        "peerhost": client.address,
        "peerport": client.port,
        "zone": client.zone,
        "listener": client.listener,
        "mountpoint": client.mountpoint,
        "cert_subject": client.subject or "",
        "cert_common_name": client.common_name or "",
        "client_attrs": client.attrs,
    }
    if client.certificate:
        found["cert_pem"] = ssl.DER_cert_to_PEM_cert(client.certificate)
    return found


def read(answer: Answer) -> dict[str, Any]:
    """The fields of an answer's body, JSON or a form. Raises ValueError when it has none."""
    if answer.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(answer.body.decode()))
    try:
        return msgspec.json.decode(answer.body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("the answer is no object") from error


@lru_cache(maxsize=512)
def template(source: str) -> Template:
    """A template, read once."""
    return Template(source)


def _fill(value: Any, columns: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return template(value).text(columns, missing="")
    if isinstance(value, Mapping):
        return {template(key).text(columns, missing=""): _fill(each, columns) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, columns) for each in value]
    return value


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _one_line(value: str) -> str:
    """So that a client's name does not add a header."""
    return "".join(char for char in value if char.isprintable())
