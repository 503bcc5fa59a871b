"""Actions and sources (contract §2.14): the same operations twice."""

from __future__ import annotations

from functools import partial
from typing import Any

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import actions


def _family(one: str, many: str, tag: str, new: Any) -> tuple[Operation, ...]:
    low = one.lower()
    operation = partial(Operation, permission="any", tag=tag)
    described = list[schema.Described]
    return (
        operation(f"List{one}s", "GET", many, actions.list_channels, response=described, summary=f"All {low}s"),
        operation(
            f"Create{one}",
            "POST",
            many,
            actions.create_channel,
            new,
            schema.Described,
            summary=f"Make one: {low}",
            status=201,
        ),
        operation(
            f"Get{one}", "GET", f"{many}/{{id}}", actions.get_channel, response=schema.Described, summary=f"One {low}"
        ),
        operation(
            f"Change{one}",
            "PUT",
            f"{many}/{{id}}",
            actions.change_channel,
            dict[str, Any],
            schema.Described,
            summary=f"Replace the settings of one: {low}",
        ),
        operation(
            f"Delete{one}",
            "DELETE",
            f"{many}/{{id}}",
            actions.delete_channel,
            schema.ActionRemoval,
            summary=f"Remove one that no rule needs: {low}",
            status=204,
        ),
        operation(
            f"Enable{one}",
            "PUT",
            f"{many}/{{id}}/enable/{{enable}}",
            actions.enable_channel,
            summary=f"Switch one on or off: {low}",
            status=204,
        ),
        operation(
            f"Start{one}",
            "POST",
            f"{many}/{{id}}/start",
            actions.start_channel,
            summary="Try to connect now",
            status=204,
        ),
        operation(
            f"Start{one}OnNode",
            "POST",
            f"/nodes/{{node}}{many}/{{id}}/start",
            actions.start_channel,
            summary="Try to connect now, from one node",
            status=204,
        ),
        operation(
            f"Get{one}Metrics",
            "GET",
            f"{many}/{{id}}/metrics",
            actions.get_channel_metrics,
            response=schema.ActionMetrics,
            summary=f"What one has counted: {low}",
        ),
        operation(
            f"Reset{one}Metrics",
            "PUT",
            f"{many}/{{id}}/metrics/reset",
            actions.reset_channel_metrics,
            summary="Count from zero again",
            status=204,
        ),
        operation(
            f"Probe{one}",
            "POST",
            f"{many}_probe",
            actions.probe_channel,
            new,
            summary="Try settings out",
            status=204,
        ),
        operation(
            f"Summarize{one}s",
            "GET",
            f"{many}_summary",
            actions.summarize_channels,
            response=described,
            summary=f"All {low}s without their settings",
        ),
        operation(
            f"List{one}Types",
            "GET",
            f"/{low}_types",
            actions.list_types,
            response=list[str],
            summary="Which types there are",
        ),
    )


OPERATIONS = (
    *_family("Action", "/actions", "Actions", schema.NewAction),
    *_family("Source", "/sources", actions.SOURCES, schema.NewSource),
)
