"""Text that many WebSockets get alike: made into a frame once, written to each as it is.

An extension of ASGI: `scope["extensions"][EXTENSION]` is a function that writes such a frame at once, or says that it
cannot (the peer does not read, or the connection ends, or it compresses); then the frame goes the usual way.
"""

from __future__ import annotations

from collections.abc import Callable

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

EXTENSION = "folkmoot.frame"

Writing = Callable[[bytes], bool]
"""Writes a whole frame; False when it did not."""


def text_frame(text: str) -> bytes:
    """An unfragmented text frame as servers send it (RFC 6455 §5.2)."""
    payload = text.encode()
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload


class FrameProtocol(WebSocketsSansIOProtocol):
    """The server's protocol, with a way around it for frames that are written already."""

    async def run_asgi(self) -> None:
        """Offer the extension to the application."""
        extensions: dict[str, object] = {**(self.scope.get("extensions") or {}), EXTENSION: self._write_frame}
        self.scope["extensions"] = extensions  # type: ignore[typeddict-item]
        await super().run_asgi()

    def _write_frame(self, frame: bytes) -> bool:
        if (
            not self.handshake_complete
            or not self.writable.is_set()
            or self.close_sent
            or self.disconnected
            or self.conn.state is not State.OPEN
            or self.conn.extensions
            or self.transport.is_closing()
        ):
            return False
        self.transport.write(frame)
        return True
