"""The values of monitoring: a sample of the broker's numbers, and what others tell of theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from msgspec import Struct, field

#: Figures by the id of what they belong to: `{"password_based:built_in_database": {"enable": 1, "total": 7}}`. Their names are
#: those of contract §2.9 without the prefix (`enable`, `status`, `nomatch`, …); what is not given is 0.
Figures = Mapping[str, Mapping[str, float]]
#: Asked each time the figures are wanted; the answer may be awaited.
Source = Callable[[], Figures | Awaitable[Figures]]


def _nothing() -> Figures:
    return {}


def _zero() -> int:
    return 0


class Sources(Struct):
    """Where the numbers of other parts come from; each part puts its own function here when it starts."""

    authentication: Source = _nothing
    """By the authenticator's id."""
    authorization: Source = _nothing
    """By the source's type."""
    banned: Callable[[], int | Awaitable[int]] = _zero
    rules: Source = _nothing
    actions: Source = _nothing
    connectors: Source = _nothing
    certificates: Source = _nothing
    """`expiry_at` in seconds since 1970, by the listener's id (`ssl:default`)."""


class Counts(Struct):
    """The counters a sample is made of, since the start."""

    received: int = 0
    sent: int = 0
    dropped: int = 0
    persisted: int = 0


class Sample(Struct, frozen=True):
    """What happened in the `span` seconds from `taken_at`, and the highest values of the gauges meanwhile."""

    taken_at: datetime
    span: int
    received: int
    sent: int
    dropped: int
    persisted: int
    connections: int
    live_connections: int
    topics: int
    subscriptions: int


class PushGateway(Struct):
    """Where the numbers are sent to, if they are."""

    enable: bool = False
    url: str = "http://127.0.0.1:9091"
    interval: float = 15.0
    method: str = "put"
    headers: dict[str, str] = field(default_factory=dict)
    job_name: str = "${name}/instance/${name}~${host}"


class PrometheusSettings(Struct):
    """What an operator sets about the numbers' exposition. Collectors mean nothing here but are kept."""

    enable_basic_auth: bool = False
    push_gateway: PushGateway = field(default_factory=PushGateway)
    collectors: dict[str, str] = field(
        default_factory=lambda: dict.fromkeys(
            ("vm_dist", "mnesia", "vm_statistics", "vm_system_info", "vm_memory", "vm_msacc"), "disabled"
        )
    )
