"""The broker's numbers under the names its original exports to Prometheus (contract §2.9), as text and as JSON.

Written by hand: client libraries put `_total` behind the name of every counter, which these names have not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from folkmoot.domain.monitoring import METRICS, STATS, Figures, Monitoring, count_all

EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Family(NamedTuple):
    """One name with its values by their labels. `group` is where it stands in JSON."""

    name: str
    kind: Literal["gauge", "counter"]
    group: str
    values: list[tuple[Labels, float]]


# EMQX: not the names the rule gives
_ODD = {
    "packets.connect.received": "emqx_packets_connect",
    "messages.dropped.await_pubrel_timeout": "emqx_messages_dropped_expired",
}
_NOT_EXPORTED = ("messages.persisted", "messages.validation_", "messages.transformation_")
_GROUPS = {
    "bytes": "packets",
    "packets": "packets",
    "messages": "messages",
    "delivery": "delivery",
    "client": "client",
    "session": "session",
    "authorization": "acl",
    "authentication": "authn",
    "overload_protection": "olp",
}

_AUTHN = ("enable", "status", "nomatch", "total", "success", "failed", "users_count")
_AUTHZ = ("enable", "status", "nomatch", "total", "allow", "deny", "rules_count")
_RULE = (
    *("enable", "matched", "failed", "passed", "failed_exception", "failed_no_result", "actions_total"),
    *("actions_success", "actions_failed", "actions_failed_out_of_service", "actions_failed_unknown"),
    "actions_discarded",
)
_ACTION = (
    *("enable", "status", "matched", "dropped", "success", "failed", "inflight", "received", "late_reply", "retried"),
    *("retried_success", "retried_failed", "dropped_resource_stopped", "dropped_resource_not_found"),
    *("dropped_queue_full", "dropped_other", "dropped_expired", "queuing"),
)
_CONNECTOR = ("enable", "status")
#: What is a state and not a count, among the figures of other parts.
_STATES = ("enable", "status", "users_count", "rules_count", "inflight", "queuing")


def stats_families(monitoring: Monitoring, certificates: Figures) -> list[Family]:
    """Gauges, counters, the machine, the node and the certificates."""
    return [
        *_gauges(monitoring),
        *_counters(monitoring),
        _reasons(monitoring),
        *_machine(monitoring),
        _one("emqx_cluster_nodes_running", "gauge", "cluster", 1),
        _one("emqx_cluster_nodes_stopped", "gauge", "cluster", 0),
        Family(
            "emqx_cert_expiry_at",
            "gauge",
            "certs",
            [(_listener(each), figures.get("expiry_at", 0)) for each, figures in certificates.items()],
        ),
        _one("emqx_conf_sync_txid", "gauge", "cluster_rpc", 1),
    ]


def _gauges(monitoring: Monitoring) -> Iterable[Family]:
    now, highest = monitoring.gauges.look(), monitoring.gauges.highest
    for name in STATS:
        for way, value in (("count", now[name]), ("max", highest[name])):
            yield _one(f"emqx_{name.replace('.', '_')}_{way}", "gauge", "stats", value)
    for way in ("count", "max"):
        yield _one(f"emqx_durable_subscriptions_{way}", "gauge", "stats", 0)


def _counters(monitoring: Monitoring) -> Iterable[Family]:
    found = count_all(monitoring.broker)
    for name in METRICS:
        if not name.startswith(_NOT_EXPORTED):
            exported = _ODD.get(name, f"emqx_{name.replace('.', '_')}")
            yield _one(exported, "counter", _GROUPS[name.partition(".")[0]], found[name])
    yield _one("emqx_messages_retained", "counter", "messages", 0)


def _reasons(monitoring: Monitoring) -> Family:
    values = [
        ((*_listener(listener), ("reason", reason)), float(count))
        for (listener, reason), count in monitoring.left.items()
    ]
    return Family("emqx_client_disconnected_reason", "counter", "client", values)


def _machine(monitoring: Monitoring) -> Iterable[Family]:
    total, used = monitoring.machine.memory()
    use = monitoring.machine.cpu_share() * 100
    waiting = sum(len(session.queue) for session in monitoring.broker.sessions.values())
    for name, value in {
        "cpu_use": round(use, 2),
        "cpu_idle": round(100 - use, 2),
        "run_queue": monitoring.machine.run_queue(),
        "process_messages_in_queues": waiting,
        "total_memory": total,
        "used_memory": used,
        "mnesia_tm_mailbox_size": 0,
        "broker_pool_max_mailbox_size": 0,
    }.items():
        yield _one(f"emqx_vm_{name}", "gauge", "metrics", value)


def access_families(authentication: Figures, authorization: Figures, banned: int) -> list[Family]:
    """The numbers of authenticators, of the sources of permissions, and of bans."""
    return [
        *_of_each("emqx_authn_", "emqx_authn", "id", _AUTHN, authentication),
        *_of_each("emqx_authz_", "emqx_authz", "type", _AUTHZ, authorization),
        _one("emqx_banned_count", "gauge", "emqx_banned", banned),
    ]


def integration_families(rules: Figures, actions: Figures, connectors: Figures) -> list[Family]:
    """The numbers of rules, actions and connectors."""
    overview = {"rules": len(rules), "actions": len(actions), "connectors": len(connectors), "schema_registrys": 0}
    return [
        *[_one(f"emqx_{name}_count", "gauge", "data_integration_overview", value) for name, value in overview.items()],
        *_of_each("emqx_rule_", "rules", "id", _RULE, rules),
        *_of_each("emqx_action_", "actions", "id", _ACTION, actions),
        *_of_each("emqx_connector_", "connectors", "id", _CONNECTOR, connectors),
    ]


def _of_each(prefix: str, group: str, label: str, names: Iterable[str], figures: Figures) -> Iterable[Family]:
    for name in names:
        values: list[tuple[Labels, float]] = [
            (((label, each),), float(found.get(name, 0))) for each, found in figures.items()
        ]
        yield Family(prefix + name, "gauge" if name in _STATES else "counter", group, values)


def _one(name: str, kind: Literal["gauge", "counter"], group: str, value: float) -> Family:
    return Family(name, kind, group, [((), value)])


def _listener(listener: str) -> Labels:
    kind, _, name = listener.partition(":")
    return ("listener_type", kind), ("listener_name", name)


def labelled(families: Iterable[Family], node: str, mode: str) -> list[Family]:
    """With the node's name where the mode wants it: nowhere, at the machine's and cluster's numbers, or everywhere."""
    if mode == "node":
        return list(families)
    label = (("node", node),)
    return [
        family
        if mode == "all_nodes_aggregated" and family.group not in ("metrics", "cluster")
        else family._replace(values=[(label + labels, value) for labels, value in family.values])
        for family in families
    ]


def exposition(families: Iterable[Family]) -> bytes:
    """The text that Prometheus reads."""
    lines = list[str]()
    for family in families:
        lines.append(f"# TYPE {family.name} {family.kind}\n")
        for labels, value in family.values:
            written = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels)
            lines.append(f"{family.name}{'{' + written + '}' if written else ''} {_number(value)}\n")
    return "".join(lines).encode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def grouped(families: Iterable[Family], *, arrays: bool) -> dict[str, Any]:
    """The same for those who read JSON: names and numbers by group; with `arrays`, a list of them by their labels.

    What always has labels is a list of its own in any case.
    """
    found = dict[str, dict[Labels, dict[str, Any]]]()
    for family in families:
        group = found.setdefault(family.group, {})
        for labels, value in family.values:
            group.setdefault(labels, dict(labels))[family.name] = _number(value)
    return {
        name: list(rows.values()) if arrays or name in _LISTED else _merged(rows.values())
        for name, rows in found.items()
    }


_LISTED = ("certs", "emqx_authn", "emqx_authz", "rules", "actions", "connectors")


def _merged(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found = dict[str, Any]()
    for row in rows:
        if "reason" not in row:
            found |= row
    return found
