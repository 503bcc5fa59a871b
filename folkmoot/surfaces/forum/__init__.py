"""The forum: answers like the early link aggregator's API v1, over HTTP and WebSocket (README.md)."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.types import ASGIApp

from folkmoot.domain.accounts import Actor
from folkmoot.errors import FolkmootError
from folkmoot.house import House
from folkmoot.net.http import Call, Dialect, Operation, bind
from folkmoot.surfaces.forum import errors
from folkmoot.surfaces.forum.auth import Throttle, Tokens, authenticate, issue_token
from folkmoot.surfaces.forum.handlers import Forum, feeds
from folkmoot.surfaces.forum.previews import Previews
from folkmoot.surfaces.forum.push import Push, Rooms
from folkmoot.surfaces.forum.routes import OPERATIONS
from folkmoot.surfaces.forum.settings import settle
from folkmoot.surfaces.forum.stream import PATH, Stream

__all__ = ["issue_token", "make_app", "settle"]


class _ForumDialect(Dialect):
    # The token is in the body or the query (lemmy §3).
    authenticate_after_decode = True
    # What JavaScript makes of an absent value in a query; clients of the era send it (lemmy §1.1).
    absent = ("undefined", "null")

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def authenticate(self, call: Call) -> Actor:
        return await authenticate(self._tokens, call)

    def error(self, error: FolkmootError, operation: Operation | None, request: HTTPConnection) -> Response:
        return errors.answer(error, operation.name if operation else "")


def make_app(house: House) -> ASGIApp:
    """The forum's application; make one per house, on the event loop's thread."""
    rooms = Rooms()
    forum = Forum(house, rooms, Tokens(house), Throttle(house), Previews(house))
    Push(house, rooms)
    return bind(
        OPERATIONS,
        _ForumDialect(forum.tokens),
        forum,
        extra_routes=[WebSocketRoute(PATH, Stream(forum).serve), *feeds.routes(forum)],
    )
