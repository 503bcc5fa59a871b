"""From what a rule selected to what is sent: an action's templates, read once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from folkmoot.domain.bridges import Action, HttpRequest, MqttPublish
from folkmoot.domain.broker import is_topic
from folkmoot.text.placeholders import MISSING, Template, write_json

from .ways import HttpCall, MqttMessage, Rejected, Request

Columns = Mapping[str, Any]
Make = Callable[[Columns, str], Request]

_HEADER_TEXT = re.compile(r"[\t\x20-\x7e]*")


def maker(action: Action) -> Make:
    """What makes an action's requests: of the columns, and of the trail a message for another broker carries.

    It raises Rejected when the columns make no request that can be sent.
    """
    settings = action.settings
    return _http(settings) if isinstance(settings, HttpRequest) else _mqtt(settings)


def _http(settings: HttpRequest) -> Make:
    path = Template(settings.path)
    headers = {name: Template(text) for name, text in settings.headers.items()}
    body = None if settings.body is None else Template(settings.body)
    has_body = settings.method in ("post", "put")

    def make(columns: Columns, trail: str) -> Request:
        found = path.text(columns, escape=lambda text: quote(text, safe="/"))
        # What a client names must not lead out of the path.
        if found != settings.path and {".", ".."} & set(found.partition("?")[0].split("/")):
            raise Rejected("the path leads elsewhere")
        texts = {name: template.text(columns) for name, template in headers.items()}
        if not all(_HEADER_TEXT.fullmatch(text) for text in texts.values()):
            raise Rejected("a header cannot be sent")
        content = b"" if not has_body else write_json(columns) if body is None else body.render(columns)
        return HttpCall(settings.method.upper(), found, texts, content, settings.max_retries)

    return make


def _mqtt(settings: MqttPublish) -> Make:
    topic = Template(settings.topic)
    payload = None if settings.payload is None else Template(settings.payload)
    qos = settings.qos if isinstance(settings.qos, int) else Template(settings.qos)
    retain = settings.retain if isinstance(settings.retain, bool) else Template(settings.retain)

    def make(columns: Columns, trail: str) -> Request:
        name = topic.text(columns)
        if not is_topic(name) or len(name.encode()) > 65_535 or "\0" in name:
            raise Rejected("the topic is none")
        return MqttMessage(
            name,
            write_json(columns) if payload is None else payload.render(columns),
            qos if isinstance(qos, int) else _quality(qos.value(columns)),
            retain if isinstance(retain, bool) else _flag(retain.value(columns)),
            trail,
            columns.get("pub_props"),
        )

    return make


def _quality(value: Any) -> int:
    text = str(value)
    return int(text) if text in ("0", "1", "2") else 0


def _flag(value: Any) -> bool:
    return value is not MISSING and str(value).lower() in ("true", "1")
