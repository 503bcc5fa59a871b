"""The chain of authenticators and their users (contract §2.11). What one is set to is the domain's to read."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from folkmoot.surfaces.mqtt.schema.paging import Paged, PageMeta

AuthenticatorDocument = dict[str, Any]


class AuthenticatorPlace(Struct):
    id: str


class AuthenticatorMetrics(Struct):
    total: int
    success: int
    failed: int
    nomatch: int
    rate: float
    rate_last5m: float
    rate_max: float


class AuthenticatorNodeStatus(Struct):
    node: str
    status: str


class AuthenticatorNodeMetrics(Struct):
    node: str
    metrics: AuthenticatorMetrics


class AuthenticatorResource(Struct, omit_defaults=True):
    """Of what is asked over the network; of others nothing."""

    matched: int | None = None
    success: int | None = None
    failed: int | None = None
    rate: float | None = None
    rate_last5m: float | None = None
    rate_max: float | None = None


class AuthenticatorNodeResource(Struct):
    node: str
    metrics: AuthenticatorResource


class AuthenticatorNodeError(Struct):
    node: str
    error: str


class AuthenticatorStatus(Struct):
    status: str
    node_status: list[AuthenticatorNodeStatus]
    metrics: AuthenticatorMetrics
    node_metrics: list[AuthenticatorNodeMetrics]
    resource_metrics: AuthenticatorResource
    node_resource_metrics: list[AuthenticatorNodeResource]
    node_error: list[AuthenticatorNodeError]


class AuthUserQuery(Paged):
    like_user_id: str | None = None
    is_superuser: bool | None = None


class NewAuthUser(Struct):
    user_id: str
    password: str
    is_superuser: bool = False


class AuthUserChange(Struct):
    """What is absent stays."""

    password: str | None = None
    is_superuser: bool | None = None


class AuthUser(Struct):
    user_id: str
    is_superuser: bool


class AuthUserPage(Struct):
    data: list[AuthUser]
    meta: PageMeta


class ImportedAuthUsers(Struct):
    total: int
    success: int
    override: int
    skipped: int
    failed: int
