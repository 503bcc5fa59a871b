"""Any text as a frame of the forum's WebSocket: read as one of its operations, or refused as Invalid."""

from __future__ import annotations

import msgspec

from folkmoot.errors import Invalid
from folkmoot.net.decoding import decode_json
from folkmoot.surfaces.forum import errors
from folkmoot.surfaces.forum.routes import OPERATIONS
from folkmoot.surfaces.forum.stream import read_frame

SEEDS = (
    b'{"op":"ListCategories"}',
    b'{"op":"GetPosts","data":{"type_":"All","sort":"Hot","page":1,"limit":20,"community_id":null,"auth":"undefined"}}',
    b'{"op":"EditPost","data":{"edit_id":1,"name":"\\u0000","removed":true,"creator_id":9223372036854775808}}',
    b'{"op":"CreateComment","data":{"content":"\\ud83d\\ude00","post_id":1.5}}',
    b' {"op":1,"data":[[[{"op":"x"}]]]}\n',
)
_BY_NAME = {each.name: each for each in OPERATIONS}


def run(data: bytes) -> None:
    """Read it as the stream does; whatever is refused is told as JSON."""
    operation = None
    try:
        frame = read_frame(data.decode("utf-8", "replace"))
        operation = _BY_NAME.get(frame.op) if isinstance(frame.op, str) else None
        if operation is not None:
            wanted = decode_json(bytes(frame.data), operation.request)
            assert isinstance(wanted, operation.request)
    except Invalid as error:
        told = errors.body(
            operation.name if operation else "", errors.message(error, operation.name if operation else "")
        )
        assert told.error and msgspec.json.decode(msgspec.json.encode(told))
