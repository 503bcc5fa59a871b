"""Permissions: sources, their rules and what is remembered of their answers (contract §2.12)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from folkmoot.surfaces.mqtt.schema.paging import Paged, PageMeta
from folkmoot.surfaces.mqtt.schema.words import Qos

Permission = Literal["allow", "deny"]
PermissionAction = Literal["publish", "subscribe", "all"]


class AuthorizationFile(Struct, tag="file", tag_field="type"):
    rules: str
    enable: bool = True


class AuthorizationDatabase(Struct, tag="built_in_database", tag_field="type"):
    enable: bool = True
    max_rules: Annotated[int, Meta(ge=0)] = 100


class AuthorizationHttp(Struct, tag="http", tag_field="type"):
    url: str
    method: Literal["get", "post"] = "post"
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}
    enable: bool = True
    request_timeout: str | int = "30s"
    connect_timeout: str | int = "15s"
    pool_size: Annotated[int, Meta(ge=1)] = 8
    enable_pipelining: Annotated[int, Meta(ge=1)] = 100
    ssl: dict[str, Any] = {}


AuthorizationSource = AuthorizationFile | AuthorizationDatabase | AuthorizationHttp


class AuthorizationSources(Struct):
    """Not a plain array: the document has this wrapper."""

    sources: list[AuthorizationSource]


class AuthorizationSourceType(Struct):
    type: str


class AuthorizationSourceMove(Struct):
    position: str


class AuthorizationMetrics(Struct):
    total: int
    allow: int
    deny: int
    nomatch: int
    ignore: int
    rate: float
    rate_last5m: float
    rate_max: float


class AuthorizationResourceMetrics(Struct):
    matched: int
    success: int
    failed: int
    rate: float
    rate_last5m: float
    rate_max: float


class AuthorizationNodeStatus(Struct):
    node: str
    status: str


class AuthorizationNodeMetrics(Struct):
    node: str
    metrics: AuthorizationMetrics


class AuthorizationNodeResourceMetrics(Struct):
    node: str
    metrics: AuthorizationResourceMetrics


class AuthorizationNodeError(Struct):
    node: str
    error: str


class AuthorizationSourceStatus(Struct):
    status: str
    node_status: list[AuthorizationNodeStatus]
    metrics: AuthorizationMetrics
    node_metrics: list[AuthorizationNodeMetrics]
    resource_metrics: AuthorizationResourceMetrics
    node_resource_metrics: list[AuthorizationNodeResourceMetrics]
    node_error: list[AuthorizationNodeError]


class AuthorizationCache(Struct):
    enable: bool = True
    max_size: Annotated[int, Meta(ge=1, le=1_048_576)] = 32
    ttl: str | int = "1m"
    excludes: list[str] = []


class AuthorizationSettings(Struct):
    no_match: Permission = "allow"
    deny_action: Literal["ignore", "disconnect"] = "ignore"
    cache: AuthorizationCache = field(default_factory=AuthorizationCache)


class PermissionRule(Struct):
    topic: str
    permission: Permission
    action: PermissionAction
    qos: list[Qos] | UnsetType = UNSET
    retain: bool | Literal["all", "true", "false"] | UnsetType = UNSET


class UserRules(Struct):
    username: str
    rules: list[PermissionRule]


class ClientRules(Struct):
    clientid: str
    rules: list[PermissionRule]


class UserRulesChange(Struct):
    rules: list[PermissionRule]
    username: str | None = None
    """The one of the path, if it is repeated."""


class ClientRulesChange(Struct):
    rules: list[PermissionRule]
    clientid: str | None = None
    """The one of the path, if it is repeated."""


class AllRules(Struct):
    rules: list[PermissionRule]


class UserRulesQuery(Paged):
    like_username: str | None = None


class ClientRulesQuery(Paged):
    like_clientid: str | None = None


class UserRulesPage(Struct):
    data: list[UserRules]
    meta: PageMeta


class ClientRulesPage(Struct):
    data: list[ClientRules]
    meta: PageMeta


class CachedPermission(Struct):
    access: str
    topic: str
    result: str
    updated_time: int
