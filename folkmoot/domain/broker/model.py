"""The broker's values: who a client is, what it may do, a message, its way to one receiver, and the limits.

An MQTT message is not a conversation message and an MQTT subscription is not a space subscription.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import count
from typing import Any, NamedTuple, Protocol

from msgspec import Struct, field

from folkmoot.wire import mqtt

#: Session expiry that never comes (MQTT 5 §3.1.2.11.2).
FOREVER = 0xFFFFFFFF

_numbers = count(1)


class Identity(Struct, frozen=True):
    """Whose connection it is. `account_id` and `name` are None for a client nobody knows."""

    account_id: int | None = None
    name: str | None = None
    token_id: int | None = None
    """The token it came with, if it did not come with the account's password."""
    realm: str = ""
    """The authenticator that knows it, if it is nobody's account; `user_id` is what it is called there."""
    user_id: str | None = None

    @property
    def owner(self) -> tuple[object, ...]:
        """Whose sessions are its own."""
        return (self.account_id,) if self.account_id is not None else (self.realm, self.user_id or self.name)


class Client(Struct):
    """Who publishes or subscribes: all that a rule about it may look at. Lives as long as the session."""

    identity: Identity = Identity()
    client_id: str = ""
    username: str | None = None
    """What it gave in CONNECT, or what its certificate says; None for a client nobody knows."""
    address: str = ""
    port: int = 0
    is_direct: bool = True
    """Nobody stands between who speaks for others: no proxy, no page of somebody else in a browser."""
    version: int = mqtt.MQTT_5
    listener: str = ""
    zone: str = "default"
    mountpoint: str = ""
    """Goes before every topic it uses, and never reaches it; as long as nobody knows who it is, with its placeholders."""
    enable_authn: bool | str = True
    """Whether its listener asks who it is; `quick_deny_anonymous`: nobody without a name is even looked at."""
    attrs: dict[str, str] = field(default_factory=dict)
    common_name: str | None = None
    """Of its certificate, as is `subject`."""
    subject: str | None = None
    sockname: str = ""
    """Which of our addresses it came to, while it is connected."""
    certificate: bytes = b""
    """Itself (DER), if it has shown one."""
    is_superuser: bool = False
    """May do everything that is not the community's to allow."""
    expires_at: float = 0.0
    """When it has to come again; 0 for never."""
    rules: Any = None
    """Rules of its own, which came with its credential (`text.acl.read_claim`); the gate's to read."""
    cache: Any = None
    """What the gate remembers of it."""


#: What of a client outlives its connection and a restart; not what its credential allowed it.
KEPT_OF_CLIENT = (
    "username", "address", "port", "version", "listener", "zone", "mountpoint", "attrs", "common_name", "subject",
    "is_superuser",
)  # fmt: skip


class Verdict(IntEnum):
    """What the gate says to a wish."""

    DENY = 0
    ALLOW = 1
    """Whatever is published to the topic; the answer may be remembered."""
    ALLOW_ONCE = 2
    """What was asked for, but with another quality or retain flag the answer may differ."""
    ASK = 3
    """Somebody outside has to be asked first: the link waits with a `Question`."""


class Wish(NamedTuple):
    """What a client wants to do; `topic` is a filter when it subscribes."""

    action: str
    """`publish` or `subscribe`."""
    topic: str
    qos: int = 0
    retain: bool = False


class Gate(Protocol):
    """Who may do what. The broker keeps what may be remembered until `Broker.forget_routes` is called."""

    def judge(self, client: Client, wish: Wish) -> Verdict:
        """Whether the client may publish to the topic or subscribe to the filter."""
        ...

    def may_receive(self, identity: Identity, topic: str) -> bool:
        """Whether a message on the topic may reach the client, whatever filter it matched."""
        ...

    def takes(self, topic: str) -> bool:
        """Whether the community takes what is published there, so that it is not routed."""
        ...


class OpenGate:
    """Lets everybody do everything and takes nothing."""

    def judge(self, client: Client, wish: Wish) -> Verdict:
        """Always."""
        return Verdict.ALLOW

    def may_receive(self, identity: Identity, topic: str) -> bool:
        """Always."""
        return True

    def takes(self, topic: str) -> bool:
        """Never."""
        return False


class Message(Struct, gc=False):
    """One published message. `fields` are the forwarded MQTT 5 properties in wire form, without expiry.

    `published_at` and `expires_at` are the broker's clock in seconds since 1970; `expires_at` 0 means never.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    fields: bytes = b""
    expires_at: float = 0.0
    published_at: float = 0.0
    from_client: str = ""
    from_name: str | None = None
    trail: tuple[str, ...] = ()
    """The rules that made it, or what it was made of, oldest first."""
    number: int = field(default_factory=_numbers.__next__)


class Delivery(Struct):
    """A message on its way to every receiver that gets it in the same form; encoded once per protocol version."""

    message: Message
    qos: int
    retain: bool = False
    identifiers: tuple[int, ...] = ()
    share: tuple[str, str] | None = None
    """The group and filter of the shared subscription it was sent for."""
    place: int = 0
    """Its number in the ledger, if it is on its way to a session that is kept; then nobody shares it."""
    _parts3: tuple[bytes, bytes] | None = None
    _parts5: tuple[bytes, bytes] | None = None

    def parts(self, version: int, now: float) -> tuple[bytes, bytes]:
        """The bytes before and after the packet identifier."""
        if version != mqtt.MQTT_5:
            if self._parts3 is None:
                self._parts3 = self._encode(version, b"")
            return self._parts3
        if self.message.expires_at:
            return self._encode(version, self.fields(now))
        if self._parts5 is None:
            self._parts5 = self._encode(version, self.fields(now))
        return self._parts5

    def fields(self, now: float) -> bytes:
        """Its MQTT 5 properties in wire form."""
        message = self.message
        fields = message.fields
        if message.expires_at:
            # [MQTT-3.3.2-6]
            left = max(0, round(message.expires_at - now))
            fields += mqtt.encode_fields({mqtt.Prop.MESSAGE_EXPIRY: left})
        if self.identifiers:
            fields += mqtt.encode_fields({mqtt.Prop.SUBSCRIPTION_ID: list(self.identifiers)})
        return fields

    def _encode(self, version: int, fields: bytes) -> tuple[bytes, bytes]:
        message = self.message
        return mqtt.publish_parts(message.topic.encode(), message.payload, self.qos, self.retain, version, fields)


#: What is kept of something, by the names of its columns.
Row = dict[str, Any]


class Changes(Struct):
    """The rows that differ from the database, as they are to be; None (or False) for those that are to go.

    Retained messages by topic; sessions, their wills and whose those are by the session's number; filters by session and filter;
    messages, deliveries and delayed messages by their numbers; received QoS 2 messages by session and packet identifier.
    """

    retained: dict[str, Message | None] = field(default_factory=dict)
    sessions: dict[int, Row | None] = field(default_factory=dict)
    wills: dict[int, Row | None] = field(default_factory=dict)
    clients: dict[int, Row | None] = field(default_factory=dict)
    filters: dict[tuple[int, str], Row | None] = field(default_factory=dict)
    messages: dict[int, Message | None] = field(default_factory=dict)
    deliveries: dict[int, Row | None] = field(default_factory=dict)
    received: dict[tuple[int, int], bool] = field(default_factory=dict)
    delayed: dict[int, Postponed | None] = field(default_factory=dict)

    def under(self, later: Changes) -> Changes:
        """Both as one group; of two states of a row the later one counts."""
        return Changes(*[{**getattr(self, name), **getattr(later, name)} for name in self.__struct_fields__])


class Postponed(Struct):
    """A message that is published later (contract §3.4, `$delayed`). Its topic is already the one it is published to."""

    number: int
    message: Message
    due_at: float
    interval: float
    """How many seconds it was to wait from the beginning."""
    account_id: int | None = None
    """Whose client sent it."""

    @property
    def id(self) -> str:
        """What it is called in the API; the same after a restart."""
        return f"{round(self.message.published_at * 1_000_000):016X}{self.number:016X}"


class Kept(Struct):
    """What the ledger must know of what the last run kept."""

    last: int = 0
    """The highest number in use."""
    messages: dict[int, list[int]] = field(default_factory=dict)
    """Number of a message → its row, and how many deliveries need it."""
    idle: list[int] = field(default_factory=list)
    """Messages no delivery needs."""
    owed: dict[int, list[str]] = field(default_factory=dict)
    """Number of a session → its subscriptions that have still to get retained messages."""


class Damaged(Struct, frozen=True):
    """A row that makes no sense: where it is, what it says, and what is wrong with it."""

    table: str
    row: tuple[Any, ...]
    reason: str


class Alarm(Struct, frozen=True):
    """Something that is, or was, wrong; times are seconds since 1970."""

    name: str
    message: str
    details: dict[str, Any]
    activated_at: float
    deactivated_at: float | None = None


class Journal(Protocol):
    """Where the broker's memory is made durable."""

    async def keep(self, changes: Changes) -> None:
        """Returns when all changes are committed; raises when none are."""
        ...


class Receipt(NamedTuple):
    """What a QoS 2 message of a client is known by until it is released; `is_repeated` when it says it was sent before."""

    client_id: str
    packet_id: int
    is_repeated: bool


class Post(Struct):
    """A message the community takes instead of subscribers; the stream asks it and then calls `Link.taken`."""

    message: Message
    packet_id: int
    properties: mqtt.Properties
    receipt: Receipt | None = None


class Opening(NamedTuple):
    """A session that takes the place of one that was kept: the stream waits for the commit and then calls `Link.opened`."""

    packet: mqtt.Connect
    answer: mqtt.Connack


class Question(Struct):
    """A packet with wishes somebody outside has to judge: the stream replaces the verdicts ASK and calls `Link.judged`."""

    packet: mqtt.Publish | mqtt.Subscribe
    wishes: list[Wish]
    verdicts: list[Verdict]
    message: Message | None = None
    """What is published if it may be, and what the ledger had noted before the packet came."""
    noted: int = 0


class Refused(Exception):
    """The broker ends a connection or refuses a request; `reason` goes to the client."""

    def __init__(self, reason: mqtt.Reason, message: str = "") -> None:
        super().__init__(message or reason.name)
        self.reason = reason
