"""Publishing (contract §2.5)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import publishing

_PUBLISH_MAX_BYTES = 8 * 1024 * 1024

OPERATIONS = (
    Operation(
        "Publish",
        "POST",
        "/publish",
        publishing.publish,
        schema.Publish,
        schema.Published,
        "publish",
        "Publish a message",
        tag="Publish",
        max_body_bytes=_PUBLISH_MAX_BYTES,
        allow_nul=True,
        answers={202: schema.NotPublished, 400: schema.PublishFailure, 503: schema.NotPublished},
    ),
    Operation(
        "PublishMany",
        "POST",
        "/publish/bulk",
        publishing.publish_many,
        list[schema.Publish],
        list[schema.Outcome],
        "publish",
        "Publish several messages",
        tag="Publish",
        max_body_bytes=_PUBLISH_MAX_BYTES,
        allow_nul=True,
        answers={202: list[schema.Outcome], 400: schema.PublishFailure, 503: list[schema.Outcome]},
    ),
)
