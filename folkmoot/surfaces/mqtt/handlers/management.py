"""What the handlers of the management API work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from folkmoot.errors import NotFound
from folkmoot.house import House
from folkmoot.surfaces.mqtt import render
from folkmoot.surfaces.mqtt.listening import Listening
from folkmoot.surfaces.mqtt.push import Push
from folkmoot.surfaces.mqtt.stream import Stream


@dataclass(slots=True)
class Management:
    """What the handlers work with."""

    house: House
    stream: Stream
    push: Push
    listening: Listening
    is_ready: Callable[[], bool]
    node_name: str
    started_at: float = 0.0
    peaks: dict[str, int] = field(default_factory=dict)
    """The highest value seen of each gauge."""

    def gauges(self) -> dict[str, int]:
        """The broker's gauges; remembers how high they were."""
        found = render.gauges(self.stream.broker)
        for name, value in found.items():
            self.peaks[name] = max(value, self.peaks.get(name, 0))
        return found

    def require_node(self, name: str | None, code: str = "node.down") -> None:
        """Raises NotFound for any node but this one; None is this one."""
        if name is not None and name != self.node_name:
            raise NotFound(code, f"There is no running node named {name}.")
