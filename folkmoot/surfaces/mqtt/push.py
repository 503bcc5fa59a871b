"""What crosses between the community and its topics: messages out to `spaces/<name>/messages`, posts in.

A reader of the event log with a cursor of its own, so that nothing said while the server was down is left out.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec
import structlog

from folkmoot.domain import accounts, authorization, conversations, spaces
from folkmoot.domain.authorization import CommunityLaw
from folkmoot.domain.broker import Identity, Message, Receipt, is_new_post
from folkmoot.domain.conversations import MessageView
from folkmoot.domain.spaces import ListFace
from folkmoot.errors import Invalid, NotFound, Unauthenticated
from folkmoot.events import (
    AccountSuspended,
    AdministratorsChanged,
    Event,
    MessageEdited,
    MessagePosted,
    MessageRemoved,
    ModeratorsChanged,
    PasswordChanged,
    Recorded,
    SpaceCreated,
    SpaceDeleted,
    SpaceEdited,
    SpaceGiven,
    SubscriptionEnded,
    SubscriptionStarted,
    TokenRevoked,
)
from folkmoot.house import House
from folkmoot.store import Reader, Transaction, log
from folkmoot.surfaces.mqtt.auth import CLIENTS
from folkmoot.surfaces.mqtt.stream import Stream

READER = "mqtt"

_GATHER_SECONDS = 0.02
#: Posts of rules whose trail is remembered.
_TRAILS_MAX = 1000
_CHANGES_RIGHTS = (
    *(SpaceCreated, SpaceEdited, SpaceDeleted, SpaceGiven, ModeratorsChanged, AdministratorsChanged),
    *(SubscriptionStarted, SubscriptionEnded),
)

_logger = structlog.get_logger("mqtt")


class LiveMessage(msgspec.Struct, frozen=True):
    """What is published for everything that is said (design §7)."""

    event: str
    id: int
    thread_id: int
    parent_id: int | None
    space: str
    author: str
    title: str
    body: str
    message_id: str
    url: str
    created_at: str
    origin: str


class PostRequest(msgspec.Struct, frozen=True):
    """What may be published to `spaces/<name>/post`; `in_reply_to` is a message's id or its Message-ID."""

    title: str = ""
    body: str = ""
    in_reply_to: int | str | None = None


class Push:
    """Keeps the topics of the spaces, and who may see them, as the community has them."""

    def __init__(self, house: House, stream: Stream, gate: CommunityLaw) -> None:
        self._house = house
        self._stream = stream
        self.gate = gate
        self._reader = Reader(house.db, READER, gather_seconds=_GATHER_SECONDS)
        self._learned = 0
        self._missed: list[Recorded] = []
        self._trails: dict[int, tuple[str, ...]] = {}
        """Posts that rules have made, the newest → the rules they came through."""

    async def start(self) -> None:
        """Learn who may see what; before clients connect."""
        self._house.announcements.listen(self._reader.notice)
        self._house.announcements.listen(self._end_sessions)
        await self._look_back()
        for session in self._stream.broker.sessions.values():
            await self.admit(session.identity)
        await self.learn()

    async def _look_back(self) -> None:
        last = await self._house.db.read(log.cursor, READER)
        while batch := await self._house.db.read(log.after, last):
            last = batch[-1].id
            self._missed += [recorded for recorded in batch if _shut_out(recorded.event) is not None]

    def end_missed(self) -> None:
        """End the sessions of those who were shut out while nobody was here to do so; when the stream has started."""
        for recorded in self._missed:
            account_id, token_id = _shut_out(recorded.event) or (0, None)
            before = recorded.recorded_at.timestamp()
            self._stream.broker.end_sessions(account_id, self._stream.now(), token_id, before=before)
        self._missed.clear()

    async def run(self) -> None:
        """Publish what happens, until cancelled."""
        while True:
            batch = await self._reader.waiting()
            if any(isinstance(recorded.event, _CHANGES_RIGHTS) for recorded in batch):
                await self.learn()
            for recorded in batch:
                try:
                    await self._deal(recorded)
                except Exception:
                    _logger.exception("an event could not be published", event_id=recorded.id)
            await self._house.db.write(log.advance, READER, batch[-1].id)

    async def admit(self, identity: Identity) -> None:
        """Learn what a client that is about to connect may see."""
        account_id, readable = identity.account_id, self.gate.readable
        while account_id is not None and account_id not in readable:
            learned = self._learned
            names = await self._house.db.read(authorization.readable_spaces, account_id, self._house.now())
            # What was read while rights changed may be out of date.
            if learned == self._learned:
                readable[account_id] = names

    async def take(
        self,
        identity: Identity,
        topic: str,
        payload: bytes,
        properties: dict[Any, Any],
        receipt: Receipt | None = None,
    ) -> int:
        """Make a post of what was published to `spaces/<name>/post`; success is reason code 0, after the commit."""
        if identity.account_id is None:
            raise Unauthenticated("account.required", "Posting needs a user name and a password.")
        name = authorization.posted_space(topic)
        assert name is not None, topic
        await self._house.db.write(self._post_once, identity.account_id, name, payload, receipt)
        return 0

    def _post_once(
        self, tx: Transaction, account_id: int, space_name: str, payload: bytes, receipt: Receipt | None
    ) -> None:
        wanted = parse_post(payload)
        content = f"{space_name}/{payload.decode()}"
        if receipt is None or is_new_post(tx, account_id, receipt, content, self._house.now()):
            self._post(tx, account_id, space_name, wanted)

    async def post(
        self, account_id: int | None, space_name: str, title: str, body: str, trail: tuple[str, ...]
    ) -> None:
        """Make a post for a rule, as the account and with its rights; what is published of it carries the trail."""
        if account_id is None:
            raise Unauthenticated("account.required", "The rule belongs to no account.")
        wanted = parse_post(msgspec.json.encode(PostRequest(title, body)))
        await self._house.db.write(self._post, account_id, space_name, wanted, trail)

    def _post(
        self, tx: Transaction, account_id: int, space_name: str, wanted: PostRequest, trail: tuple[str, ...] = ()
    ) -> None:
        now, domain = self._house.now(), self._house.config.mail.domain
        actor = accounts.actor_of_account(tx, account_id, now)
        space = spaces.get_space_named(tx, space_name)
        if wanted.in_reply_to is None:
            title, body = wanted.title, wanted.body
            made = conversations.post(tx, actor, space.id, title, body, now, origin="mqtt", mail_domain=domain)
            if trail:
                self._remember(made.id, trail)
            return
        parent_id = _parent(tx, space.id, wanted.in_reply_to)
        text = wanted.body or wanted.title
        conversations.reply(tx, actor, parent_id, text, now, origin="mqtt", mail_domain=domain)

    def _remember(self, message_id: int, trail: tuple[str, ...]) -> None:
        self._trails[message_id] = trail
        while len(self._trails) > _TRAILS_MAX:
            del self._trails[next(iter(self._trails))]

    def _end_sessions(self, recorded: Recorded) -> None:
        if (whose := _shut_out(recorded.event)) is not None:
            self._stream.end_sessions(*whose)

    async def _deal(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, MessagePosted):
            await self._publish("message.posted", event.message_id)
        elif isinstance(event, MessageEdited):
            await self._publish("message.edited", event.message_id)
        elif isinstance(event, MessageRemoved):
            await self._publish("message.removed" if event.removed else "message.posted", event.message_id)

    async def learn(self) -> None:
        """Learn anew who may see what, for everybody who has connected."""
        self._learned += 1
        now = self._house.now()
        self.gate.open = await self._house.db.read(authorization.open_spaces, now)
        for account_id in list(self.gate.readable):
            self.gate.readable[account_id] = await self._house.db.read(authorization.readable_spaces, account_id, now)
        self._stream.broker.forget_routes()

    async def _publish(self, event: str, message_id: int) -> None:
        try:
            view, face, is_shown = await self._house.db.read(_read, message_id)
        except NotFound:
            return
        if not is_shown and event != "message.removed":
            return
        live = render_live(event, view, _url(view, face, self._house.origins))
        payload = msgspec.json.encode(live)
        # QoS 2 at the source: each subscriber gets the quality it asked for.
        message = Message(
            authorization.messages_topic(view.space_name), payload, qos=2, published_at=self._stream.now()
        )
        message.trail = self._trails.get(message_id, ())
        await self._stream.publish(message)


def _shut_out(event: Event) -> tuple[int, int | None] | None:
    """The account, or the one token of it, whose connections an event ends."""
    if isinstance(event, AccountSuspended | PasswordChanged):
        return event.account_id, None
    if isinstance(event, TokenRevoked) and event.surface == CLIENTS:
        return event.account_id, event.token_id
    return None


def parse_post(payload: bytes) -> PostRequest:
    """A post from a payload: a JSON object, or plain text whose first line is the title. Raises Invalid."""
    try:
        text = payload.decode()
    except UnicodeDecodeError as error:
        raise Invalid("post.encoding", "A post is text in UTF-8.") from error
    if not text.lstrip().startswith("{"):
        title, _, body = text.strip().partition("\n")
        found = PostRequest(title.strip(), body.strip())
    else:
        try:
            found = msgspec.json.decode(text, type=PostRequest)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Invalid("post.json", f"A post is an object with title, body and in_reply_to: {error}.") from error
    if any("\0" in str(each) for each in msgspec.structs.astuple(found)):
        raise Invalid("post.nul", "A post holds no NUL.")
    return found


def _parent(tx: Transaction, space_id: int, wanted: int | str) -> int:
    """The message to answer, which is in this space. Raises NotFound."""
    if isinstance(wanted, str):
        found = conversations.message_of_mail_id(tx, space_id, wanted if wanted.startswith("<") else f"<{wanted}>")
    else:
        found = conversations.get_message(tx, wanted).id if 0 < wanted < 2**63 else None
    if found is None or conversations.get_message(tx, found).space_id != space_id:
        raise NotFound("message.unknown", "There is no such message in this space.")
    return found


def _read(tx: Transaction, message_id: int) -> tuple[MessageView, ListFace | None, bool]:
    view = conversations.get_view(tx, message_id)
    is_shown = all(conversations.get_message(tx, each).is_shown for each in {message_id, view.thread_id})
    return view, spaces.get_list_face(tx, view.space_id), is_shown


def render_live(event: str, view: MessageView, url: str) -> LiveMessage:
    """The live message of something that happened to a message; what was removed is not repeated."""
    gone = event == "message.removed"
    return LiveMessage(
        event=event,
        id=view.id,
        thread_id=view.thread_id,
        parent_id=view.parent_id,
        space=view.space_name,
        author=view.author_label,
        title="" if gone else view.subject,
        body="" if gone else view.body,
        message_id=view.mail_id,
        url=url,
        created_at=view.created_at.isoformat().replace("+00:00", "Z"),
        origin=view.origin,
    )


def _url(view: MessageView, face: ListFace | None, origins: dict[str, str]) -> str:
    """Where to read a message: on its archive page, or for a space without one at the forum."""
    if face is None:
        return f"{origins.get('forum', '')}/api/v1/post?id={view.thread_id}"
    return f"{origins.get('lists', '')}/~{face.owner_name}/{face.name}/{quote(view.mail_id, safe='')}"
