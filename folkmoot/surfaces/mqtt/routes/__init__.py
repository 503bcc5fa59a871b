"""The operations of the management API: tables, no logic, a module per subject. `permission` is explained in `auth`.

The modules write paths as the contract does, below `V5`; aliases are from the root of the server.
"""

from __future__ import annotations

from dataclasses import replace

from folkmoot.surfaces.mqtt.routes import (
    absent,
    access,
    actions,
    authentication,
    authorization,
    bans,
    bridges,
    clients,
    configs,
    connectors,
    delayed,
    listeners,
    monitoring,
    nodes,
    operators,
    prometheus,
    publishing,
    retainer,
    rewriting,
    rules,
    telemetry,
    topic_metrics,
    topics,
    traces,
)

V5 = "/api/v5"

# In the order of the contract.
_SUBJECTS = (
    access,
    operators,
    nodes,
    clients,
    topics,
    publishing,
    retainer,
    delayed,
    rewriting,
    topic_metrics,
    bans,
    monitoring,
    listeners,
    authentication,
    prometheus,
    authorization,
    rules,
    connectors,
    actions,
    bridges,
    traces,
    configs,
    telemetry,
    absent,
)

OPERATIONS = tuple(replace(each, path=V5 + each.path) for subject in _SUBJECTS for each in subject.OPERATIONS)
