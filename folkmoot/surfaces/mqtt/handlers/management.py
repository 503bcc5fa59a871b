"""What the handlers of the management API work with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from folkmoot.domain.bridges import Bridges
from folkmoot.domain.monitoring import Monitoring
from folkmoot.domain.rules import Engine
from folkmoot.errors import NotFound
from folkmoot.house import House
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.auth import Authentication
from folkmoot.surfaces.mqtt.listening import Listening
from folkmoot.surfaces.mqtt.permissions import Permissions
from folkmoot.surfaces.mqtt.push import Push
from folkmoot.surfaces.mqtt.settings import Settings
from folkmoot.surfaces.mqtt.stream import Stream


@dataclass(slots=True)
class Management:
    """What the handlers work with."""

    house: House
    stream: Stream
    push: Push
    listening: Listening
    settings: Settings
    is_ready: Callable[[], bool]
    node_name: str
    monitoring: Monitoring
    permissions: Permissions
    rules: Engine
    bridges: Bridges
    authentication: Authentication
    invitations: list[schema.Invitation] = field(default_factory=list)
    """To join this node; all have failed, as one node is all there is."""
    tracing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever changes which traces there are."""

    @property
    def login_lasts(self) -> timedelta:
        """How long a login lasts from its last use."""
        return timedelta(seconds=self.stream.broker.options.dashboard.token_expired_time)

    async def write_monitoring(self) -> None:
        """Returns when what is new in alarms and samples is committed."""
        unsaved = self.monitoring.take(self.stream.now())
        try:
            await self.house.broker_db.write(self.monitoring.save, unsaved, self.house.now())
        except BaseException:
            self.monitoring.give_back(unsaved)
            raise

    def require_node(self, name: str | None, code: str = "node.down") -> None:
        """Raises NotFound for any node but this one; None is this one."""
        if name is not None and name != self.node_name:
            raise NotFound(code, f"There is no running node named {name}.")
