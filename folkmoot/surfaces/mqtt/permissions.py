"""Permissions and bans of the broker as they are set while it runs: kept first, then in force.

What they mean is `domain.authorization`'s; this is where waiting for the database happens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
import structlog

from folkmoot.domain import authorization
from folkmoot.domain.authorization import Ban, Bans, Configuration, Entry, Flapping, HttpSource, RuleGate, Settings
from folkmoot.domain.broker import Client, Link, Session, Verdict, Wish
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.house import House
from folkmoot.surfaces.mqtt.asking import Servers, judge_outside, server_of
from folkmoot.surfaces.mqtt.stream import Stream

_SWEEP_SECONDS = 60.0
FLAPPING = "flapping detector"

_log = structlog.get_logger("mqtt.permissions")


class BanExists(Conflict):
    """Somebody is banned already."""

    def __init__(self, old: Ban) -> None:
        super().__init__("ban.duplicate", f"There is a ban for {old.kind} {old.who} already.")
        self.old = old


class Permissions:
    """The gate's configuration, the rules in our tables, and the bans. `load` before anybody connects."""

    def __init__(self, house: House, gate: RuleGate) -> None:
        self._house = house
        self.gate = gate
        self.bans = Bans()
        self._servers = Servers(house)
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Go by what was kept. What makes no sense is reported, and then nobody may do anything by default."""
        try:
            self.gate.configure(await self._house.broker_db.read(authorization.find_configuration))
        except (msgspec.DecodeError, Invalid):
            _log.exception("the configuration of permissions cannot be read; everything is denied")
            self.gate.configure(Configuration(Settings(no_match="deny"), ()))
        self.gate.stock.load(await self._house.broker_db.read(authorization.list_entries))
        for ban in await self._house.broker_db.read(authorization.list_bans):
            try:
                self.bans.add(ban)
            except Invalid:
                _log.exception("a ban cannot be read", kind=ban.kind, who=ban.who)

    def serve(self, stream: Stream) -> None:
        """Do it for this stream's broker from now on."""
        self._stream = stream
        broker = stream.broker
        self.gate.clock = stream.now
        self.gate.serve(broker)
        self._flapping = Flapping(broker.options)
        broker.is_banned = broker.delayed.is_banned = self.is_banned
        broker.happenings.disconnected.append(self._left)

    async def run(self) -> None:
        """Forget bans that are over, until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await self.sweep()

    async def sweep(self) -> None:
        """Forget bans that are over."""
        now = self._house.now()
        if self.bans.forget_ended(now):
            await self._house.broker_db.write(authorization.delete_ended_bans, now)

    # --- for connections ----------------------------------------------------------------------------------------------

    def require_free(self, client: Client) -> None:
        """Raises Banned for a client that may not connect."""
        self.bans.require_free(client, self._house.now())

    def is_banned(self, client_id: str, name: str | None) -> bool:
        """Whether what a client has left behind (its will, its delayed messages) is not to be published any more."""
        return self.bans.find(client_id, name, "", self._house.now()) is not None

    async def ask(self, client: Client, wish: Wish) -> Verdict:
        """The verdict on a wish for which somebody outside has to be asked."""
        return await judge_outside(self._servers, self.gate, client, wish)

    def _left(self, session: Session, link: Link, why: str, now: float) -> None:
        if not self._flapping.left(session.client_id, now):
            return
        began = self._house.now()
        old = self.bans.all.get(("clientid", session.client_id))
        if old is not None and (old.until is None or old.until > began):
            # Somebody has decided already.
            return
        until = began + timedelta(seconds=self._stream.broker.options.flapping_detect.ban_time)
        try:
            ban = authorization.make_ban("clientid", session.client_id, FLAPPING, "flapping is detected", began, until)
        except Invalid:
            return
        # In force at once: the client is likely to be back before the commit.
        self.bans.add(ban)
        self._stream.spawn(self._house.broker_db.write(authorization.save_ban, ban))

    # --- rules and sources --------------------------------------------------------------------------------------------

    async def configure(self, change: Callable[[Configuration], Configuration]) -> None:
        """Make another configuration of the present one. Raises what `change` raises, and Invalid for
        certificates that cannot be used."""
        async with self._changing:
            configuration = change(self.gate.configuration)
            for source in configuration.sources:
                if isinstance(source, HttpSource) and source not in self.gate.configuration.sources:
                    server_of(self._house, source).retire()
            await self._house.broker_db.write(authorization.save_configuration, configuration, self._house.now())
            self.gate.configure(configuration)

    async def add_entries(self, entries: Sequence[Entry]) -> None:
        """Rules for clients and users that have none. Raises Conflict when one of them has."""
        async with self._changing:
            authorization.require_new(entries, self.gate.stock.entries)
            await self._keep(entries)

    async def put_entry(self, entry: Entry) -> None:
        """Rules in the place of those there are. Raises NotFound when a client or user has none."""
        async with self._changing:
            if entry.kind != "all":
                self.get_entry(entry.kind, entry.name)
            await self._keep([entry])

    async def drop_entry(self, kind: str, name: str) -> None:
        """No rules for a client, user or all any more. Raises NotFound when a client or user has none."""
        async with self._changing:
            if kind != "all":
                self.get_entry(kind, name)
            await self._house.broker_db.write(authorization.delete_entry, kind, name)
            self.gate.stock.drop(kind, name)
            self.gate.changed()

    async def drop_entries(self) -> None:
        """No rules in our tables any more."""
        async with self._changing:
            await self._house.broker_db.write(authorization.delete_entries)
            self.gate.stock.load(())
            self.gate.changed()

    def get_entry(self, kind: str, name: str) -> Entry:
        """The rules of a client or user. Raises NotFound."""
        entry = self.gate.stock.entries.get((kind, name))
        if entry is None:
            raise NotFound("rules.unknown", f"There are no rules for this {kind}.")
        return entry

    async def _keep(self, entries: Sequence[Entry]) -> None:
        await self._house.broker_db.write(authorization.save_entries, entries, self._house.now())
        for entry in entries:
            self.gate.stock.put(entry)
        self.gate.changed()

    # --- bans ---------------------------------------------------------------------------------------------------------

    async def ban(self, ban: Ban) -> None:
        """Keep somebody out; a client that is named loses its connection and session at once. Raises BanExists."""
        async with self._changing:
            old = self.bans.all.get((ban.kind, ban.who))
            if old is not None and (old.until is None or old.until > self._house.now()):
                raise BanExists(old)
            await self._house.broker_db.write(authorization.save_ban, ban)
            self.bans.add(ban)
        if ban.kind == "clientid" and ban.holds(self._house.now()):
            self._stream.broker.kick(ban.who, self._stream.now())

    async def lift(self, kind: str, who: str) -> None:
        """End a ban. Raises NotFound."""
        async with self._changing:
            ban = self.bans.all.get((kind, who))
            if ban is None or (ban.until is not None and ban.until <= self._house.now()):
                raise NotFound("ban.unknown", f"{kind}: {who} not found")
            await self._house.broker_db.write(authorization.delete_ban, kind, who)
            self.bans.remove(kind, who)

    async def lift_all(self) -> None:
        """End all bans."""
        async with self._changing:
            await self._house.broker_db.write(authorization.delete_bans)
            self.bans.clear()
