"""The forum's WebSocket: the operations of the table by their names, one reply each in the order asked (lemmy §1.2)."""

from __future__ import annotations

from typing import Any

import msgspec
import structlog
from starlette.websockets import WebSocket

from folkmoot.errors import FolkmootError, Invalid, NotFound
from folkmoot.net.decoding import decode_json
from folkmoot.net.errors import Unexpected
from folkmoot.net.http import Call, Operation
from folkmoot.net.websocket import Connection
from folkmoot.surfaces.forum import errors
from folkmoot.surfaces.forum.auth import authenticate
from folkmoot.surfaces.forum.handlers import MEMBER, Forum
from folkmoot.surfaces.forum.push import Member
from folkmoot.surfaces.forum.routes import OPERATIONS

PATH = "/api/v1/ws"

# A browser that reads slowly is dropped once this much waits for it; the largest answer must fit.
_MAX_OUTGOING_BYTES = 16 * 1024 * 1024

_BY_NAME = {operation.name: operation for operation in OPERATIONS}

_logger = structlog.get_logger("forum")


class Frame(msgspec.Struct):
    """What a client sends; `data` may be left out (lemmy §1.1)."""

    op: Any = None
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Stream:
    """Serves connections; one object for the whole surface."""

    def __init__(self, forum: Forum) -> None:
        self._forum = forum

    async def serve(self, websocket: WebSocket) -> None:
        """Live with one connection until it ends."""
        connection = Connection(websocket, self._forum.rooms.connections, max_outgoing_bytes=_MAX_OUTGOING_BYTES)
        member = Member(connection)
        websocket.scope[MEMBER] = member
        self._forum.rooms.add(member)
        try:
            await connection.serve(lambda text: self._receive(member, text))
        finally:
            self._forum.rooms.remove(member)

    async def _receive(self, member: Member, text: str) -> None:
        name = ""
        try:
            frame = read_frame(text)
            name = frame.op if isinstance(frame.op, str) else ""
            operation = _BY_NAME.get(name)
            if operation is None:
                raise NotFound("op.unknown", errors.UNKNOWN_OP)
            reply: Any = {"op": name, "data": await self._call(member, operation, bytes(frame.data))}
        except FolkmootError as error:
            reply = errors.body(name, errors.message(error, name))
        except Exception:
            _logger.exception("an operation failed", operation=name)
            reply = errors.body(name, errors.message(Unexpected(), name))
        member.connection.push(msgspec.json.encode(reply).decode())

    async def _call(self, member: Member, operation: Operation, data: bytes) -> Any:
        connection = member.connection
        if data == b"null":
            data = b"{}"
        call = Call(operation, self._forum, connection.websocket, address=connection.address)
        call.data = decode_json(data, operation.request)
        call.actor = await authenticate(self._forum.tokens, call)
        if call.actor.account_id is not None:
            member.account_ids.add(call.actor.account_id)
        if call.actor.token_id is not None:
            member.token_ids.add(call.actor.token_id)
        return await operation.handler(call)


def read_frame(text: str) -> Frame:
    """What a client sent; raises Invalid."""
    frame: Frame = decode_json(text.strip().encode("utf-8", "replace") or b" ", Frame)
    if frame.op is None:
        raise Invalid("op.unknown", errors.UNKNOWN_OP)
    return frame
