"""Sets the broker as operators have said by the management API; the level of the log follows them, too."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from folkmoot.config import Log
from folkmoot.domain.broker import Broker
from folkmoot.house import House
from folkmoot.surfaces.mqtt.forms import Document
from folkmoot.surfaces.mqtt.settings import Settings
from folkmoot.text.amounts import parse_size

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
    before = dict(settings.document("log")["log"])

    def follow(document: Document) -> None:
        nonlocal before
        wanted = document["log"]
        if wanted != before:
            before = dict(wanted)
            console = wanted["console"]
            config = replace(house.config, log=_log(house, console))
            log.configure(config, console=console["enable"], file=_file(house, wanted["file"]))

    settings.applied.append(follow)
    await settings.load()
    return settings


def _log(house: House, outlet: Document) -> Log:
    level = outlet["level"]
    return replace(house.config.log, level=_LEVELS.get(level, level), format=outlet["formatter"])


def _file(house: House, outlet: Document) -> log.LogFile | None:
    if not outlet["enable"]:
        return None
    size = outlet["rotation_size"]
    most = 0 if size == "infinity" else parse_size(size, "log.file.rotation_size")
    path = Path(house.config.data.dir) / outlet["path"]
    return log.LogFile(path, _log(house, outlet), most, outlet["rotation_count"])
