"""What an operator sets about permissions and bans, and how much was asked of a source."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct, field

from folkmoot.domain.broker import Pace
from folkmoot.text.acl import Rule, parse_rules

#: contract §2.12: the system's own topics and everybody's messages are for this machine and the user `dashboard`.
DEFAULT_RULES = """\
%% {allow | deny, WHO, publish | subscribe | all, [TOPIC, ...]}. The first rule that matches counts.

{allow, {username, "dashboard"}, subscribe, ["$SYS/#"]}.

{allow, {ipaddrs, ["127.0.0.1", "::1"]}, all, ["$SYS/#", "#"]}.

{deny, all, subscribe, ["$SYS/#", {eq, "#"}, {eq, "+/#"}]}.

{allow, all}.
"""

BUILT_IN = "built_in_database"


class CacheSettings(Struct, frozen=True):
    """How answers are remembered, for each client."""

    enable: bool = True
    max_size: int = 32
    ttl_seconds: float = 60.0
    excludes: tuple[str, ...] = ()
    """Filters of topics that are asked for every time."""


class Settings(Struct, frozen=True):
    """What holds whatever the sources are."""

    no_match: Literal["allow", "deny"] = "allow"
    deny_action: Literal["ignore", "disconnect"] = "ignore"
    cache: CacheSettings = CacheSettings()


class FileSource(Struct, frozen=True, tag="file", tag_field="type"):
    """Rules in the language of `text.acl`."""

    rules: str = DEFAULT_RULES
    enable: bool = True

    def parse(self) -> tuple[Rule, ...]:
        """Raises Invalid."""
        return parse_rules(self.rules)


class BuiltInSource(Struct, frozen=True, tag=BUILT_IN, tag_field="type"):
    """Rules in our own tables: for a client, for a user, for all."""

    enable: bool = True
    max_rules: int = 100
    """For each client or user."""


class HttpSource(Struct, frozen=True, tag="http", tag_field="type"):
    """A web server that is asked."""

    url: str
    method: Literal["get", "post"] = "post"
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}
    enable: bool = True
    request_timeout_seconds: float = 30.0
    connect_timeout_seconds: float = 15.0
    pool_size: int = 8
    enable_pipelining: int = 100
    ssl: dict[str, Any] = {}


Source = FileSource | BuiltInSource | HttpSource


def type_of(source: Source) -> str:
    """The name of a source: there is one of each type."""
    return str(source.__struct_config__.tag)


class Configuration(Struct, frozen=True):
    """All of it, as it is kept."""

    settings: Settings = Settings()
    sources: tuple[Source, ...] = (FileSource(),)


class Entry(Struct, frozen=True):
    """The rules of one client or user in our tables; `name` is empty in the entry for all."""

    kind: str
    """`client`, `user` or `all`."""
    name: str
    rules: tuple[dict[str, Any], ...]
    """As they were written (see `text.acl.read_item`)."""


class Ban(Struct, frozen=True):
    """Who may not connect."""

    kind: str
    """`clientid`, `username`, `peerhost`, `clientid_re`, `username_re` or `peerhost_net`."""
    who: str
    by: str
    reason: str
    at: datetime
    until: datetime | None
    """None: for ever."""

    def holds(self, now: datetime) -> bool:
        """Whether it is over yet or has not begun."""
        return self.at <= now and (self.until is None or now < self.until)


class Tally(Struct):
    """How often a source was asked, and what it said."""

    total: int = 0
    allow: int = 0
    deny: int = 0
    nomatch: int = 0
    ignore: int = 0
    failed: int = 0
    error: str = ""
    """What was wrong when it was last asked."""
    pace: Pace = field(default_factory=Pace)

    def note(self, answer: bool | None, now: float, *, ignored: bool = False, error: str = "") -> None:
        """It was asked; None is no match, `ignored` that it would not or could not say."""
        self.total += 1
        self.failed += bool(error)
        self.error = error
        if ignored:
            self.ignore += 1
        elif answer is None:
            self.nomatch += 1
        elif answer:
            self.allow += 1
        else:
            self.deny += 1
        self.pace.note(now)
