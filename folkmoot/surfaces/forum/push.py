"""What live connections of the forum are told of: rooms, and the events that are sent to them (lemmy §6).

Whatever door a change came through (this forum, a mail, a message on a topic, the command line), its event is read from
the same log. A change is sent to everybody in the rooms it concerns but the connection it came through.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import msgspec
import structlog

from folkmoot.domain import accounts, conversations, inbox, spaces
from folkmoot.domain.accounts import ANONYMOUS
from folkmoot.domain.spaces import Rights
from folkmoot.errors import Forbidden, NotFound, Unauthenticated
from folkmoot.events import (
    AccountBanned,
    AccountSuspended,
    AdministratorsChanged,
    MessageEdited,
    MessagePosted,
    MessageRemoved,
    ModeratorsChanged,
    PasswordChanged,
    PrivateMessageSent,
    Recorded,
    SiteEdited,
    SpaceBanned,
    SpaceEdited,
    ThreadLocked,
    ThreadPreviewed,
    TokenRevoked,
    VoteCast,
)
from folkmoot.house import House
from folkmoot.net.framing import text_frame
from folkmoot.net.websocket import POLICY_VIOLATION, Connection, Connections
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render
from folkmoot.surfaces.forum.schema import (
    AdminsResponse,
    BanUserResponse,
    CommentResponse,
    CommunityResponse,
    ModeratorsResponse,
    PostResponse,
    PrivateMessageResponse,
    SiteResponse,
    UserView,
)

Room = tuple[str, int]
EVERYTHING: Room = ("community", 0)

_MOST_WAITING = 10_000
_TOLD_AT_ONCE = 25

_SiteNews = AccountBanned | AdministratorsChanged | SiteEdited
_SpaceNews = SpaceEdited | SpaceBanned | ModeratorsChanged
_OF_THE_SITE = (AccountBanned, AdministratorsChanged, SiteEdited)
_OF_A_SPACE = (SpaceEdited, SpaceBanned, ModeratorsChanged)
_TOLD = (
    *(MessagePosted, MessageEdited, MessageRemoved, ThreadLocked, ThreadPreviewed, VoteCast, PrivateMessageSent),
    *(*_OF_THE_SITE, *_OF_A_SPACE),
)

_logger = structlog.get_logger("forum")
_numbers = count(1)


class Member:
    """One live connection and the rooms it is in: at most one post's or community's, and one account's."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        # What its changes are marked with in the log.
        self.source = f"forum/{next(_numbers)}"
        self.token_ids: set[int] = set()
        self.account_ids: set[int] = set()
        self.place: Room | None = None
        # Who went there: what is not for everybody asks again whether he may hear it.
        self.placed: int | None = None
        self.account: Room | None = None


class Rooms:
    """Who is where."""

    def __init__(self) -> None:
        self.connections = Connections()
        self.members: set[Member] = set()
        self._rooms: dict[Room, set[Member]] = {}

    def add(self, member: Member) -> None:
        """Begin to know a connection."""
        self.members.add(member)

    def remove(self, member: Member) -> None:
        """Forget a connection that has ended."""
        self.members.discard(member)
        for room in (member.place, member.account):
            self._leave(room, member)

    def enter(self, member: Member | None, room: Room, account_id: int | None) -> None:
        """Go into a post's or a community's room as somebody, out of the one before; nothing without a connection."""
        if member is None or member not in self.members:
            return
        self._leave(member.place, member)
        member.place, member.placed = room, account_id
        self._rooms.setdefault(room, set()).add(member)

    def join(self, member: Member | None, account_id: int) -> None:
        """Go into an account's own room, out of the one before; nothing without a connection."""
        if member is None or member not in self.members:
            return
        self._leave(member.account, member)
        member.account = ("account", account_id)
        self._rooms.setdefault(member.account, set()).add(member)

    def sign_out(self, caller: Member | None) -> None:
        """End all connections that have shown a token but the caller's, which leaves its account's room."""
        for member in [each for each in self.members if each.token_ids]:
            if member is not caller:
                member.connection.end(POLICY_VIOLATION, "signed out")
        if caller is not None:
            self._leave(caller.account, caller)
            caller.account = None

    def within(self, room: Room) -> Iterable[Member]:
        """Who is in a room."""
        return self._rooms.get(room, ())

    def count(self, room: Room) -> int:
        """How many are in a room."""
        return len(self._rooms.get(room, ()))

    def _leave(self, room: Room | None, member: Member) -> None:
        if room is None:
            return
        inside = self._rooms.get(room, set())
        inside.discard(member)
        if not inside:
            self._rooms.pop(room, None)


class Push:
    """Sends what happens to the rooms, in the order of the log."""

    def __init__(self, house: House, rooms: Rooms) -> None:
        self._house = house
        self._rooms = rooms
        self._waiting: deque[Recorded] = deque(maxlen=_MOST_WAITING)
        self._sending: asyncio.Task[None] | None = None
        house.announcements.listen(self.notice)

    def notice(self, recorded: Recorded) -> None:
        """Take note of an event; what ends a session does so at once."""
        if not self._rooms.members:
            return
        event = recorded.event
        if isinstance(event, AccountSuspended | PasswordChanged):
            self._end(lambda member: _is_of(member, event.account_id))
        elif isinstance(event, TokenRevoked):
            self._end(lambda member: event.token_id in member.token_ids)
        elif isinstance(event, AdministratorsChanged) and event.with_site:
            # lemmy §6: nobody is told of TransferSite.
            return
        elif isinstance(event, _TOLD):
            self._waiting.append(recorded)
            if self._sending is None or self._sending.done():
                self._sending = asyncio.get_running_loop().create_task(self._send_waiting())

    def _end(self, concerned: Callable[[Member], bool]) -> None:
        for member in [each for each in self._rooms.members if concerned(each)]:
            member.connection.end(POLICY_VIOLATION, "signed out")

    async def _send_waiting(self) -> None:
        while self._waiting:
            recorded = self._waiting.popleft()
            # One edit of the forum may be several changes inside; it is told once.
            while self._waiting and _is_same_edit(recorded, self._waiting[0]):
                recorded = self._waiting.popleft()
            try:
                await self._send(recorded)
            except NotFound:
                # Not in the forum, or gone since.
                pass
            except Exception:
                _logger.exception("a broadcast failed", kind=type(recorded.event).__name__)

    async def _send(self, recorded: Recorded) -> None:
        event = recorded.event
        if isinstance(event, _OF_THE_SITE):
            text = await self._house.db.read(self._site_news, event)
            await self._tell(self._rooms.members, recorded.source, text)
        elif isinstance(event, _OF_A_SPACE):
            await self._send_space_news(event, recorded.source)
        elif isinstance(event, PrivateMessageSent):
            members = self._rooms.within(("account", event.recipient_id))
            if members:
                await self._tell(members, recorded.source, await self._house.db.read(self._private_news, event))
        else:
            await self._send_message_news(event, recorded.source)

    async def _send_space_news(self, event: _SpaceNews, source: str) -> None:
        room = ("community", event.space_id)
        if self._rooms.count(room):
            restricted = await self._house.db.read(spaces.is_restricted, event.space_id)
            if members := await self._hearers([room], event.space_id, restricted):
                await self._tell(members, source, await self._house.db.read(self._space_news, event))

    async def _send_message_news(self, event: Any, source: str) -> None:
        db = self._house.db
        message_id, thread_id, space_id = _subject(event)
        told = [EVERYTHING, ("community", space_id), ("post", thread_id)]
        restricted = await db.read(spaces.is_restricted, space_id)
        if restricted:
            told.remove(EVERYTHING)
        if message_id == thread_id:
            if members := await self._hearers(told, space_id, restricted):
                text = _encode(_operation(event, "Post"), await db.read(self._post, thread_id))
                await self._tell(members, source, text)
            return
        # Whom a comment names is told of what is said, not of each vote (lemmy §4.6).
        recipients = await db.read(_recipients, message_id, isinstance(event, VoteCast))
        members = await self._hearers(told, space_id, restricted)
        own = await self._hearers([("account", each) for each in recipients], space_id, restricted)
        if members or own:
            operation = _operation(event, "Comment")
            comment = await db.read(self._comment, message_id)
            await self._tell(members, source, _encode(operation, comment))
            comment.recipient_ids = recipients
            await self._tell(own, source, _encode(operation, comment))

    async def _hearers(self, rooms: Iterable[Room], space_id: int, restricted: bool) -> list[Member]:
        """Who is in these rooms; of a space that is not for everybody, who may browse it at this moment."""
        found = [(room, member) for room in rooms for member in self._rooms.within(room)]
        if not (restricted and found):
            return [member for _, member in found]
        inside = [(room[1] if room[0] == "account" else member.placed, member) for room, member in found]
        may = await self._house.db.read(self._who_may_browse, space_id, {account_id for account_id, _ in inside})
        return [member for account_id, member in inside if account_id in may]

    def _who_may_browse(self, tx: Transaction, space_id: int, account_ids: set[int | None]) -> set[int | None]:
        space, now = spaces.get_space(tx, space_id), self._house.now()
        found: set[int | None] = set()
        for account_id in account_ids:
            try:
                actor = ANONYMOUS if account_id is None else accounts.actor_of_account(tx, account_id, now)
            except (Unauthenticated, Forbidden):
                continue
            if spaces.rights(tx, actor, space, now) & Rights.BROWSE:
                found.add(account_id)
        return found

    async def _tell(self, members: Iterable[Member], source: str, text: str) -> None:
        frame = text_frame(text)
        for number, member in enumerate(tuple(members), 1):
            if member.source != source:
                member.connection.push(text, frame)
            # A thousand written to at once would keep everybody else waiting for all of them.
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    def _user(self, tx: Transaction, account_id: int) -> UserView:
        profile = accounts.get_profile(tx, account_id, self._house.now())
        return render.user(profile, self._house.config.site.hostname)

    def _site_news(self, tx: Transaction, event: _SiteNews) -> str:
        now = self._house.now()
        if isinstance(event, AccountBanned):
            return _encode("BanUser", BanUserResponse(self._user(tx, event.account_id), event.banned))
        site = spaces.find_site(tx)
        if isinstance(event, AdministratorsChanged):
            profiles, hostname = accounts.list_admin_profiles(tx, now), self._house.config.site.hostname
            admins = render.admins(profiles, site.creator_id if site else None, hostname)
            return _encode("AddAdmin", AdminsResponse(admins))
        if site is None:
            raise NotFound("site.unknown", "There is no site.")
        creator = accounts.get_profile(tx, site.creator_id, now)
        return _encode("EditSite", SiteResponse(render.site(site, creator, spaces.count_site(tx))))

    def _space_news(self, tx: Transaction, event: _SpaceNews) -> str:
        now = self._house.now()
        if isinstance(event, SpaceBanned):
            return _encode("BanFromCommunity", BanUserResponse(self._user(tx, event.account_id), event.banned))
        if isinstance(event, ModeratorsChanged):
            moderators = [render.community_user(each) for each in spaces.list_moderator_standings(tx, event.space_id)]
            return _encode("AddModToCommunity", ModeratorsResponse(moderators))
        # Who hears it may browse; what it is to one of them (subscribed) is left out.
        community = spaces.show_community(tx, event.space_id)
        return _encode("EditCommunity", CommunityResponse(render.community(community, None, now)))

    def _private_news(self, tx: Transaction, event: PrivateMessageSent) -> str:
        message = inbox.get_private_message(tx, event.private_message_id, event.recipient_id)
        return _encode("CreatePrivateMessage", PrivateMessageResponse(render.private_message(message)))

    def _post(self, tx: Transaction, thread_id: int) -> PostResponse:
        now = self._house.now()
        return PostResponse(render.post(conversations.get_thread_entry(tx, thread_id, None, now), None, now))

    def _comment(self, tx: Transaction, message_id: int) -> CommentResponse:
        now = self._house.now()
        return CommentResponse(render.comment(conversations.get_answer(tx, message_id, None, now), None, now), [])


def _recipients(tx: Transaction, message_id: int, answered_only: bool) -> list[int]:
    if answered_only:
        answered = conversations.answered_author(tx, message_id)
        return [] if answered is None else [answered]
    return conversations.list_recipients(tx, conversations.get_message(tx, message_id))


def _is_of(member: Member, account_id: int) -> bool:
    return account_id in member.account_ids


def _subject(event: Any) -> tuple[int, int, int]:
    """The message, thread and space an event is about."""
    return getattr(event, "message_id", event.thread_id), event.thread_id, event.space_id


def _operation(event: Any, kind: str) -> str:
    if isinstance(event, MessagePosted):
        return f"Create{kind}"
    return f"Create{kind}Like" if isinstance(event, VoteCast) else f"Edit{kind}"


def _is_same_edit(one: Recorded, other: Recorded) -> bool:
    edits = MessageEdited | MessageRemoved | ThreadLocked
    return (
        isinstance(one.event, edits)
        and isinstance(other.event, edits)
        and one.source == other.source
        and one.recorded_at == other.recorded_at
        and _subject(one.event) == _subject(other.event)
    )


def _encode(operation: str, data: Any) -> str:
    return msgspec.json.encode({"op": operation, "data": data}).decode()
