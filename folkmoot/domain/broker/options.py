"""What an operator can set while the broker runs (contract §3.2). Times are seconds, sizes bytes, None is infinite or off.

The broker reads these values each time it needs them, so that a change holds at once. Whoever changes them does it in place.
"""

from __future__ import annotations

from msgspec import Struct, field


class Limits(Struct):
    """The options of the `mqtt` zone, and three that are our own (the last ones)."""

    idle_timeout: float = 15.0
    max_packet_size: int = 1_048_576
    max_clientid_len: int = 65_535
    max_topic_levels: int = 128
    max_topic_alias: int = 65_535
    max_qos_allowed: int = 2
    retain_available: bool = True
    wildcard_subscription: bool = True
    shared_subscription: bool = True
    exclusive_subscription: bool = False
    shared_subscription_strategy: str = "round_robin"
    shared_subscription_initial_sticky_pick: str = "random"
    ignore_loop_deliver: bool = False
    strict_mode: bool = False
    response_information: str = ""
    server_keepalive: int | None = None
    keepalive_multiplier: float = 1.5
    keepalive_check_interval: float = 30.0
    retry_interval: float | None = None
    use_username_as_clientid: bool = False
    peer_cert_as_username: str = "disabled"
    peer_cert_as_clientid: str = "disabled"
    clientid_override: str = "disabled"
    client_attrs_init: list[dict[str, str]] = field(default_factory=list)
    session_expiry_interval: int = 7200
    message_expiry_interval: float | None = None
    max_awaiting_rel: int = 100
    await_rel_timeout: float = 300.0
    mqueue_priorities: dict[str, int] = field(default_factory=dict)
    mqueue_default_priority: str = "lowest"
    mqueue_store_qos0: bool = True
    max_mqueue_len: int = 1000
    max_inflight: int = 32
    max_subscriptions: int | None = None
    upgrade_qos: bool = False
    deny_disconnects: bool = False
    """What is denied ends the connection (contract §2.12, deny_action)."""
    max_alias_bytes: int = 1_048_576
    output_bytes: int = 1_048_576
    """How much may wait for one socket before QoS 0 is dropped and QoS 1 and 2 stay in the queue."""


class Flapping(Struct):
    """Clients that come and go too often are banned for a while."""

    enable: bool = False
    window_time: float = 60.0
    max_count: int = 15
    ban_time: float = 300.0


class ForceShutdown(Struct):
    """When a connection is overloaded."""

    enable: bool = True
    max_mailbox_size: int = 1000
    max_heap_size: int = 33_554_432


class Congestion(Struct):
    """Alarms about connections that do not read."""

    enable_alarm: bool = True
    min_alarm_sustain_duration: float = 60.0


class Overload(Struct):
    """Refusing new connections under load."""

    enable: bool = False
    backoff_delay: int = 1
    backoff_new_conn: bool = True


class Rates(Struct):
    """Per second, for the whole broker; None is unlimited."""

    max_conn_rate: float | None = None
    messages_rate: float | None = None
    bytes_rate: float | None = None


class EventTopics(Struct):
    """Which things that happen to clients are told below `$SYS`."""

    client_connected: bool = True
    client_disconnected: bool = True
    client_subscribed: bool = False
    client_unsubscribed: bool = False


class SysTopics(Struct):
    """What is published below `$SYS`, and how often."""

    sys_msg_interval: float | None = 60.0
    sys_heartbeat_interval: float | None = 30.0
    sys_event_messages: EventTopics = field(default_factory=EventTopics)


class Alarms(Struct):
    """What becomes of alarms."""

    actions: list[str] = field(default_factory=lambda: ["log", "publish"])
    size_limit: int = 1000
    validity_period: float = 86_400.0


class System(Struct):
    """When the machine's state is an alarm; shares between 0 and 1."""

    cpu_check_interval: float = 60.0
    cpu_high_watermark: float = 0.8
    cpu_low_watermark: float = 0.6
    mem_check_interval: float | None = 60.0
    sysmem_high_watermark: float = 0.7
    procmem_high_watermark: float = 0.05


class Dashboard(Struct):
    """How the management API is served."""

    token_expired_time: float = 3600.0
    """How long a login lasts from its last use."""
    sample_interval: int = 10
    """Seconds from one sample of the monitor to the next."""
    cors: bool = False
    """Whether pages of other sites may read its answers."""
    swagger_support: bool = True
    """Whether its document and the page about it are there."""


class Strategy(Struct):
    """How one shared group chooses the member that gets a message (contract §3.5)."""

    strategy: str = "random"
    initial_sticky_pick: str = "random"


class Options(Struct):
    """All of them, by the roots they are set under."""

    mqtt: Limits = field(default_factory=Limits)
    flapping_detect: Flapping = field(default_factory=Flapping)
    force_shutdown: ForceShutdown = field(default_factory=ForceShutdown)
    conn_congestion: Congestion = field(default_factory=Congestion)
    overload_protection: Overload = field(default_factory=Overload)
    limiter: Rates = field(default_factory=Rates)
    sys_topics: SysTopics = field(default_factory=SysTopics)
    alarm: Alarms = field(default_factory=Alarms)
    sysmon: System = field(default_factory=System)
    dashboard: Dashboard = field(default_factory=Dashboard)
    shared_subscription_group: dict[str, Strategy] = field(default_factory=dict)
    """Groups with a strategy of their own."""
