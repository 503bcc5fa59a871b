"""Retained messages and the settings about them (contract §2.6)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from folkmoot.surfaces.mqtt.schema.paging import Paged

_Duration = str | int


class RetainerBackend(Struct):
    type: Literal["built_in_database"] = "built_in_database"
    storage_type: Literal["ram", "disc"] = "ram"
    max_retained_messages: Annotated[int, Meta(ge=0)] = 0
    index_specs: list[list[Annotated[int, Meta(ge=1)]]] = field(
        default_factory=lambda: [[1, 2, 3], [1, 3], [2, 3], [3]]
    )
    enable: bool = True


class Retainer(Struct):
    enable: bool
    msg_expiry_interval: str
    msg_expiry_interval_override: str
    allow_never_expire: bool
    msg_clear_interval: str
    msg_clear_limit: int
    max_payload_size: str
    stop_publish_clear_msg: bool
    delivery_rate: str
    max_publish_rate: str
    backend: RetainerBackend


class RetainerBackendChange(Struct):
    type: Literal["built_in_database"] = "built_in_database"
    storage_type: Literal["ram", "disc"] | UnsetType = UNSET
    max_retained_messages: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    index_specs: list[list[Annotated[int, Meta(ge=1)]]] | UnsetType = UNSET
    enable: bool | UnsetType = UNSET


class RetainerChange(Struct):
    """What is not given stays as it is."""

    enable: bool | UnsetType = UNSET
    msg_expiry_interval: _Duration | UnsetType = UNSET
    msg_expiry_interval_override: _Duration | UnsetType = UNSET
    allow_never_expire: bool | UnsetType = UNSET
    msg_clear_interval: _Duration | UnsetType = UNSET
    msg_clear_limit: Annotated[int, Meta(ge=1)] | UnsetType = UNSET
    max_payload_size: _Duration | UnsetType = UNSET
    stop_publish_clear_msg: bool | UnsetType = UNSET
    delivery_rate: str | UnsetType = UNSET
    max_publish_rate: str | UnsetType = UNSET
    backend: RetainerBackendChange | UnsetType = UNSET


class RetainedQuery(Paged):
    topic: str | None = None


class RetainedSummary(Struct):
    msgid: str
    topic: str
    qos: int
    publish_at: str
    from_clientid: str
    from_username: str


class RetainedMessage(RetainedSummary):
    payload: str | UnsetType = UNSET
    """Base64; left out when it is large."""


class RetainedMeta(Struct):
    """EMQX: messages are counted only where that is cheap."""

    page: int
    limit: int
    hasnext: bool
    count: int | UnsetType = UNSET


class RetainedPage(Struct):
    data: list[RetainedSummary]
    meta: RetainedMeta
