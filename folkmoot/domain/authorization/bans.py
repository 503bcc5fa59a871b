"""Who may not connect to the broker, in memory: looked up at every CONNECT (contract §2.8).

A ban here is the broker's: it keeps a connection out and says nothing of what an account may do in the community. The
community's own bans and suspensions are elsewhere, hold on every surface, and are not listed here.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network

from folkmoot.domain.broker import Client
from folkmoot.errors import Forbidden, Invalid
from folkmoot.text.patterns import Pattern

from .model import Ban
from .rules import parse_address

KINDS = ("clientid", "username", "peerhost", "clientid_re", "username_re", "peerhost_net")
_LONGEST = 65_535


class Banned(Forbidden):
    """A client that may not connect."""

    def __init__(self) -> None:
        super().__init__("client.banned", "This client is banned.")


def make_ban(kind: str, who: str, by: str, reason: str, at: datetime, until: datetime | None) -> Ban:
    """A ban that makes sense. Raises Invalid."""
    if kind not in KINDS:
        raise Invalid("ban.kind", f"It is one of {', '.join(KINDS)}.", "as")
    if until is not None and until <= at:
        raise Invalid("ban.until", "It ends before it begins.", "until")
    return Ban(kind, name_of(kind, who), by, reason, at, until)


def name_of(kind: str, who: str) -> str:
    """Whom a ban is for, as it is kept: addresses and networks in one way of writing. Raises Invalid."""
    if not who or len(who) > _LONGEST or "\0" in who:
        raise Invalid("ban.who", "This is nobody's name.", "who")
    if kind == "peerhost":
        address = parse_address(who)
        if address is None:
            raise Invalid("ban.who", "This is no address.", "who")
        return str(address)
    if kind == "peerhost_net":
        return str(_network(who))
    if kind.endswith("_re"):
        read_pattern(who, "who")
    return who


def read_pattern(source: str, field: str) -> Pattern:
    """The pattern that was given there. Raises Invalid, with the field."""
    try:
        return Pattern(source)
    except Invalid as error:
        raise Invalid(error.code, error.message, field) from error


class Bans:
    """All bans, in the order they were made."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, str], Ban] = {}
        self._patterns: dict[tuple[str, str], Pattern] = {}
        self._networks: dict[tuple[str, str], IPv4Network | IPv6Network] = {}

    def load(self, bans: Iterable[Ban]) -> None:
        """These and no others."""
        self.clear()
        for ban in bans:
            self.add(ban)

    def add(self, ban: Ban) -> None:
        """Adds a ban, or takes it in the place of one for the same. Raises Invalid for a bad pattern or network."""
        key = (ban.kind, ban.who)
        if ban.kind.endswith("_re"):
            self._patterns[key] = Pattern(ban.who)
        elif ban.kind == "peerhost_net":
            self._networks[key] = _network(ban.who)
        self.all[key] = ban

    def remove(self, kind: str, who: str) -> None:
        """Forgets a ban, if there is one."""
        for table in (self.all, self._patterns, self._networks):
            table.pop((kind, who), None)

    def clear(self) -> None:
        """Forgets all."""
        self.all.clear()
        self._patterns.clear()
        self._networks.clear()

    def forget_ended(self, now: datetime) -> bool:
        """Forgets those that are over; whether there were any."""
        ended = [key for key, ban in self.all.items() if ban.until is not None and ban.until <= now]
        for key in ended:
            self.remove(*key)
        return bool(ended)

    def find(self, client_id: str, username: str | None, address: str, now: datetime) -> Ban | None:
        """The ban that keeps such a client out, None if none does; an empty address is none in particular."""
        if not self.all:
            return None
        parsed = parse_address(address) if address else None
        for key in (("clientid", client_id), ("username", username), ("peerhost", str(parsed) if parsed else None)):
            ban = self.all.get(key)  # type: ignore[arg-type]
            if ban is not None and ban.holds(now):
                return ban
        names = {"clientid_re": client_id, "username_re": username}
        for key, pattern in self._patterns.items():
            name = names[key[0]]
            if name is not None and self.all[key].holds(now) and pattern.found_in(name):
                return self.all[key]
        for key, network in self._networks.items():
            if parsed is not None and parsed in network and self.all[key].holds(now):
                return self.all[key]
        return None

    def require_free(self, client: Client, now: datetime) -> None:
        """Raises Banned when a ban keeps the client out."""
        if self.find(client.client_id, client.username, client.address, now) is not None:
            raise Banned


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise Invalid("ban.who", "This is no network such as 192.0.2.0/24.", "who") from error
