"""The chain of authenticators (contract §2.11): asks them in order about every client, and changes them while the broker runs.

Theory. The first that says yes or no decides. Behind those an operator has set stands one that is always there: the
community's accounts. Only it makes a client an account; whatever name another authenticator knows somebody by, that one has
nobody's rights in the spaces. When nobody has anything to say, a client is refused as soon as any authenticator is set and
enabled, or when it has given a name; else `mqtt.anonymous` decides. What is set is kept before it is in force.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import structlog

from folkmoot.domain import authentication
from folkmoot.domain.authentication import (
    AnyConfig,
    BuiltInConfig,
    Grant,
    HttpConfig,
    ScramConfig,
    Tally,
    moved,
    ordered,
    read_config,
)
from folkmoot.domain.broker import Broker, Client, Identity, Refused, find_setting, save_setting
from folkmoot.errors import Conflict, FolkmootError, Forbidden, Invalid, NotFound, Unauthenticated
from folkmoot.house import House
from folkmoot.store import Transaction
from folkmoot.surfaces.mqtt.auth.accounts import identify_account
from folkmoot.surfaces.mqtt.auth.authenticator import Authenticator
from folkmoot.surfaces.mqtt.auth.built_in import BuiltIn, ScramExchange, ScramUsers
from folkmoot.surfaces.mqtt.auth.http import Http
from folkmoot.surfaces.mqtt.auth.jwt import Jwt
from folkmoot.surfaces.mqtt.auth.users import Users, kind_of
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Reason

SETTING = "authentication"

_log = structlog.get_logger("mqtt.authentication")


class Authentication:
    """See above; `load` before anybody connects."""

    def __init__(self, house: House, broker: Broker, require_free: Callable[[Client], None]) -> None:
        """`require_free` raises for a client that is banned."""
        self._house = house
        self._broker = broker
        self._require_free = require_free
        self._changing = asyncio.Lock()
        self._is_damaged = False
        self.authenticators: list[Authenticator] = []
        self.users = Users(house)

    async def load(self) -> None:
        """Go by what was kept. What makes no sense is reported, and then nobody comes in unasked."""
        content = await self._house.broker_db.read(find_setting, SETTING)
        try:
            documents: list[Any] = json.loads(content or "[]")
        except ValueError:
            documents = [None]
        for document in documents:
            try:
                self.authenticators.append(self._make(read_config(document), Tally()))
            except (Invalid, TypeError, AttributeError):
                self._is_damaged = True
                _log.exception("an authenticator cannot be read; nobody comes in unasked")
        for each in self.authenticators:
            try:
                await self.users.bootstrap(each.config)
            except FolkmootError as error:
                _log.error("the users to begin with cannot be read", id=each.config.id, reason=error.message)

    # --- for connections ----------------------------------------------------------------------------------------------

    async def admit(self, client: Client, packet: mqtt.Connect) -> Identity:
        """Whose connection it is; completes the client. Raises Unauthenticated, Forbidden, RateLimited."""
        self._broker.count["client.authenticate"] += 1
        try:
            identity = await self._identify(client, packet)
        except (Unauthenticated, Forbidden) as error:
            word = "bad_username_or_password" if isinstance(error, Unauthenticated) else "not_authorized"
            self._tell(client, word)
            raise
        if not identity.name:
            self._broker.count["client.auth.anonymous"] += 1
            self._broker.count["authentication.success.anonymous"] += 1
        self._tell(client, "success")
        return identity

    async def _identify(self, client: Client, packet: mqtt.Connect) -> Identity:
        if client.enable_authn is False:
            return Identity(name=client.username or None)
        if client.enable_authn == "quick_deny_anonymous" and not client.username:
            raise Forbidden("authentication.anonymous", "A user name is needed here.")
        enabled = [each for each in self.authenticators if each.config.enable]
        for each in enabled:
            grant = await self._ask(each, client, packet.password)
            if grant is not None:
                _apply(grant, client)
                name = client.username or None
                return Identity(name=name, realm=each.config.id, user_id=grant.user_id or name)
        if client.username:
            return await self._account(client.username, packet.password, bool(enabled))
        # Who comes by way of somebody on this machine is not on this machine.
        address = client.address if client.is_direct else ""
        if enabled or self._is_damaged or not self._house.config.mqtt.admits_anonymous(address):
            raise Forbidden("account.required", "A user name and a password are needed.")
        return Identity()

    async def _account(self, name: str, password: bytes | None, others: bool) -> Identity:
        try:
            return await identify_account(self._house, name, password)
        except Unauthenticated as error:
            if others and error.code == "account.unknown":
                # Nobody knows it.
                raise Forbidden("authentication.unknown", "Nobody knows this client.") from error
            raise

    async def _ask(self, authenticator: Authenticator, client: Client, password: bytes | None) -> Grant | None:
        tally = authenticator.tally
        try:
            grant = await authenticator.ask(client, password)
        except (Unauthenticated, Forbidden):
            tally.note("failed", self._now())
            raise
        tally.note("nomatch" if grant is None else "success", self._now())
        return grant

    def converse(self, client: Client, method: str) -> ScramExchange:
        """Begins an enhanced authentication. Raises Refused for a method nobody here knows, and for the banned."""
        self._require_free(client)
        self._broker.count["client.authenticate"] += 1
        for each in self.authenticators:
            if isinstance(each, ScramUsers) and each.config.enable and each.config.method == method:
                return each.converse(client, self._settled)
        self._tell(client, "bad_authentication_method")
        raise Refused(Reason.BAD_AUTHENTICATION_METHOD)

    def _settled(self, client: Client, users: ScramUsers, grant: Grant | None) -> None:
        if grant is None:
            users.tally.note("failed", self._now())
            self._tell(client, "bad_username_or_password")
            return
        # What it is called is known only now.
        self._require_free(client)
        users.tally.note("success", self._now())
        _apply(grant, client)
        self._tell(client, "success")

    def _tell(self, client: Client, word: str) -> None:
        happenings = self._broker.happenings
        happenings.tell(happenings.authenticated, client, word, self._now())

    def _now(self) -> float:
        return self._house.now().timestamp()

    # --- for the management API ---------------------------------------------------------------------------------------

    def get(self, authenticator_id: str) -> Authenticator:
        """The authenticator of this id. Raises NotFound."""
        for each in self.authenticators:
            if each.config.id == authenticator_id:
                return each
        raise NotFound("authenticator.unknown", f"There is no authenticator {authenticator_id}.")

    async def create(self, document: dict[str, Any]) -> Authenticator:
        """Set a new one, to be asked after the others. Raises Invalid, Conflict when there is one of its id."""
        config = read_config(document)
        async with self._changing:
            if any(each.config.id == config.id for each in self.authenticators):
                raise Conflict("authenticator.exists", f"There is an authenticator {config.id} already.")
            made = self._make(config, Tally())
            await self.users.bootstrap(config)
            await self._keep([*self.authenticators, made])
        return made

    async def change(self, authenticator_id: str, document: dict[str, Any]) -> Authenticator:
        """Set one to something else; hidden secrets stay what they are. Raises Invalid, also for another id, and NotFound."""
        async with self._changing:
            before = self.get(authenticator_id)
            config = read_config(authentication.restore(document, document_of(before.config)))
            if config.id != authenticator_id:
                raise Invalid("authentication.config", "an authenticator stays what it is", "mechanism")
            made = self._make(config, before.tally)
            await self.users.bootstrap(config)
            await self._keep([made if each is before else each for each in self.authenticators])
        return made

    async def delete(self, authenticator_id: str) -> None:
        """Forget one, and its users; whoever came in by it has no connection any more. Raises NotFound."""
        async with self._changing:
            gone = self.get(authenticator_id)
            kind = kind_of(gone.config)
            await self._keep([each for each in self.authenticators if each is not gone], kind)
            self.users.ended(authenticator_id, None)

    async def move(self, authenticator_id: str, position: str) -> None:
        """Ask one earlier or later: `front`, `rear`, `before:ID`, `after:ID`. Raises Invalid, NotFound."""
        async with self._changing:
            self.get(authenticator_id)
            await self._arrange(moved(self._ids(), authenticator_id, position))

    async def order(self, ids: Sequence[str]) -> None:
        """Ask them in this order, in which each is named once. Raises Invalid."""
        async with self._changing:
            await self._arrange(ordered(self._ids(), ids))

    def _ids(self) -> list[str]:
        return [each.config.id for each in self.authenticators]

    async def _arrange(self, ids: Sequence[str]) -> None:
        await self._keep([self.get(each) for each in ids])

    async def _keep(self, wanted: list[Authenticator], without: authentication.Kind | None = None) -> None:
        content = msgspec.json.encode([document_of(each.config) for each in wanted]).decode()
        await self._house.broker_db.write(_save, content, without, self._house.now())
        gone = [each for each in self.authenticators if each not in wanted]
        self.authenticators, self._is_damaged = wanted, False
        for each in gone:
            if isinstance(each, Http):
                each.retire()

    def _make(self, config: AnyConfig, tally: Tally) -> Authenticator:
        if isinstance(config, BuiltInConfig):
            return BuiltIn(self._house, config, tally)
        if isinstance(config, ScramConfig):
            return ScramUsers(self._house, config, tally)
        if isinstance(config, HttpConfig):
            return Http(self._house, config, tally)
        return Jwt(self._house, config, tally)


def document_of(config: AnyConfig) -> dict[str, Any]:
    """A configuration as it is written, secrets included."""
    found: dict[str, Any] = msgspec.to_builtins(config)
    return found


def _save(tx: Transaction, content: str, without: authentication.Kind | None, now: Any) -> None:
    save_setting(tx, SETTING, content, now)
    if without is not None:
        authentication.delete_users(tx, without)


def _apply(grant: Grant, client: Client) -> None:
    client.is_superuser = grant.is_superuser
    client.attrs = client.attrs | grant.attrs
    client.expires_at = grant.expires_at
    client.rules = grant.rules
    client.cache = None
