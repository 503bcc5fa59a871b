"""Connectors, actions, sources and their older form, bridges (contract §2.14). Settings of each type are the domain's words."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from folkmoot.domain import bridges


class NewHttpConnector(bridges.HttpServer, frozen=True, kw_only=True, tag_field="type", tag="http"):
    name: str = ""
    enable: bool = True
    description: str = ""
    tags: list[str] = field(default_factory=list)
    resource_opts: bridges.Resource = bridges.Resource()


class NewMqttConnector(bridges.MqttServer, frozen=True, kw_only=True, tag_field="type", tag="mqtt"):
    name: str = ""
    enable: bool = True
    description: str = ""
    tags: list[str] = field(default_factory=list)
    resource_opts: bridges.Resource = bridges.Resource()


NewConnector = NewHttpConnector | NewMqttConnector


class NewChannel(Struct, frozen=True, kw_only=True):
    """What new actions and sources have in common."""

    connector: str
    name: str = ""
    enable: bool = True
    description: str = ""
    tags: list[str] = field(default_factory=list)
    resource_opts: bridges.Resource = bridges.Resource()


class NewHttpAction(NewChannel, frozen=True, kw_only=True, tag_field="type", tag="http"):
    parameters: bridges.HttpRequest


class NewMqttAction(NewChannel, frozen=True, kw_only=True, tag_field="type", tag="mqtt"):
    parameters: bridges.MqttPublish


NewAction = NewHttpAction | NewMqttAction


class NewSource(NewChannel, frozen=True, kw_only=True, tag_field="type", tag="mqtt"):
    parameters: bridges.MqttSubscription


#: Settings stand at the top of a connector, which depend on its type; so it is no one struct.
Described = dict[str, Any]


class ActionRemoval(Struct):
    also_delete_dep_actions: bool = False


class ActionNodeMetrics(Struct):
    node: str
    metrics: dict[str, float]


class ActionMetrics(Struct):
    metrics: dict[str, float]
    node_metrics: list[ActionNodeMetrics]


class OldRemote(Struct, frozen=True, kw_only=True):
    topic: str
    qos: Literal[0, 1, 2] | str = 1
    retain: bool | str = False
    payload: str | None = None


class OldLocal(Struct, frozen=True, kw_only=True):
    topic: str = ""


class OldDirection(Struct, frozen=True, kw_only=True):
    remote: OldRemote
    local: OldLocal = OldLocal()


class OldWebhook(Struct, frozen=True, kw_only=True, tag_field="type", tag="webhook"):
    """Connector and action in one."""

    url: str
    name: str = ""
    enable: bool = True
    description: str = ""
    tags: list[str] = field(default_factory=list)
    method: Literal["post", "put", "get", "delete"] = "post"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    max_retries: int = 2
    local_topic: str = ""
    connect_timeout: bridges.Duration = "15s"
    pool_type: Literal["random", "hash"] = "random"
    pool_size: bridges.PoolSize = 8
    enable_pipelining: int = 100
    ssl: bridges.Tls = bridges.Tls()
    resource_opts: bridges.Resource = bridges.Resource()


class OldMqtt(bridges.MqttServer, frozen=True, kw_only=True, tag_field="type", tag="mqtt"):
    """Connector with an action (egress), a source (ingress), or both."""

    name: str = ""
    enable: bool = True
    description: str = ""
    tags: list[str] = field(default_factory=list)
    egress: OldDirection | None = None
    ingress: OldDirection | None = None
    resource_opts: bridges.Resource = bridges.Resource()


OldBridge = OldWebhook | OldMqtt
