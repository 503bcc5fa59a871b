"""Publishing through the API (contract §2.5): one message or many, to subscribers or, on a space's topic, to the community."""

from __future__ import annotations

import asyncio
import base64
import binascii
import uuid
from typing import Any

from folkmoot.domain.broker import Client, Identity, Message, Refused, Verdict, Wish, is_topic, message_id
from folkmoot.errors import Invalid
from folkmoot.net import http
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.errors import PublishRefused
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop, Reason

_LONGEST_TEXT = 65_535
# A fixed header, the topic's length and the packet identifier.
_AROUND_BYTES = 9

_NO_SUBSCRIBERS = schema.NotPublished(Reason.NO_MATCHING_SUBSCRIBERS, "no_matching_subscribers")

Outcome = schema.Published | schema.NotPublished


async def publish(call: Call) -> Any:
    outcome = await _publish(call, _message(call.app, call.data))
    return http.json_response(outcome, _status([outcome]))


async def publish_many(call: Call) -> Any:
    if not call.data:
        raise Invalid("publish.empty", "There is no message to publish.")
    # All are read before the first is sent: a bad one stops them all.
    messages = [_message(call.app, each) for each in call.data]
    outcomes = await asyncio.gather(*(_publish(call, each) for each in messages))
    return http.json_response(outcomes, _status(outcomes))


def _status(outcomes: list[Outcome]) -> int:
    codes = {each.reason_code for each in outcomes if isinstance(each, schema.NotPublished)}
    if not codes:
        return 200
    if codes == {Reason.NO_MATCHING_SUBSCRIBERS}:
        return 202
    return 503 if len(outcomes) > 1 or codes & {Reason.IMPLEMENTATION_ERROR, Reason.UNSPECIFIED_ERROR} else 400


async def _publish(call: Call, message: Message) -> Outcome:
    app: Management = call.app
    stream, actor = app.stream, call.actor.actor
    identity = Identity(actor.account_id, actor.name)
    if stream.broker.gate.takes(message.topic):
        code = await stream.post(identity, message.topic, message.payload, {})
        if code >= Reason.UNSPECIFIED_ERROR:
            return schema.NotPublished(code, Reason(code).name.lower())
        # It has become a post, which is no message.
        return schema.Published(uuid.uuid4().hex.upper())
    # Unlike EMQX, whose API is above its rules: the other topics of spaces are the community's own.
    delayed, client = stream.broker.delayed, Client(identity, "http_api", identity.name)
    try:
        wish = Wish("publish", delayed.inner_topic(message.topic, stream.now()), message.qos, message.retain)
    except Refused:
        return schema.NotPublished(Reason.TOPIC_NAME_INVALID, "topic_name_invalid")
    verdict = stream.broker.judge(client, wish, stream.now())
    if verdict is Verdict.ASK:
        verdict = await app.permissions.ask(client, wish)
        stream.broker.count_verdict(verdict)
    if verdict is Verdict.DENY:
        return schema.NotPublished(Reason.NOT_AUTHORIZED, "not_authorized")
    is_delayed = delayed.takes(message.topic)
    if is_delayed and delayed.is_full:
        return schema.NotPublished(Reason.QUOTA_EXCEEDED, "quota_exceeded")
    message.published_at = stream.now()
    if message.expires_at:
        message.expires_at += message.published_at
    if not await stream.publish(message, client):
        return _NO_SUBSCRIBERS
    if is_delayed:
        # The newest are last.
        found = (each.id for each in reversed(delayed.messages.values()) if each.message is message)
        return schema.Published(next(found, "") or message_id(message))
    return schema.Published(message_id(message))


def _message(app: Management, wanted: schema.Publish) -> Message:
    """The message asked for; its `expires_at` is still an interval. Raises PublishRefused or Invalid."""
    limits = app.stream.broker.limits
    topic = wanted.topic.encode()
    if "\0" in wanted.topic or len(topic) > _LONGEST_TEXT or not is_topic(wanted.topic, limits.max_topic_levels):
        raise PublishRefused(Reason.TOPIC_NAME_INVALID, "topic_name_invalid")
    payload = _payload(wanted)
    properties = wanted.properties or schema.PublishProperties()
    fields = _fields(properties)
    if len(topic) + len(payload) + len(fields) + _AROUND_BYTES > limits.max_packet_size:
        # EMQX: the code of "quota exceeded"
        raise PublishRefused(Reason.QUOTA_EXCEEDED, "packet_too_large")
    message = Message(wanted.topic, payload, wanted.qos, wanted.retain, fields, from_client="http_api")
    message.expires_at = float(properties.message_expiry_interval or 0)
    return message


def _payload(wanted: schema.Publish) -> bytes:
    if wanted.payload_encoding == "plain":
        return wanted.payload.encode()
    try:
        return base64.b64decode(wanted.payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise PublishRefused(Reason.IMPLEMENTATION_ERROR, "bad_base64_payload") from error


def _fields(properties: schema.PublishProperties) -> bytes:
    """The MQTT 5 properties in wire form, without the expiry. Raises Invalid."""
    found: mqtt.Properties = {}
    if properties.payload_format_indicator is not None:
        found[Prop.PAYLOAD_FORMAT] = properties.payload_format_indicator
    for prop, name in ((Prop.RESPONSE_TOPIC, "response_topic"), (Prop.CONTENT_TYPE, "content_type")):
        text = getattr(properties, name)
        if text is not None:
            found[prop] = _text(text, name)
    if properties.response_topic is not None and not is_topic(properties.response_topic):
        raise Invalid("publish.property", "A response topic has no wildcards.", "properties.response_topic")
    if properties.correlation_data is not None:
        if len(properties.correlation_data.encode()) > _LONGEST_TEXT:
            raise Invalid("publish.property", "This is too long.", "properties.correlation_data")
        found[Prop.CORRELATION_DATA] = properties.correlation_data.encode()
    pairs = [
        (_text(name, "user_properties"), _text(value, "user_properties"))
        for name, value in properties.user_properties.items()
    ]
    if pairs:
        found[Prop.USER_PROPERTY] = pairs
    return mqtt.encode_fields(found)


def _text(text: str, name: str) -> str:
    # [MQTT-1.5.4-2]
    if "\0" in text or len(text.encode()) > _LONGEST_TEXT:
        raise Invalid("publish.property", "This is too long, or contains a NUL character.", f"properties.{name}")
    return text
