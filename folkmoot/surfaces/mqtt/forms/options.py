"""What an operator may set on the broker while it runs (contract §2.16, §3.2), by the roots it is set under.

Where the broker has a value for a key, it stands under the same name in `domain.broker.Options`. The other keys are shown and
kept, so that tools find what they expect; the surface's README names them.
"""

from __future__ import annotations

import re
from typing import Any

from folkmoot.domain.broker import check_expression
from folkmoot.surfaces.mqtt.forms import (
    ABSENT,
    Form,
    Forms,
    duration,
    flag,
    integer,
    number,
    rate,
    share,
    size,
    text,
    texts,
    word,
)

_CERTIFICATE = ("disabled", "cn", "dn", "crt", "pem", "md5")
_STRATEGIES = ("random", "round_robin", "round_robin_per_group", "local", "sticky", "hash_clientid", "hash_topic")
_PICKS = ("random", "local", "hash_clientid", "hash_topic")
_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency", "none", "all")
_ACTIONS = ("log", "publish")
#: As many as there may be of something without a bound.
NO_BOUND = 1 << 40


def _priorities(value: Any) -> dict[str, int]:
    if value == "disabled":
        return {}
    if not isinstance(value, dict) or not all(type(each) is int and 1 <= each <= 255 for each in value.values()):
        raise ValueError("Expected disabled, or topics with priorities from 1 to 255.")
    return dict(value)


def _attributes(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or len(value) > 1000:
        raise ValueError("Expected a list of expressions with the attributes they set.")
    for each in value:
        if (
            not isinstance(each, dict)
            or not {"expression"} <= set(each) <= {"expression", "set_as_attr"}
            or not all(isinstance(one, str) for one in each.values())
        ):
            raise ValueError("Expected objects with `expression` and `set_as_attr`.")
        check_expression(each["expression"])
    return [dict(each) for each in value]


def _groups(value: Any) -> dict[str, dict[str, Any]]:
    if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
        raise ValueError("Expected groups with their strategies.")
    for name, each in value.items():
        if each.get("strategy", "random") not in _STRATEGIES or not set(each) <= {"strategy", "initial_sticky_pick"}:
            raise ValueError(f"The group {name} has no strategy there is.")
        if each.get("initial_sticky_pick", "random") not in _PICKS:
            raise ValueError(f"The group {name} has no first pick there is.")
    return value


def _bounded(default: Any, least: int, most: int) -> Form:
    """A number, or `infinity` for the most there can be."""
    form = integer(default, least, most, off="infinity")

    def read(value: Any) -> int:
        found: int | None = form.read(value)
        return most if found is None else found

    return Form(default, read)


def _sample_interval(value: Any) -> int:
    seconds: float = duration("10s", 1).read(value)
    if 60 % seconds:
        raise ValueError("Expected a time of which there are so many in a minute, as 10s.")
    return int(seconds)


def _log_path(value: Any) -> str:
    # Whoever has a key of the API decides what is written where; it must not be into anything else.
    if not isinstance(value, str) or not re.fullmatch(r"log/[A-Za-z0-9_-]{1,100}\.log", value):
        raise ValueError("Expected a file as log/emqx.log, which is below the data directory.")
    return value


def _expression(value: Any) -> str:
    if not isinstance(value, str) or not value or len(value) > 10_000:
        raise ValueError("Expected disabled or an expression.")
    check_expression(value)
    return value


MQTT: Forms = {
    "idle_timeout": duration("15s", 0.001, 86_400),
    "max_packet_size": size("1MB", 1, 256 << 20),
    "max_clientid_len": integer(65_535, 23, 65_535),
    "max_topic_levels": integer(128, 1, 65_535),
    "max_topic_alias": integer(65_535, 0, 65_535),
    "max_qos_allowed": integer(2, 0, 2),
    "retain_available": flag(True),
    "wildcard_subscription": flag(True),
    "shared_subscription": flag(True),
    "exclusive_subscription": flag(False),
    "shared_subscription_strategy": word("round_robin", *_STRATEGIES),
    "shared_subscription_initial_sticky_pick": word("random", *_PICKS),
    "ignore_loop_deliver": flag(False),
    "strict_mode": flag(False),
    "response_information": text("", 10_000),
    "server_keepalive": integer("disabled", 1, 65_535, off="disabled"),
    "keepalive_multiplier": number(1.5, 1.0, 65_535),
    "keepalive_check_interval": duration("30s", 1),
    "retry_interval": duration("infinity", 1, off="infinity"),
    "use_username_as_clientid": flag(False),
    "peer_cert_as_username": word("disabled", *_CERTIFICATE),
    "peer_cert_as_clientid": word("disabled", *_CERTIFICATE),
    "clientid_override": Form("disabled", _expression),
    "client_attrs_init": Form([], _attributes),
    "session_expiry_interval": duration("2h"),
    "message_expiry_interval": duration("infinity", 1, off="infinity"),
    "max_awaiting_rel": _bounded(100, 1, 65_535),
    "await_rel_timeout": duration("300s", 1),
    "mqueue_priorities": Form("disabled", _priorities),
    "mqueue_default_priority": word("lowest", "lowest", "highest"),
    "mqueue_store_qos0": flag(True),
    "max_mqueue_len": _bounded(1000, 0, NO_BOUND),
    "max_inflight": integer(32, 1, 65_535),
    "max_subscriptions": integer("infinity", 1, off="infinity"),
    "upgrade_qos": flag(False),
}
#: What stands below `global_zone`.
ZONE: Forms = {
    "mqtt": MQTT,
    "flapping_detect": {
        "enable": flag(False),
        "window_time": duration("1m", 1),
        "max_count": integer(15, 1, 1_000_000),
        "ban_time": duration("5m", 1),
    },
    "force_shutdown": {
        "enable": flag(True),
        "max_mailbox_size": integer(1000, 1),
        "max_heap_size": size("32MB", 1 << 20),
    },
    "force_gc": {"enable": flag(True), "count": integer(16_000, 0), "bytes": size("16MB")},
    "durable_sessions": {
        "enable": flag(False),
        "batch_size": integer(100, 1),
        "heartbeat_interval": duration("5s"),
        "idle_poll_interval": duration("10s"),
        "message_retention_period": duration("1d"),
        "session_gc_interval": duration("10m"),
        "session_gc_batch_size": integer(100, 1),
    },
    "stats": {"enable": flag(True)},
    "overload_protection": {
        "enable": flag(False),
        "backoff_delay": integer(1, 0),
        "backoff_gc": flag(False),
        "backoff_hibernation": flag(True),
        "backoff_new_conn": flag(True),
    },
    "conn_congestion": {"enable_alarm": flag(True), "min_alarm_sustain_duration": duration("1m", 1)},
}
LIMITER: Forms = {
    "max_conn_rate": rate("infinity"),
    "messages_rate": rate("infinity"),
    "bytes_rate": rate("infinity"),
}
_LOG: Forms = {
    "enable": flag(False),
    "level": word("warning", *_LEVELS),
    "formatter": word("text", "text", "json"),
    "timestamp_format": word("auto", "auto", "epoch", "rfc3339"),
    "time_offset": text("system", 20),
}
_HTTP: Forms = {
    "bind": Form(18_083, lambda value: value),
    "num_acceptors": integer(2, 1),
    "max_connections": integer(512, 1),
    "backlog": integer(1024, 1),
    "send_timeout": duration("10s"),
    "inet6": flag(False),
    "ipv6_v6only": flag(False),
    "proxy_header": flag(False),
}
#: Root → what may be set under it, each root below `/configs/{root}`.
ROOTS: dict[str, Forms] = {
    "dashboard": {
        "listeners": {"http": _HTTP},
        "default_username": text("admin", 100),
        "default_password": text("public", 100, is_secret=True),
        "token_expired_time": duration("60m", 60),
        "sample_interval": Form("10s", _sample_interval),
        "password_expired_time": duration("0s"),
        "cors": flag(False),
        "swagger_support": flag(True),
        "i18n_lang": word("en", "en", "zh"),
    },
    "alarm": {
        "actions": texts(_ACTIONS, *_ACTIONS),
        "size_limit": integer(1000, 1, 3000),
        "validity_period": duration("24h", 1),
    },
    "sys_topics": {
        "sys_msg_interval": duration("1m", 1, off="disabled"),
        "sys_heartbeat_interval": duration("30s", 1, off="disabled"),
        "sys_event_messages": {
            "client_connected": flag(True),
            "client_disconnected": flag(True),
            "client_subscribed": flag(False),
            "client_unsubscribed": flag(False),
        },
    },
    "sysmon": {
        "os": {
            "cpu_check_interval": duration("60s", 1),
            "cpu_high_watermark": share("80%"),
            "cpu_low_watermark": share("60%"),
            "mem_check_interval": duration("60s", 1, off="disabled"),
            "sysmem_high_watermark": share("70%"),
            "procmem_high_watermark": share("5%"),
        },
        "vm": {
            "process_check_interval": duration("30s", 1),
            "process_high_watermark": share("80%"),
            "process_low_watermark": share("60%"),
            "long_gc": duration("disabled", off="disabled"),
            "long_schedule": duration("240ms", off="disabled"),
            "large_heap": size("disabled", off="disabled"),
            "busy_dist_port": flag(True),
            "busy_port": flag(True),
        },
    },
    "log": {
        "console": _LOG,
        "file": {
            **_LOG,
            "path": Form("log/emqx.log", _log_path),
            "rotation_count": integer(10, 1),
            "rotation_size": size("50MB", off="infinity"),
        },
        "throttling": {"time_window": duration("1m", 1)},
    },
    "broker": {
        "enable_session_registry": flag(True),
        "session_locking_strategy": word("quorum", "local", "leader", "quorum", "all"),
        "session_history_retain": duration("0s"),
        "shared_dispatch_ack_enabled": flag(False),
        "routing": {"storage_schema": word("v2", "v1", "v2")},
        "perf": {"route_lock_type": word("key", "key", "tab", "global"), "trie_compaction": flag(True)},
        "shared_subscription_group": Form(ABSENT, _groups),
    },
}
#: All of them, as the whole configuration has them.
ALL: Forms = {**ZONE, **ROOTS, "limiter": LIMITER}
