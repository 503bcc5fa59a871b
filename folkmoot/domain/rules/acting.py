"""What a rule does with what it has selected: the messages, posts and lines its actions make of it. Nothing is sent here."""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from folkmoot.domain.bridges import TRAIL, write_trail
from folkmoot.domain.broker import Message, is_topic
from folkmoot.errors import Invalid
from folkmoot.text.placeholders import MISSING, Template, write_json
from folkmoot.text.rulesql import encode_json
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop

from .columns import NAMES
from .model import Action, Columns, Console, Post, Republish

_LONGEST_TEXT = 65_535
#: A line of the log is no longer.
_LONGEST_LINE = 16_384
#: What a rule may set on a message.
_SETTABLE = {
    NAMES[prop]: prop
    for prop in (
        Prop.PAYLOAD_FORMAT,
        Prop.MESSAGE_EXPIRY,
        Prop.CONTENT_TYPE,
        Prop.RESPONSE_TOPIC,
        Prop.CORRELATION_DATA,
    )
}
_SPACE = re.compile(r"[^/+#\0]+")


class Draft(Struct):
    """A message that is to be published."""

    message: Message
    is_direct: bool = False


class Entry(Struct):
    """A post that is to be made."""

    space: str
    title: str
    body: str


class Line(Struct):
    """Something for the log."""

    output: str


Made = Draft | Entry | Line


class Plan:
    """One action with its templates read; `make` fills them."""

    def __init__(self, action: Action) -> None:
        self.action = action
        self._templates: dict[str, Template] = {}
        match action:
            case Republish():
                texts: dict[str, Any] = {"topic": action.topic, "qos": action.qos, "retain": action.retain}
                texts |= {"payload": action.payload, "users": action.user_properties, "direct": action.direct_dispatch}
                texts |= action.mqtt_properties
            case Post():
                texts = {"space": action.space, "title": action.title, "body": action.body}
            case _:
                texts = {}
        self._templates = {name: Template(_source(text)) for name, text in texts.items()}

    def make(self, rule_id: str, output: Columns, columns: Columns, trail: tuple[str, ...], now: float) -> Made:
        """What there is to do. Raises Invalid when the templates make no sense of what was selected."""
        match self.action:
            case Republish():
                return self._draft(rule_id, output, columns, trail, now)
            case Post():
                return self._entry(output)
            case Console():
                return Line(encode_json(dict(output))[:_LONGEST_LINE])
        raise TypeError(self.action)

    def _draft(self, rule_id: str, output: Columns, columns: Columns, trail: tuple[str, ...], now: float) -> Draft:
        topic = self._templates["topic"].text(output)
        if not is_topic(topic) or "\0" in topic or len(topic.encode()) > _LONGEST_TEXT:
            raise Invalid("rule.topic", f"{topic[:100]!r} is no topic to publish to.")
        qos = self._number("qos", output, 2)
        retain = self._templates["retain"].text(output, missing="false") in ("true", "1")
        fields, expiry = self._fields(ChainMap(dict(output), dict(columns)), write_trail(trail))
        message = Message(topic, self._payload(output), qos, retain, fields, now + expiry if expiry else 0.0, now)
        message.from_client, message.trail = rule_id, (*trail, rule_id)
        direct = self._templates["direct"].text(output, missing="false") == "true"
        return Draft(message, direct)

    def _payload(self, output: Columns) -> bytes:
        template = self._templates["payload"]
        if not template.source or (template.source == "${payload}" and output.get("payload") is None):
            # contract §2.13: everything that was selected
            return write_json(output)
        return template.render(output)

    def _number(self, name: str, output: Columns, most: int) -> int:
        text = self._templates[name].text(output, missing="0")
        if not text.isdecimal() or int(text[:12]) > most:
            raise Invalid("rule.number", f"{text[:100]!r} is no value for {name}.")
        return int(text)

    def _fields(self, found: Mapping[str, Any], brokers: str) -> tuple[bytes, int]:
        """The properties in wire form, without the expiry, which is the second value."""
        made: mqtt.Properties = {}
        expiry = 0
        for name, prop in _SETTABLE.items():
            template = self._templates.get(name)
            if template is None or (template.names and template.value(found) in (MISSING, None)):
                continue
            if prop is Prop.MESSAGE_EXPIRY:
                expiry = self._number(name, found, 0xFFFFFFFF)
            elif prop is Prop.PAYLOAD_FORMAT:
                made[prop] = self._number(name, found, 1)
            elif prop is Prop.CORRELATION_DATA:
                made[prop] = template.render(found)[:_LONGEST_TEXT]
            else:
                made[prop] = _text(template.text(found))
        if Prop.RESPONSE_TOPIC in made and not is_topic(str(made[Prop.RESPONSE_TOPIC])):
            raise Invalid("rule.topic", "A response topic has no wildcards.")
        pairs = _pairs(self._templates["users"].value(found))
        if brokers:
            pairs = [*(each for each in pairs if each[0] != TRAIL), (TRAIL, brokers)]
        if pairs:
            made[Prop.USER_PROPERTY] = pairs
        return mqtt.encode_fields(made), expiry

    def _entry(self, output: Columns) -> Entry:
        space = self._templates["space"].text(output)
        if _SPACE.fullmatch(space) is None:
            raise Invalid("rule.space", f"{space[:100]!r} is no name of a space.")
        body = self._templates["body"]
        if not body.source or (body.source == "${payload}" and output.get("payload") is None):
            return Entry(space, self._templates["title"].text(output), write_json(output).decode())
        return Entry(space, self._templates["title"].text(output), body.text(output))


def _source(text: Any) -> str:
    if isinstance(text, bool):
        return "true" if text else "false"
    return str(text)


def _pairs(value: Any) -> list[tuple[str, str]]:
    """User properties: of a map, or of a list of maps with key and value."""
    if isinstance(value, Mapping):
        found = list(value.items())
    elif isinstance(value, list):
        found = [(each.get("key"), each.get("value")) for each in value if isinstance(each, Mapping)]
    else:
        return []
    return [(_text(_plain(name)), _text(_plain(each))) for name, each in found[:1000]]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else write_json(value).decode()


def _text(value: str) -> str:
    # [MQTT-1.5.4-2]
    if "\0" in value or len(value.encode(errors="replace")) > _LONGEST_TEXT:
        raise Invalid("rule.property", "A property is too long, or contains a NUL character.")
    return value
