"""MQTT connections over TCP and WebSocket: sockets, time and waiting, for a broker that knows none of them.

All output of one turn of the loop is written at once. A client that does not read gets no more than `Limits.output_bytes`:
QoS 0 is dropped, QoS 1 and 2 stay in its queue. What a client means is decided in the broker, never here.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import cast

from folkmoot import errors
from folkmoot.domain.broker import (
    Broker,
    Client,
    Identity,
    Journal,
    Link,
    Message,
    Opening,
    Post,
    Question,
    Receipt,
    Refused,
    Verdict,
    Wish,
)
from folkmoot.surfaces.mqtt.questions import Ask, Authenticate, Converse, Exchange, Take
from folkmoot.surfaces.mqtt.reasons import OURS, POST_REFUSALS, REFUSALS, reason_of
from folkmoot.surfaces.mqtt.sockets import LINGER_SECONDS, Socket
from folkmoot.surfaces.mqtt.timing import Timer
from folkmoot.wire import mqtt
from folkmoot.wire.mqtt import Prop, Reason

log = logging.getLogger(__name__)

#: Up to so many links are written to as soon as their output is known.
AT_ONCE = 4
#: How often it is said that nothing can be kept.
_COMPLAINTS_SECONDS = 60.0
#: Wills on their way to the community.
POSTS_MAX = 1000


class Stream:
    """All MQTT connections of one broker; `start` it before listening, `stop` it at the end.

    `authenticate` raises Unauthenticated or Forbidden. Without `take` no topic is taken; without `journal` everything lives in
    memory only.
    """

    def __init__(
        self,
        broker: Broker,
        authenticate: Authenticate,
        take: Take | None = None,
        journal: Journal | None = None,
        ask: Ask | None = None,
        converse: Converse | None = None,
    ) -> None:
        self.broker = broker
        self._converse = converse
        self._ask = ask
        self._authenticate = authenticate
        self._take = take
        self._journal = journal
        self._tasks: set[asyncio.Future[object]] = set()
        self._committing: asyncio.Task[bool] | None = None
        self._failed = False
        """The last commit failed; the next one is tried with the next tick."""
        self._complained_at: float | None = None
        self._ended_at: dict[tuple[int | str, int | str | None], float] = {}
        """Accounts and authenticators, with one token or user of theirs or None for all, whose connections were ended lately."""
        self._stopping = False
        self.sockets: set[Socket] = set()
        self._all_closed = asyncio.Event()
        self._ledger = broker.ledger
        self._ledger.durable = journal is not None
        broker.wake = self._wake

    def start(self) -> None:
        """Begins to keep time; must be called on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self.offset = time.time() - self._loop.time()
        """What the loop's time lacks to be `now`."""
        self._lag = 0.0
        self._await_tick()
        self._timer = Timer(self.broker.agenda, self._loop, self.offset)

    async def stop(self) -> None:
        """Says DISCONNECT (0x8B) to everybody, commits, and returns when all is written; nobody listens any more by now."""
        self._stopping = True
        self._ticker.cancel()
        self._timer.cancel()
        with suppress(errors.Unavailable):
            await self.settled()
        self.broker.stop(self.now())
        self._flush_turn()
        with suppress(errors.Unavailable):
            await self.settled()
        deadline = self._loop.time() + LINGER_SECONDS
        while self._tasks and self._loop.time() < deadline:
            await asyncio.wait(self._tasks, timeout=deadline - self._loop.time())
        for task in self._tasks:
            task.cancel()
        if self.sockets:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_closed.wait(), 2 * LINGER_SECONDS)

    @property
    def is_stopping(self) -> bool:
        """Nobody is let in any more."""
        return self._stopping

    def closed(self, one: Socket) -> None:
        """A socket is gone."""
        self.sockets.discard(one)
        if self._stopping and not self.sockets:
            self._all_closed.set()

    def now(self) -> float:
        """The broker's clock: seconds since 1970, never jumping."""
        return self._time() + self.offset

    def end_sessions(self, account_id: int, token_id: int | None = None) -> int:
        """Ends every connection and session of an account, or of one of its tokens, at once; returns how many there were."""
        return self.broker.end_sessions(account_id, self._ends(account_id, token_id), token_id)

    def end_users(self, realm: str, user_id: str | None = None) -> int:
        """Ends every connection and session of those an authenticator knows, or of one of them, at once."""
        return self.broker.end_users(realm, self._ends(realm, user_id), user_id)

    def _ends(self, whose: int | str, part: int | str | None) -> float:
        now = self.now()
        self._ended_at = {each: at for each, at in self._ended_at.items() if now - at < 60}
        self._ended_at[whose, part] = now
        return now

    async def publish(self, message: Message, client: Client | None = None) -> int:
        """Publishes a message of our own, or of a client that is not connected.

        Returns the number of receivers, after the commit if anything of the message is kept.
        """
        noted = self._ledger.noted
        receivers = self.broker.publish(message, self.now(), client=client)
        if self._ledger.noted != noted:
            await self.settled()
        return receivers

    async def settled(self) -> None:
        """Returns when everything noted so far is committed. Raises Unavailable when a commit fails; it is tried again."""
        ticket = self._ledger.waits_for()
        while self._ledger.done < ticket:
            self._failed = False
            self._start_commit()
            commit = self._committing
            if commit is None:
                return
            await asyncio.wait([commit])
            if not commit.result():
                raise errors.Unavailable("store.failed", "The broker could not keep this; try again.")

    @property
    def lag_seconds(self) -> float:
        """How late everything is, by what was to happen last, or has still to happen."""
        return max(self._lag, self._loop.time() - self.tick_at)

    def _await_tick(self) -> None:
        self.tick_at = self._loop.time() + 1
        self._ticker = self._loop.call_at(self.tick_at, self._tick)

    def _tick(self) -> None:
        self._lag = self._loop.time() - self.tick_at
        self._await_tick()
        self.broker.tick(self.now())
        self._failed = False
        self._start_commit()

    # --- output -------------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self.broker.is_awake = True
        self._loop.call_soon(self._flush_turn)

    def feed(self, link: Link, data: bytes) -> None:
        """Gives a link what arrived. Few receivers are written to at once, which saves a turn; many, once per turn."""
        broker = self.broker
        now = self._time() + self.offset
        alone, broker.is_awake = not broker.is_awake, True
        try:
            link.feed(data, now)
        except Exception:
            log.exception("a packet could not be handled")
            link.end(Reason.IMPLEMENTATION_ERROR, now)
        if not alone:
            return
        dirty = broker.dirty
        if len(dirty) > AT_ONCE:
            self._loop.call_soon(self._flush_turn)
            return
        # What follows is `_flush_turn` with the time at hand.
        broker.dirty, broker.is_awake = [], False
        for one in dirty:
            one.flush(now)
        if self._ledger.unsaved or broker.posts or broker.wills:
            self._hand_over()

    def _flush_turn(self) -> None:
        broker, now = self.broker, self.now()
        dirty, broker.dirty, broker.is_awake = broker.dirty, [], False
        for link in dirty:
            link.flush(now)
        if self._ledger.unsaved or broker.posts or broker.wills:
            self._hand_over()

    def _hand_over(self) -> None:
        self._start_commit()
        self._hand_over_wills()

    def _hand_over_wills(self) -> None:
        wills, self.broker.wills = self.broker.wills, []
        for client, will in wills:
            if len(self._tasks) < POSTS_MAX:
                self.spawn(self._publish_asked_will(client, will))
        posts, self.broker.posts = self.broker.posts, []
        for identity, will in posts:
            if self._take is not None and len(self._tasks) < POSTS_MAX:
                self.spawn(self.post(identity, will.topic, will.payload, {}))

    def _start_commit(self) -> None:
        if self._journal is not None and self._ledger.unsaved and self._committing is None and not self._failed:
            self._committing = self._loop.create_task(self._commit(self._journal))

    async def _commit(self, journal: Journal) -> bool:
        # One commit at a time; what is noted meanwhile is the next one.
        ticket, changes = self._ledger.take()
        try:
            await journal.keep(changes)
        except Exception as error:
            self._complain(error)
            self._ledger.failed(ticket, changes, self.now())
            self._failed = True
        else:
            self._ledger.committed(ticket)
            if self._complained_at is not None:
                log.warning("the broker's changes are kept again")
                self._complained_at = None
        finally:
            self._committing = None
            if self._ledger.unsaved and not self.broker.is_awake:
                self._wake()
        return not self._failed

    def _complain(self, error: Exception) -> None:
        """Now and then: it is tried again every second, and the log may be on the same disk."""
        now = self._time()
        if self._complained_at is None or now - self._complained_at >= _COMPLAINTS_SECONDS:
            self._complained_at = now
            unknown = None if isinstance(error, errors.Unavailable) else error
            log.error("the broker's changes cannot be kept, and are not acknowledged: %s", error, exc_info=unknown)

    def spawn(self, work: Awaitable[object]) -> None:
        """Runs something to its end beside the connections."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- waiting ------------------------------------------------------------------------------------------------------

    async def attend(self, link: Link) -> None:
        """Gets the answers a link waits for, one after the other, until it waits no more."""
        while link.waiting is not None:
            waiting = link.waiting
            if isinstance(waiting, Post):
                message = waiting.message
                code = await self.post(
                    link.identity, message.topic, message.payload, waiting.properties, waiting.receipt
                )
                if link.version < mqtt.MQTT_5 and code in OURS:
                    # MQTT 3 cannot say that we failed; closing makes the client send it again.
                    link.end(None, self.now())
                link.taken(code, self.now())
            elif isinstance(waiting, Question):
                for at, verdict in enumerate(waiting.verdicts):
                    if verdict is Verdict.ASK:
                        waiting.verdicts[at] = await self._judge(link.client, waiting.wishes[at])
                link.judged(self.now())
            elif isinstance(waiting, Opening):
                await self._open(link)
            else:
                await self._admit(link, waiting)

    async def _admit(self, link: Link, packet: mqtt.Connect | mqtt.Auth) -> None:
        began = self.now()
        try:
            identity = await self._identify(link, packet)
            if identity is None:
                return
        except Exception as error:
            self.broker.count["authentication.failure"] += 1
            link.refuse(reason_of(error, REFUSALS), self.now())
            return
        self.broker.count["authentication.success"] += 1
        if self._stopping:
            link.refuse(Reason.SERVER_UNAVAILABLE, self.now())
        elif self._has_ended_since(began, identity):
            link.refuse(Reason.NOT_AUTHORIZED, self.now())
        else:
            link.accept(identity, self.now())

    async def _open(self, link: Link) -> None:
        began = self.now()
        try:
            await self.settled()
        except errors.Unavailable:
            link.refuse(Reason.SERVER_UNAVAILABLE, self.now())
            return
        if self._has_ended_since(began, link.identity):
            link.refuse(Reason.NOT_AUTHORIZED, self.now())
        else:
            link.opened(self.now())

    async def _identify(self, link: Link, packet: mqtt.Connect | mqtt.Auth) -> Identity | None:
        """Whose connection it is; None when the client has to say more before that is known."""
        negotiation = link.negotiation
        if negotiation is None:
            return await self._authenticate(link.client, cast("mqtt.Connect", packet))
        if negotiation.exchange is None:
            if self._converse is None:
                raise Refused(Reason.BAD_AUTHENTICATION_METHOD)
            negotiation.exchange = self._converse(link.client, negotiation.method)
        data = cast("bytes", packet.properties.get(Prop.AUTH_DATA, b""))
        exchange: Exchange = negotiation.exchange
        answer, identity = await exchange.answer(data)
        if identity is None:
            link.challenge(answer, self.now())
        else:
            negotiation.exchange, negotiation.data = None, answer
        return identity

    async def _judge(self, client: Client, wish: Wish) -> Verdict:
        """What somebody outside says to a wish; no when there is nobody to ask."""
        verdict = Verdict.DENY
        try:
            if self._ask is not None:
                verdict = await self._ask(client, wish)
        except Exception:
            log.exception("a wish could not be judged")
        self.broker.count_verdict(verdict)
        return verdict

    async def _publish_asked_will(self, client: Client, will: Message) -> None:
        if await self._judge(client, Wish("publish", will.topic, will.qos, will.retain)) is not Verdict.DENY:
            self.broker.publish_will(client, will, self.now())

    def _has_ended_since(self, began: float, identity: Identity) -> bool:
        whose: int | str = identity.realm if identity.account_id is None else identity.account_id
        part = identity.user_id if identity.account_id is None else identity.token_id
        return any(self._ended_at.get((whose, each), 0.0) >= began for each in {None, part})

    async def post(
        self,
        identity: Identity,
        topic: str,
        payload: bytes,
        properties: mqtt.Properties,
        receipt: Receipt | None = None,
    ) -> int:
        """Hands to the community what is published on a topic it takes; the answer is a reason code of PUBACK."""
        if self._take is None:
            return Reason.IMPLEMENTATION_ERROR
        try:
            return await self._take(identity, topic, payload, properties, receipt)
        except Exception as error:
            return reason_of(error, POST_REFUSALS)
