"""Messages that are published later (contract §2.7)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import delayed

OPERATIONS = (
    Operation(
        "GetDelayed",
        "GET",
        "/mqtt/delayed",
        delayed.get_delayed,
        response=schema.DelayedSettings,
        permission="any",
        summary="The settings about delayed messages",
        tag="Delayed messages",
    ),
    Operation(
        "ChangeDelayed",
        "PUT",
        "/mqtt/delayed",
        delayed.change_delayed,
        schema.DelayedChange,
        schema.DelayedSettings,
        "any",
        "Change the settings about delayed messages",
        tag="Delayed messages",
    ),
    Operation(
        "ListDelayedMessages",
        "GET",
        "/mqtt/delayed/messages",
        delayed.list_delayed_messages,
        schema.Paged,
        schema.DelayedPage,
        "any",
        "The messages that are still to be published, page by page",
        tag="Delayed messages",
    ),
    Operation(
        "GetDelayedMessage",
        "GET",
        "/mqtt/delayed/messages/{node}/{msgid}",
        delayed.get_delayed_message,
        response=schema.DelayedMessage,
        permission="any",
        summary="A message that is still to be published",
        tag="Delayed messages",
    ),
    Operation(
        "DeleteDelayedMessage",
        "DELETE",
        "/mqtt/delayed/messages/{node}/{msgid}",
        delayed.delete_delayed_message,
        permission="any",
        summary="Do not publish a delayed message",
        status=204,
        tag="Delayed messages",
    ),
    Operation(
        "DeleteDelayedMessages",
        "DELETE",
        "/mqtt/delayed/messages/{topic}",
        delayed.delete_delayed_messages,
        permission="any",
        summary="Do not publish the delayed messages for a topic",
        status=204,
        tag="Delayed messages",
    ),
)
