"""Starts the bridges: runs what is kept, and tells alarms and numbers how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from folkmoot.domain import rules
from folkmoot.domain.bridges import Connector, Health, Status
from folkmoot.domain.monitoring import Monitoring
from folkmoot.surfaces.mqtt import Stream

from .program import Program

if TYPE_CHECKING:
    from folkmoot.delivery.bridges import Bridges


async def start(program: Program, stream: Stream, watch: Monitoring, engine: rules.Engine) -> Bridges:
    """Run connectors, actions and sources as they are kept; they end before the broker does."""
    from folkmoot.delivery.bridges import Bridges

    house = program.house
    config = house.config
    bridges = Bridges(
        house.broker_db, lambda: house.outgoing, config.outgoing.allowed_networks, config.mqtt.node_name, house.now
    )

    def tell(connector: Connector, health: Health) -> None:
        # EMQX: the alarm is named for the resource
        name = f"connector:{connector.id}"
        if health.status is Status.CONNECTED:
            watch.alarms.deactivate(name, stream.now())
        elif health.status is Status.DISCONNECTED:
            watch.alarms.activate(name, f"resource down: {health.reason}", {"reason": health.reason}, stream.now())

    def action_numbers() -> dict[str, dict[str, Any]]:
        return {each.id: _figures(bridges, each, bridges.numbers(each)) for each in bridges.actions()}

    def connector_numbers() -> dict[str, dict[str, Any]]:
        return {each.id: _figures(bridges, each, {}) for each in bridges.connectors()}

    async def release(action_id: str) -> None:
        for name in _names(action_id):
            for rule in await house.broker_db.write(rules.drop_action, name, house.now()):
                engine.put(rule)

    def rules_of(action_id: str) -> list[str]:
        return [rule_id for name in _names(action_id) for rule_id in engine.rules_of(name)]

    def happened(topic: str, columns: dict[str, Any], trail: tuple[str, ...]) -> None:
        engine.happened(topic, columns, stream.now(), trail)

    engine.actions = bridges
    bridges.happened, bridges.rules_of, bridges.rules_on = happened, rules_of, engine.rules_on
    bridges.release = release
    bridges.on_health.append(tell)
    watch.sources.actions = action_numbers
    watch.sources.connectors = connector_numbers
    await bridges.start()
    program.on_stop(bridges.stop)
    return bridges


def _names(action_id: str) -> tuple[str, ...]:
    """What rules may call an action: an `http` one was a `webhook` in 5.0."""
    kind, _, name = action_id.partition(":")
    return (action_id, f"webhook:{name}") if kind == "http" else (action_id,)


def _figures(bridges: Bridges, value: Any, numbers: dict[str, float]) -> dict[str, Any]:
    is_well = bridges.health(value).status is Status.CONNECTED
    figures = {name.replace(".", "_"): number for name, number in numbers.items() if not name.startswith("rate")}
    return {"enable": int(value.is_enabled), "status": int(is_well), **figures}
