"""Messages to publish, and what became of them (contract §2.5)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from folkmoot.surfaces.mqtt.schema.words import Bit, Qos


class PublishProperties(Struct):
    payload_format_indicator: Bit | None = None
    message_expiry_interval: Annotated[int, Meta(ge=0, le=0xFFFFFFFF)] | None = None
    response_topic: str | None = None
    correlation_data: str | None = None
    user_properties: dict[str, str] = {}
    content_type: str | None = None


class Publish(Struct):
    topic: str
    payload: str
    qos: Qos = 0
    retain: bool = False
    payload_encoding: Literal["plain", "base64"] = "plain"
    properties: PublishProperties | None = None


class Published(Struct):
    id: str


class NotPublished(Struct):
    """No `code` here, unlike every other failure."""

    reason_code: int
    message: str


class PublishFailure(Struct):
    """What a message that is refused is answered with: the body of any failure, or `reason_code` and `message` alone."""

    message: str
    reason_code: int = 0
    code: str = ""
    reason: str = ""


#: One entry of the answer to many: what `Published` or `NotPublished` has.
Outcome = dict[str, int | str]
