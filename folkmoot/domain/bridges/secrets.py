"""Which settings are secret: hidden in answers, and kept when a change brings back what was shown."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from .model import HIDDEN, HttpRequest, HttpServer, MqttServer, Tls

_HEADER = re.compile(r"secret|passw|token|api[-_]?key|authorization|cookie|credential", re.IGNORECASE)
_PRIVATE = "PRIVATE KEY-----"


def hide(settings: Any) -> Any:
    """The settings as they may be shown."""
    if isinstance(settings, HttpServer):
        return msgspec.structs.replace(
            settings, headers=_hidden_headers(settings.headers), ssl=_hidden_tls(settings.ssl)
        )
    if isinstance(settings, MqttServer):
        password = HIDDEN if settings.password else ""
        return msgspec.structs.replace(settings, password=password, ssl=_hidden_tls(settings.ssl))
    if isinstance(settings, HttpRequest):
        return msgspec.structs.replace(settings, headers=_hidden_headers(settings.headers))
    return settings


def reveal(wanted: Any, before: Any) -> Any:
    """The wanted settings with every hidden value as it was before."""
    if type(wanted) is not type(before):
        return wanted
    if isinstance(wanted, HttpServer):
        headers = _shown_headers(wanted.headers, before.headers)
        return msgspec.structs.replace(wanted, headers=headers, ssl=_shown_tls(wanted.ssl, before.ssl))
    if isinstance(wanted, MqttServer):
        password = before.password if wanted.password == HIDDEN else wanted.password
        return msgspec.structs.replace(wanted, password=password, ssl=_shown_tls(wanted.ssl, before.ssl))
    if isinstance(wanted, HttpRequest):
        return msgspec.structs.replace(wanted, headers=_shown_headers(wanted.headers, before.headers))
    return wanted


def _hidden_headers(headers: dict[str, str]) -> dict[str, str]:
    return {name: HIDDEN if _HEADER.search(name) else value for name, value in headers.items()}


def _shown_headers(wanted: dict[str, str], before: dict[str, str]) -> dict[str, str]:
    known = {name.lower(): value for name, value in before.items()}
    return {
        name: known.get(name.lower(), value) if value == HIDDEN and _HEADER.search(name) else value
        for name, value in wanted.items()
    }


def _hidden_tls(tls: Tls) -> Tls:
    keyfile = HIDDEN if _PRIVATE in tls.keyfile else tls.keyfile
    return msgspec.structs.replace(tls, keyfile=keyfile, password=HIDDEN if tls.password else "")


def _shown_tls(wanted: Tls, before: Tls) -> Tls:
    return msgspec.structs.replace(
        wanted,
        keyfile=before.keyfile if wanted.keyfile == HIDDEN else wanted.keyfile,
        password=before.password if wanted.password == HIDDEN else wanted.password,
    )
