"""Sets the broker as operators have said by the management API; the level of the log follows them, too."""

from __future__ import annotations

from msgspec.structs import replace

from folkmoot.domain.broker import Broker
from folkmoot.house import House
from folkmoot.surfaces.mqtt.forms import Document
from folkmoot.surfaces.mqtt.settings import Settings

from . import log

# The words of the API for which the log has its own.
_LEVELS = {
    "notice": "info",
    "critical": "error",
    "alert": "error",
    "emergency": "error",
    "none": "error",
    "all": "debug",
}


async def load(house: House, broker: Broker) -> Settings:
    """Set what was set in earlier runs."""
    settings = Settings(house, broker)
    before = dict(settings.document("log")["log"]["console"])

    def follow(document: Document) -> None:
        nonlocal before
        console = document["log"]["console"]
        if console != before:
            before = dict(console)
            level = console["level"]
            wanted = replace(house.config.log, level=_LEVELS.get(level, level), format=console["formatter"])
            log.configure(replace(house.config, log=wanted))

    settings.applied.append(follow)
    await settings.load()
    return settings
