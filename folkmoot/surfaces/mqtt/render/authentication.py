"""Authenticators: what they are set to, with their secrets hidden, and how they do."""

from __future__ import annotations

from folkmoot.domain.authentication import AnyConfig, Tally, hide
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.auth import Authenticator, document_of


def authenticator(config: AnyConfig) -> schema.AuthenticatorDocument:
    """What one is set to."""
    return {"id": config.id, **hide(document_of(config))}


def authenticator_status(asked: Authenticator, node: str, now: float) -> schema.AuthenticatorStatus:
    """How one does, on the one node there is."""
    status = "stopped" if not asked.config.enable else "disconnected" if asked.fault else "connected"
    metrics, resource = _metrics(asked.tally, now), _resource(asked, now)
    return schema.AuthenticatorStatus(
        status=status,
        node_status=[schema.AuthenticatorNodeStatus(node, status)],
        metrics=metrics,
        node_metrics=[schema.AuthenticatorNodeMetrics(node, metrics)],
        resource_metrics=resource,
        node_resource_metrics=[schema.AuthenticatorNodeResource(node, resource)],
        node_error=[schema.AuthenticatorNodeError(node, asked.fault)] if asked.fault else [],
    )


def _metrics(tally: Tally, now: float) -> schema.AuthenticatorMetrics:
    return schema.AuthenticatorMetrics(tally.total, tally.success, tally.failed, tally.nomatch, *tally.pace.read(now))


def _resource(asked: Authenticator, now: float) -> schema.AuthenticatorResource:
    tally = asked.tally
    if not asked.is_outside:
        return schema.AuthenticatorResource()
    return schema.AuthenticatorResource(tally.total, tally.total - tally.errors, tally.errors, *tally.pace.read(now))
