"""Who may not connect."""

from __future__ import annotations

from folkmoot.domain import authorization
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.render.times import whole_instant


def ban(found: authorization.Ban) -> schema.Ban:
    return schema.Ban(
        kind=found.kind,
        who=found.who,
        by=found.by,
        reason=found.reason,
        at=whole_instant(found.at),
        until="infinity" if found.until is None else whole_instant(found.until),
    )
