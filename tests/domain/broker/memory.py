"""What a broker must remember, as simply as it can be said: the model its ledger is held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field

from folkmoot.domain.broker import matches


@dataclass
class Said:
    """One message. `expires_at` 0 is never."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    expires_at: float = 0.0

    def lives(self, now: float) -> bool:
        return not 0 < self.expires_at <= now


@dataclass
class Will:
    said: Said
    delay: int


@dataclass
class Session:
    """Of one client; without an expiry it is gone with its connection, and after a kill there is only its will."""

    expiry: int
    connected: bool = True
    expires_at: float | None = None
    will: Will | None = None
    will_at: float | None = None
    filters: dict[str, int] = field(default_factory=dict)
    owed: list[tuple[Said, int]] = field(default_factory=list)
    """Messages of QoS 1 and 2 the client has not said to have, in their order, each with its quality."""
    received: set[int] = field(default_factory=set)


class Memory:
    """All of it. Time is told, never looked up."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self.retained: dict[str, Said] = {}
        self.delayed: list[tuple[float, Said]] = []
        self.kept: set[bytes] = set()
        """What may be acknowledged only when it is on the disk."""
        self.times: Counter[tuple[str, bytes]] = Counter()
        """How often a client has been owed a payload at QoS 2."""

    def copy(self) -> Memory:
        return deepcopy(self)

    def after_kill(self, now: float) -> Memory:
        """What a new life begins with, if this was committed."""
        after = self.copy()
        for name, session in list(after.sessions.items()):
            if not session.expiry:
                if session.will is None:
                    del after.sessions[name]
                    continue
                session.filters, session.owed, session.received = {}, [], set()
            if session.connected:
                after._part(session, now)
        return after

    # --- clients ------------------------------------------------------------------------------------------------------

    def make_way(self, name: str, clean: bool, now: float) -> None:
        """A client knocks: an old connection of that name is over, and so is an old session that is not wanted."""
        session = self.sessions.get(name)
        if session is not None and session.connected:
            old, session.will = session.will, None
            if old is not None and (clean or not old.delay):
                self.publish(old.said, now)
        elif session is not None:
            self._age(name, now)
        if clean:
            self._end(name, now)

    def connect(self, name: str, expiry: int, will: Will | None) -> bool:
        """The client is in; whether its session was there."""
        present = name in self.sessions
        session = self.sessions.setdefault(name, Session(expiry))
        session.expiry, session.connected, session.will = expiry, True, will
        session.expires_at = session.will_at = None
        return present

    def leave(self, name: str, now: float, expiry: int | None, with_will: bool) -> None:
        """The client says that it goes."""
        session = self.sessions[name]
        session.expiry = session.expiry if expiry is None else expiry
        session.will = session.will if with_will else None
        self.lose(name, now)

    def lose(self, name: str, now: float) -> None:
        """The connection is over."""
        session = self.sessions[name]
        if not session.expiry:
            self._end(name, now)
            return
        self._part(session, now)
        if session.will is not None and not session.will.delay:
            self._speak(session, now)

    def subscribe(self, name: str, topic_filter: str, qos: int, with_retained: bool, now: float) -> None:
        self.sessions[name].filters[topic_filter] = qos
        for topic, said in self.retained.items():
            if with_retained and said.lives(now) and matches(topic_filter, topic):
                self._owe(name, said, qos)

    def unsubscribe(self, name: str, topic_filter: str) -> None:
        self.sessions[name].filters.pop(topic_filter, None)

    def send(self, name: str, packet_id: int, said: Said, due_at: float | None, now: float) -> None:
        """A client publishes; what came at QoS 2 and is not released has been published."""
        received = self.sessions[name].received
        if said.qos == 2 and packet_id in received:
            return
        if said.qos == 2:
            received.add(packet_id)
        if due_at is None:
            self.publish(said, now)
        else:
            self.kept.add(said.payload)
            self.delayed.append((due_at, said))

    def heard(self, name: str, payload: bytes, qos: int) -> None:
        """The client has a message: PUBACK or PUBREC."""
        owed = self.sessions[name].owed
        for at, (said, at_qos) in enumerate(owed):
            if said.payload == payload and at_qos == qos:
                del owed[at]
                return

    # --- the broker ---------------------------------------------------------------------------------------------------

    def publish(self, said: Said, now: float) -> None:
        if said.retain:
            self.kept.add(said.payload)
            self.retained[said.topic] = said
            if not said.payload:
                del self.retained[said.topic]
        for name, session in self.sessions.items():
            for topic_filter, qos in session.filters.items():
                if matches(topic_filter, said.topic):
                    self._owe(name, said, qos)

    def tick(self, now: float, offline: Iterable[str]) -> None:
        """Time has passed; those without a connection have their turn in the order given."""
        for name in offline:
            self._age(name, now)
        for due_at, said in sorted(self.delayed, key=lambda each: each[0]):
            if due_at <= now and said.lives(now):
                self.publish(said, now)
        self.delayed = [each for each in self.delayed if each[0] > now]

    def _age(self, name: str, now: float) -> None:
        session = self.sessions[name]
        if session.expires_at is not None and session.expires_at <= now:
            self._end(name, now)
        elif session.will_at is not None and session.will_at <= now:
            self._speak(session, now)

    def _part(self, session: Session, now: float) -> None:
        session.connected, session.expires_at = False, now + session.expiry
        session.will_at = None if session.will is None else now + session.will.delay

    def _end(self, name: str, now: float) -> None:
        session = self.sessions.pop(name, None)
        if session is not None:
            self._speak(session, now)

    def _speak(self, session: Session, now: float) -> None:
        will, session.will, session.will_at = session.will, None, None
        if will is not None:
            self.publish(will.said, now)

    def _owe(self, name: str, said: Said, most: int) -> None:
        session, qos = self.sessions[name], min(said.qos, most)
        if not qos:
            return
        session.owed.append((said, qos))
        self.times[name, said.payload] += qos == 2
        if session.expiry:
            self.kept.add(said.payload)
