"""What bridges are made of: connectors to other servers, actions that send through them, sources that fetch; and their state.

Durations and sizes are kept as they were written (`15s`, `256MB`) and read by `text.amounts`. Secrets are kept as they
are and hidden in every answer. What runs them is `delivery.bridges`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Protocol, TypeVar

from msgspec import Meta, Struct, field

T = TypeVar("T")

Duration = str | int
Size = str | int
PoolSize = Annotated[int, Meta(ge=1, le=64)]

#: Stands for a secret in answers; in a change it means that the secret stays.
HIDDEN = "******"


class Tls(Struct, frozen=True, kw_only=True):
    """How a connection is secured. Certificates and keys are PEM texts or names of files."""

    enable: bool = False
    verify: Literal["verify_peer", "verify_none"] = "verify_peer"
    server_name_indication: str = ""
    cacertfile: str = ""
    certfile: str = ""
    keyfile: str = ""
    password: str = ""


class HttpServer(Struct, frozen=True, kw_only=True):
    """Where an `http` connector sends requests."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    connect_timeout: Duration = "15s"
    pool_type: Literal["random", "hash"] = "random"
    pool_size: PoolSize = 8
    enable_pipelining: Annotated[int, Meta(ge=1)] = 100
    ssl: Tls = Tls()


class StaticIds(Struct, frozen=True):
    """The client identifiers one node uses."""

    node: str
    ids: list[str]


class MqttServer(Struct, frozen=True, kw_only=True):
    """The broker an `mqtt` connector is a client of."""

    server: str
    clientid_prefix: str = ""
    static_clientids: list[StaticIds] = field(default_factory=list)
    proto_ver: Literal["v3", "v4", "v5"] = "v4"
    bridge_mode: bool = False
    username: str = ""
    password: str = ""
    clean_start: bool = True
    keepalive: Duration = "160s"
    connect_timeout: Duration = "10s"
    retry_interval: Duration = "15s"
    max_inflight: Annotated[int, Meta(ge=1, le=65_535)] = 32
    pool_size: PoolSize = 8
    ssl: Tls = Tls()


class HttpRequest(Struct, frozen=True, kw_only=True):
    """What an `http` action sends; all texts are templates. Without a body everything is sent as JSON."""

    path: str = ""
    method: Literal["post", "put", "get", "delete"] = "post"
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    max_retries: Annotated[int, Meta(ge=0, le=20)] = 2


class MqttPublish(Struct, frozen=True, kw_only=True):
    """What an `mqtt` action publishes; all texts are templates. Without a payload everything is sent as JSON."""

    topic: Annotated[str, Meta(min_length=1)]
    qos: Literal[0, 1, 2] | str = 1
    retain: bool | str = False
    payload: str | None = None


class MqttSubscription(Struct, frozen=True, kw_only=True):
    """What an `mqtt` source subscribes to."""

    topic: Annotated[str, Meta(min_length=1)]
    qos: Literal[0, 1, 2] = 1
    no_local: bool = False


class Resource(Struct, frozen=True, kw_only=True):
    """How a connector is looked after, and how an action's messages wait."""

    health_check_interval: Duration = "15s"
    start_after_created: bool = True
    start_timeout: Duration = "5s"
    query_mode: Literal["async", "sync"] = "async"
    request_ttl: Duration = "45s"
    inflight_window: Annotated[int, Meta(ge=1, le=10_000)] = 100
    worker_pool_size: Annotated[int, Meta(ge=1, le=1024)] = 16
    max_buffer_bytes: Size = "256MB"
    batch_size: Annotated[int, Meta(ge=1)] = 1
    batch_time: Duration = "0ms"


class Part(Struct, frozen=True, kw_only=True):
    """What connectors, actions and sources have in common."""

    type: str
    name: str
    is_enabled: bool = True
    description: str = ""
    tags: tuple[str, ...] = ()
    resource: Resource = Resource()
    created_at: datetime
    changed_at: datetime

    @property
    def id(self) -> str:
        """`type:name`, by which it is known: to rules as an action, or in `FROM "$bridges/type:name"` as a source."""
        return f"{self.type}:{self.name}"


class Connector(Part, frozen=True, kw_only=True):
    """Another server, and how it is reached."""

    settings: HttpServer | MqttServer


class Action(Part, frozen=True, kw_only=True):
    """What is sent through a connector of the same type when a rule says so."""

    connector: str
    settings: HttpRequest | MqttPublish


class Source(Part, frozen=True, kw_only=True):
    """What is fetched through a connector of the same type and told to the rules."""

    connector: str
    settings: MqttSubscription


Channel = Action | Source

#: Which settings each type has.
SERVERS: Mapping[str, type[HttpServer] | type[MqttServer]] = {"http": HttpServer, "mqtt": MqttServer}
REQUESTS: Mapping[str, type[HttpRequest] | type[MqttPublish]] = {"http": HttpRequest, "mqtt": MqttPublish}
SUBSCRIPTIONS: Mapping[str, type[MqttSubscription]] = {"mqtt": MqttSubscription}


class Status(StrEnum):
    """How the other side is."""

    CONNECTED = "connected"
    CONNECTING = "connecting"
    DISCONNECTED = "disconnected"


class Health(Struct, frozen=True):
    """How something is, and why it is not well."""

    status: Status
    reason: str = ""


class Bridges(Protocol):
    """What runs connectors, actions and sources, as the management sees it. Ids are `type:name`."""

    rules_of: Callable[[str], Sequence[str]]
    """The rules that use an action."""
    rules_on: Callable[[str], Sequence[str]]
    """The rules that listen to a source."""
    release: Callable[[str], Awaitable[None]]
    """Takes an action out of all rules that use it."""

    def connectors(self) -> Sequence[Connector]:
        """All connectors, by id."""
        ...

    def actions(self) -> Sequence[Action]:
        """All actions, by id."""
        ...

    def sources(self) -> Sequence[Source]:
        """All sources, by id."""
        ...

    def health(self, value: Connector | Channel) -> Health:
        """How a connector, action or source is now."""
        ...

    def numbers(self, value: Channel) -> dict[str, float]:
        """What an action or a source has counted since its start, by the names of the metrics."""
        ...

    def reset_numbers(self, value: Channel) -> None:
        """Counts from zero again."""
        ...

    def change(self, verb: Callable[..., T], *given: Any) -> Awaitable[T]:
        """Writes with one of this package's actions, then runs what is kept. Raises what the verb raises."""
        ...

    def start_connector(self, value: Connector) -> Awaitable[Health]:
        """Tries to connect now; how it went."""
        ...

    def probe(self, value: Connector | Action | Source) -> Awaitable[Health]:
        """Tries what is not kept (yet): whether the other side can be reached."""
        ...
