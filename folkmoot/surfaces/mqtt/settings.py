"""What operators have set on the broker (contract §2.16): kept as the difference to the defaults and the configuration file.

The environment (`EMQX_MQTT__MAX_INFLIGHT=64`) wins over both at each start. The settings document `options` is committed
before a change is answered; then the broker's options are changed in place, so that they hold at once.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import structlog

from folkmoot.domain.broker import Broker, Options, Strategy, read_setting, save_setting
from folkmoot.errors import Invalid, NotFound
from folkmoot.house import House
from folkmoot.surfaces.mqtt.forms import Document, Form, defaults, difference, merged, shown, values
from folkmoot.surfaces.mqtt.forms.options import ALL
from folkmoot.text.amounts import format_size

SETTING = "options"
_PREFIX = "EMQX_"

_log = structlog.get_logger(__name__)


class Settings:
    """See above. Changes come one after the other; `applied` is told after each."""

    def __init__(self, house: House, broker: Broker) -> None:
        self._house = house
        self._broker = broker
        self._environment = list(_of_environment())
        self._start = merged(ALL, defaults(ALL), _of_file(house))
        for each in self._environment:
            self._start = _tried(self._start, each)
        self._document = self._start
        self._lock = asyncio.Lock()
        self.applied: list[Callable[[Document], None]] = []

    async def load(self) -> None:
        """Sets what was set in an earlier run; a root that makes no sense any more is reported and left alone."""
        patch: Document = await self._house.broker_db.read(read_setting, SETTING, dict)
        for root, each in patch.items():
            self._document = _tried(self._document, {root: each})
        for each in self._environment:
            self._document = _tried(self._document, each)
        self._apply()

    def document(self, *roots: str) -> Document:
        """What is set under some roots, or all; without secrets."""
        return shown(ALL, {root: self._document[root] for root in roots or ALL})

    async def change(self, patch: Document) -> None:
        """Set what the patch says and leave the rest. Raises Invalid naming the key."""
        async with self._lock:
            await self._keep(merged(ALL, self._document, patch))

    async def replace(self, document: Document) -> None:
        """Set what the document says, and everything else as it was at first. Raises Invalid naming the key."""
        async with self._lock:
            await self._keep(merged(ALL, self._start, document))

    async def reset(self, root: str, path: str = "") -> None:
        """Set a root, or what is below it, as it was at first. Raises NotFound or Invalid."""
        if root not in ALL:
            raise NotFound("setting.unknown", "There is no such root.")
        async with self._lock:
            keys = [root, *[key for key in path.split(".") if key]]
            form: Any = ALL
            for key in keys:
                form = form.get(key) if not isinstance(form, Form) else None
                if form is None:
                    raise Invalid("setting.default", "There is no default value for this.", path)
            await self._keep(_put_back(self._document, self._start, keys))

    async def _keep(self, document: Document) -> None:
        values(ALL, document)
        content = msgspec.json.encode(difference(ALL, document, self._start)).decode()
        await self._house.broker_db.write(save_setting, SETTING, content, self._house.now())
        self._document = document
        self._apply()

    def _apply(self) -> None:
        found = values(ALL, self._document)
        options = self._broker.options
        groups = found["broker"].get("shared_subscription_group", {})
        options.shared_subscription_group.clear()
        options.shared_subscription_group.update(msgspec.convert(groups, dict[str, Strategy]))
        found["sysmon"] = found["sysmon"]["os"]
        for root in Options.__struct_fields__:
            if root in found:
                _assign(getattr(options, root), found[root])
        self._broker.forget_routes()
        for tell in self.applied:
            tell(self._document)


def _tried(document: Document, patch: Document) -> Document:
    """The document with the patch, if that makes sense."""
    try:
        found = merged(ALL, document, patch)
        values(ALL, found)
    except Invalid as error:
        _log.error("setting.refused", root=next(iter(patch)), error=error.message, at=error.field)
        return document
    return found


def _of_environment() -> Iterator[Document]:
    """What variables say, each by itself (contract §1.1); those for other things are passed over."""
    for name, text in sorted(os.environ.items()):
        root, *keys = name.removeprefix(_PREFIX).lower().split("__")
        if not name.startswith(_PREFIX) or root not in ALL or not keys:
            continue
        try:
            patch: Any = msgspec.json.decode(text)
        except msgspec.DecodeError:
            patch = text
        for key in [*reversed(keys), root]:
            patch = {key: patch}
        yield patch


def _of_file(house: House) -> Document:
    """What the configuration file says of these."""
    config = house.config
    console = {"enable": True, "level": config.log.level, "formatter": config.log.format}
    return {
        "mqtt": {"max_packet_size": format_size(config.mqtt.max_packet_bytes)},
        "dashboard": {"listeners": {"http": {"bind": config.listen.mqtt_api}}},
        "log": {"console": console},
    }


def _assign(target: Any, found: dict[str, Any]) -> None:
    for name in target.__struct_fields__:
        if name not in found:
            continue
        value, old = found[name], getattr(target, name)
        if isinstance(value, dict) and hasattr(old, "__struct_fields__"):
            _assign(old, value)
        else:
            # Whole seconds where the broker counts in them.
            setattr(target, name, int(value) if isinstance(old, int) and isinstance(value, float) else value)


def _put_back(document: Document, start: Document, keys: list[str]) -> Document:
    key, *below = keys
    found = dict(document)
    if below and isinstance(found.get(key), dict):
        found[key] = _put_back(found[key], start.get(key, {}), below)
    elif key in start:
        found[key] = start[key]
    else:
        found.pop(key, None)
    return found
