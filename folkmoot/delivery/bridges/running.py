"""Runs what is kept: connects, sends what rules say, tells rules what sources fetch, and says how all of it is.

After every change the tables are read again and what runs is made to agree with them; only what differs is begun anew, and
what waits in a changed action waits on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from folkmoot.domain import bridges, broker
from folkmoot.domain.bridges import Action, Channel, Connector, Health, Source, Status
from folkmoot.domain.rules import Columns, Outcome
from folkmoot.net.tls import TlsError
from folkmoot.store import Database, Transaction
from folkmoot.text.amounts import parse_duration
from folkmoot.wire.mqtt import Publish

from . import opening
from .actions import RunningAction
from .numbers import Numbers
from .sources import columns_of
from .ways import Link

if TYPE_CHECKING:
    from folkmoot.net.outgoing import Outgoing

    from .mqtt import MqttLink

T = TypeVar("T")
Settle = Callable[[Outcome], None]

_ASKING_SECONDS = 5.0
_LAST_SECONDS = 2.0
_GONE = Health(Status.DISCONNECTED, "not running")


class RunningConnector:
    """A connector, and its link if it is on."""

    def __init__(self, value: Connector) -> None:
        self.value = value
        self.link: Link | None = None
        self.broken = ""
        """Why there is no link although it is on."""
        self.changed = asyncio.Event()

    @property
    def health(self) -> Health:
        """How it is."""
        if not self.value.is_enabled:
            return Health(Status.DISCONNECTED, "disabled")
        return self.link.health if self.link is not None else Health(Status.DISCONNECTED, self.broken)


class RunningSource:
    """A source, and what it has counted."""

    def __init__(self, value: Source) -> None:
        self.value = value
        self.numbers = Numbers()
        self.health = Health(Status.CONNECTING)
        self.is_on = False


class Bridges:
    """See above; `start` it, and `stop` it at the end."""

    def __init__(
        self,
        db: Database,
        outgoing: Callable[[], Outgoing],
        allowed: Sequence[str],
        node_name: str,
        now: Callable[[], datetime],
    ) -> None:
        """`outgoing` gives the guarded client once somebody needs it, `allowed` are the networks that the guard lets pass.

        `node_name` chooses among static client identifiers.
        """
        self._db = db
        self._opener = opening.Opener(outgoing, allowed, node_name)
        self._now = now
        self._changing = asyncio.Lock()
        self._connectors: dict[str, RunningConnector] = {}
        self._actions: dict[str, RunningAction] = {}
        self._sources: dict[str, RunningSource] = {}
        self.rules_of: Callable[[str], Sequence[str]] = lambda action_id: ()
        self.rules_on: Callable[[str], Sequence[str]] = lambda source_id: ()
        self.release: Callable[[str], Awaitable[None]] = _nobody
        self.happened: Callable[[str, dict[str, Any], tuple[str, ...]], None] = lambda event, columns, trail: None
        """Told what sources fetch: `$bridges/mqtt:NAME`, the columns, and the trail."""
        self.on_health: list[Callable[[Connector, Health], None]] = []
        """Told when a connector that is on becomes well or ill."""

    # What `app` does

    async def start(self) -> None:
        """Runs what is kept; does not wait until everything is connected."""
        self._opener.mark = await self._db.write(_own_mark, self._now())
        async with self._changing:
            await self._agree()

    async def stop(self) -> None:
        """Ends everything. What can be sent at once still is; the rest of what waits is lost."""
        self.on_health.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_SECONDS):
                # Polled: this is once, and counting must not get slower for it.
                while not all(each.is_idle for each in self._actions.values()):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        async with self._changing:
            await self._agree_with([], [], [])

    # What rules do (domain.rules.Actions)

    def knows(self, action_id: str) -> bool:
        """Whether there is such an action, switched on or not."""
        return _present(action_id) in self._actions

    def run(self, action_id: str, columns: Columns, trail: tuple[str, ...], settle: Settle) -> None:
        """Begins the action with what a rule selected; `settle` is called once."""
        action = self._actions.get(_present(action_id))
        if action is None:
            settle(Outcome.OUT_OF_SERVICE)
            return
        action.run(columns, bridges.join_trail(trail, columns.get("pub_props")), self._opener.mark, settle)

    # What the management does (domain.bridges.Bridges)

    def connectors(self) -> list[Connector]:
        """All connectors, by id."""
        return [each.value for each in self._connectors.values()]

    def actions(self) -> list[Action]:
        """All actions, by id."""
        return [each.value for each in self._actions.values()]

    def sources(self) -> list[Source]:
        """All sources, by id."""
        return [each.value for each in self._sources.values()]

    def health(self, value: Connector | Channel) -> Health:
        """How a connector, action or source is now."""
        if isinstance(value, Connector):
            found = self._connectors.get(value.id)
            return _GONE if found is None else found.health
        connector = self._connectors.get(f"{value.type}:{value.connector}")
        if connector is None:
            return _GONE
        if not value.is_enabled:
            return Health(Status.DISCONNECTED, "disabled")
        if isinstance(value, Source) and connector.health.status is Status.CONNECTED and value.id in self._sources:
            return self._sources[value.id].health
        return connector.health

    def numbers(self, value: Channel) -> dict[str, float]:
        """What an action or a source has counted."""
        running = self._running(value)
        return Numbers().read() if running is None else running.numbers.read()

    def reset_numbers(self, value: Channel) -> None:
        """Counts from zero again; what waits stays counted."""
        running = self._running(value)
        if running is not None:
            running.numbers.reset()

    async def change(self, verb: Callable[..., T], *given: Any) -> T:
        """Writes, then runs what is kept; a connector that has just begun may take a moment to connect."""
        async with self._changing:
            result = await self._db.write(verb, *given)
            begun = await self._agree()
        for each in begun:
            if each.value.resource.start_after_created:
                await self._wait(each, lambda health: health.status is not Status.CONNECTING)
        return result

    async def start_connector(self, value: Connector) -> Health:
        """Tries to connect now; how it went."""
        running = self._connectors[value.id]
        if running.link is not None and running.health.status is not Status.CONNECTED:
            running.link.nudge()
            await self._wait(running, lambda health: health.status is Status.CONNECTED)
        return running.health

    async def probe(self, value: Connector | Action | Source) -> Health:
        """Tries what is not kept (yet): whether the other side can be reached."""
        if isinstance(value, Connector):
            return await self._opener.probe(value)
        kept = self._connectors.get(f"{value.type}:{value.connector}")
        if kept is None:
            return Health(Status.DISCONNECTED, f"there is no connector {value.type}:{value.connector}")
        return await self._opener.probe(kept.value, value if isinstance(value, Source) else None)

    # Inside

    async def _agree(self) -> list[RunningConnector]:
        kept = await self._db.read(_all_of_them)
        return await self._agree_with(*kept)

    async def _agree_with(
        self, connectors: list[Connector], actions: list[Action], sources: list[Source]
    ) -> list[RunningConnector]:
        """Makes what runs agree; the connectors that were begun."""
        wanted = {each.id: each for each in connectors}
        for bridge_id in [*self._connectors]:
            running = self._connectors[bridge_id]
            if bridge_id not in wanted or _differ(running.value, wanted[bridge_id]):
                await self._end(running)
                del self._connectors[bridge_id]
        begun = list[RunningConnector]()
        for each in connectors:
            if each.id in self._connectors:
                self._connectors[each.id].value = each
            else:
                self._connectors[each.id] = await self._begin(each)
                begun.append(self._connectors[each.id])
        self._connectors = {each.id: self._connectors[each.id] for each in connectors}
        await self._agree_on_actions(actions)
        await self._agree_on_sources(sources)
        for connector in begun:
            if connector.link is not None:
                connector.link.start()
        return begun

    async def _agree_on_actions(self, actions: list[Action]) -> None:
        before, self._actions = self._actions, {}
        for each in actions:
            old = before.pop(each.id, None)
            if old is not None and not _differ(old.value, each):
                old.value = each
                self._actions[each.id] = old
            else:
                self._actions[each.id] = RunningAction(each)
                if old is not None:
                    await old.hand_over(self._actions[each.id])
        for gone in before.values():
            await gone.go_along(None)
        for running in self._actions.values():
            connector = self._connectors[f"{running.value.type}:{running.value.connector}"]
            await running.go_along(connector.link)

    async def _agree_on_sources(self, sources: list[Source]) -> None:
        before, self._sources = self._sources, {}
        for each in sources:
            old = before.get(each.id)
            if old is not None and not _differ(old.value, each):
                del before[each.id]
                old.value = each
                self._sources[each.id] = old
            else:
                self._sources[each.id] = RunningSource(each)
        for gone in before.values():
            await self._silence(gone)
        for running in self._sources.values():
            connector = self._connectors[f"{running.value.type}:{running.value.connector}"]
            if running.value.is_enabled and not running.is_on and connector.link is not None:
                running.is_on = True
                with suppress(TimeoutError):
                    async with asyncio.timeout(_ASKING_SECONDS):
                        await cast("MqttLink", connector.link).add_source(
                            running.value, partial(self._heard, running, connector.value)
                        )

    async def _silence(self, running: RunningSource) -> None:
        connector = self._connectors.get(f"{running.value.type}:{running.value.connector}")
        if running.is_on and connector is not None and connector.link is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_ASKING_SECONDS):
                    await cast("MqttLink", connector.link).remove_source(running.value.id)
        running.is_on = False

    async def _begin(self, value: Connector) -> RunningConnector:
        running = RunningConnector(value)
        if value.is_enabled:
            try:
                running.link = await self._opener.open(value, partial(self._told, running), self._source_told)
            except TlsError as error:
                running.broken = str(error)
        return running

    async def _end(self, running: RunningConnector) -> None:
        key = (running.value.type, running.value.name)
        for action in self._actions.values():
            if (action.value.type, action.value.connector) == key:
                await action.pause()
        for source in self._sources.values():
            if (source.value.type, source.value.connector) == key:
                source.is_on = False
        link, running.link = running.link, None
        if link is not None:
            await link.stop()
        self._tell(running.value, Health(Status.CONNECTED))

    async def _wait(self, running: RunningConnector, is_enough: Callable[[Health], bool]) -> None:
        seconds = parse_duration(running.value.resource.start_timeout)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while running.link is not None and not is_enough(running.health):
                    running.changed.clear()
                    await running.changed.wait()

    def _told(self, running: RunningConnector, health: Health) -> None:
        running.changed.set()
        self._tell(running.value, health)

    def _tell(self, connector: Connector, health: Health) -> None:
        for each in self.on_health:
            each(connector, health)

    def _source_told(self, source_id: str, health: Health) -> None:
        if source_id in self._sources:
            self._sources[source_id].health = health

    def _heard(self, running: RunningSource, connector: Connector, message: Publish) -> None:
        columns = columns_of(connector, message, self._now())
        trail = bridges.read_trail(columns["pub_props"])
        if bridges.leave(trail, self._opener.mark) is None:
            running.numbers.dropped("other")
            return
        running.numbers.received()
        self.happened(f"$bridges/{running.value.id}", columns, trail)

    def _running(self, value: Channel) -> RunningAction | RunningSource | None:
        return self._sources.get(value.id) if isinstance(value, Source) else self._actions.get(value.id)


def _present(action_id: str) -> str:
    """The id of an action that a rule names as 5.0 did."""
    return f"http:{action_id[8:]}" if action_id.startswith("webhook:") else action_id


async def _nobody(action_id: str) -> None:
    """Where there are no rules."""


def _all_of_them(tx: Transaction) -> tuple[list[Connector], list[Action], list[Source]]:
    return bridges.list_connectors(tx), bridges.list_actions(tx), bridges.list_sources(tx)


def _own_mark(tx: Transaction, now: datetime) -> str:
    """By which this broker knows messages that it sent out before; it stays the same."""
    content = broker.find_setting(tx, opening.SETTING)
    if content is None or not opening.read_mark(content):
        content = opening.new_mark()
        broker.save_setting(tx, opening.SETTING, content, now)
    return opening.read_mark(content)


def _differ(before: Any, after: Any) -> bool:
    """Whether something has to be begun anew."""
    return any(
        getattr(before, name, None) != getattr(after, name, None)
        for name in ("settings", "resource", "is_enabled", "connector")
    )
