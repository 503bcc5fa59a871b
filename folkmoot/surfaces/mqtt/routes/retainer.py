"""Retained messages (contract §2.6)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import retainer

OPERATIONS = (
    Operation(
        "GetRetainer",
        "GET",
        "/mqtt/retainer",
        retainer.get_retainer,
        response=schema.Retainer,
        permission="any",
        summary="The settings about retained messages",
        tag="Retained messages",
    ),
    Operation(
        "ChangeRetainer",
        "PUT",
        "/mqtt/retainer",
        retainer.change_retainer,
        schema.RetainerChange,
        schema.Retainer,
        "any",
        "Change the settings about retained messages",
        tag="Retained messages",
    ),
    Operation(
        "ListRetainedMessages",
        "GET",
        "/mqtt/retainer/messages",
        retainer.list_retained_messages,
        schema.RetainedQuery,
        schema.RetainedPage,
        "any",
        "The retained messages, or those inside a topic filter, page by page",
        tag="Retained messages",
    ),
    Operation(
        "DeleteRetainedMessages",
        "DELETE",
        "/mqtt/retainer/messages",
        retainer.delete_retained_messages,
        permission="any",
        summary="Remove all retained messages",
        status=204,
        tag="Retained messages",
    ),
    Operation(
        "GetRetainedMessage",
        "GET",
        "/mqtt/retainer/message/{topic}",
        retainer.get_retained_message,
        response=schema.RetainedMessage,
        permission="any",
        summary="The retained message of a topic, or the first inside a filter",
        tag="Retained messages",
    ),
    Operation(
        "DeleteRetainedMessage",
        "DELETE",
        "/mqtt/retainer/message/{topic}",
        retainer.delete_retained_message,
        permission="any",
        summary="Remove the retained message of a topic, or all inside a filter",
        status=204,
        tag="Retained messages",
    ),
)
