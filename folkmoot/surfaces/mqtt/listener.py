"""One MQTT listener: what it is set to, whom it lets in, and its sockets (contract §2.10, §3.1).

Plain TCP is accepted by the loop itself, which is fastest; whoever has to show a PROXY header or to shake hands first gets a
task for that. Options are read at each connection, so a change holds for the next one.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket

from folkmoot.domain.broker import Link
from folkmoot.net.accepting import Acceptor, read_proxy_header
from folkmoot.net.certificates import ServerTls, TlsSettings
from folkmoot.net.connection import Bounds
from folkmoot.net.listeners import HttpServer, WebSocketSettings, address_of, open_socket
from folkmoot.surfaces.mqtt.forms.listeners import ListenerOptions, WebSocketOptions
from folkmoot.surfaces.mqtt.patience import Patience
from folkmoot.surfaces.mqtt.rations import Rations
from folkmoot.surfaces.mqtt.sockets import Peer, RationedSocket, Socket, WebSocketShell, peer_of, plain_address
from folkmoot.wire.mqtt import Reason
from folkmoot.wire.proxy import Proxied

if TYPE_CHECKING:
    from folkmoot.surfaces.mqtt.stream import Stream

#: Connections have their own limit; this one is uvicorn's for everything that has not become a WebSocket.
_BOUNDS = Bounds(max_connections=1 << 20)
#: How large a frame may be, beside the packets in it that may be large themselves.
_FRAME_BYTES = 1 << 20
#: So late the loop is under a load that is too much.
_OVERLOAD_SECONDS = 0.25
#: What clients of MQTT 3.1 (MQTT.js among them) call it.
_SAME_SUBPROTOCOL = {"mqttv3.1": "mqtt-v3"}


class Listener:
    """See above. Made stopped; `start` it, `stop` it, `change` it at any time."""

    def __init__(self, stream: Stream, listener_id: str, options: ListenerOptions, node: Rations | None = None) -> None:
        """`node` are the rates of all listeners together."""
        self.id = listener_id
        self.kind = listener_id.partition(":")[0]
        self.options = options
        self.connections: set[Socket | WebSocketShell] = set()
        self._stream = stream
        self._node = node
        self._own = Rations(options)
        self._tls: ServerTls | None = None
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._acceptor: Acceptor | None = None
        self._http: HttpServer | None = None

    @property
    def is_running(self) -> bool:
        """Whether it listens."""
        return self._socket is not None

    @property
    def address(self) -> str:
        """Where it listens, as `host:port`; where it would, while it does not."""
        return address_of(self._socket) if self._socket is not None else self.options.bind

    # --- listening ----------------------------------------------------------------------------------------------------

    def open(self, options: ListenerOptions | None = None, *, loopback_only: bool = False) -> socket.socket:
        """A socket as the options say, to be given to `start` or `change`. Raises ListenError."""
        tcp = (options or self.options).tcp_options
        bind = (options or self.options).bind
        sock = open_socket(bind, loopback_only=loopback_only, backlog=tcp.backlog)
        assert sock is not None
        return sock

    async def start(self, sock: socket.socket) -> None:
        """Accepts connections on the socket, which is the listener's from now on.

        Raises Invalid, without having it, when the TLS options cannot be used.
        """
        self._tls = tls_of(self.options)
        self._socket = sock
        _set_options(sock, self.options)
        loop = asyncio.get_running_loop()
        if self.kind == "tcp" and not self.options.proxy_protocol:
            backlog = self.options.tcp_options.backlog
            self._server = await loop.create_server(self._make_socket, sock=sock, backlog=backlog)
            return
        if self.options.websocket is not None and self._http is None:
            self._http = HttpServer(self._answer, None, bounds=_BOUNDS, websockets=self._frames(self.options.websocket))
            await self._http.start()
        self._acceptor = Acceptor(sock, self._take)

    def refuse(self) -> None:
        """Takes no more connections."""
        if self._acceptor is not None:
            self._acceptor.close()
        elif self._server is not None:
            self._server.close()
        elif self._socket is not None:
            self._socket.close()
        self._acceptor = self._server = self._socket = None

    def end_connections(self) -> None:
        """Says goodbye to everybody who came this way."""
        now = self._stream.now()
        for one in list(self.connections):
            one.link.end(Reason.SHUTTING_DOWN if one.link.session is not None else None, now)

    async def stop(self) -> None:
        """Takes no more connections and waits until HTTP has come to its end; MQTT connections end by `end_connections`."""
        self.refuse()
        http, self._http = self._http, None
        if http is not None:
            await http.stop()

    async def change(self, options: ListenerOptions, sock: socket.socket | None) -> None:
        """Other options from the next connection on; `sock` if it shall listen there instead. Raises Invalid."""
        self._tls = tls_of(options)
        self.options = options
        self._own.rates = options
        self.refresh()
        if self._socket is not None:
            following = sock if sock is not None else self._socket.dup()
            self.refuse()
            await self.start(following)

    def refresh(self) -> None:
        """Takes up what the broker's options say of packets, for the WebSockets that come from now on."""
        if self._http is not None and self.options.websocket is not None:
            self._http.change(self._frames(self.options.websocket))

    def _frames(self, options: WebSocketOptions) -> WebSocketSettings:
        # A frame may hold many packets, and whoever sends one that is too large shall hear so in MQTT.
        largest = options.max_frame_size or 2 * self._stream.broker.limits.max_packet_size + _FRAME_BYTES
        return WebSocketSettings(largest, ping_interval_seconds=None, compress=options.compress)

    # --- who comes ----------------------------------------------------------------------------------------------------

    def admits(self, address: str) -> bool:
        """Whether one more connection may come from there; counts it against the rates."""
        options = self.options
        if self._stream.is_stopping:
            return False
        if options.max_connections is not None and len(self.connections) >= options.max_connections:
            return False
        if options.access_rules and not _allows(options, address):
            return False
        protection = self._stream.broker.options.overload_protection
        if protection.enable and protection.backoff_new_conn and self._stream.lag_seconds > _OVERLOAD_SECONDS:
            self._stream.broker.count["overload_protection.new_conn"] += 1
            return False
        now = self._stream.now()
        return self._own.allows_connection(now) and (self._node is None or self._node.allows_connection(now))

    def open_link(self, peer: Peer) -> Link:
        """The broker's half of a new connection."""
        broker, options = self._stream.broker, self.options
        link = broker.open(self._stream.now(), peer.address, peer.port, self.id)
        client = link.client
        client.zone, client.mountpoint, client.enable_authn = options.zone, options.mountpoint, options.enable_authn
        client.common_name, client.subject, client.is_direct = peer.common_name, peer.subject, peer.is_direct
        client.sockname, client.certificate = peer.sockname, peer.certificate
        return link

    def patience(self, taken: Callable[[], int], give_up: Callable[[], object]) -> Patience | None:
        """For a connection that must not be stuck for ever; None if it may."""
        tcp = self.options.tcp_options
        return Patience(tcp.send_timeout, taken, give_up) if tcp.send_timeout_close else None

    def rations(self) -> list[Rations]:
        """What a new connection may send: its own part, and its part of everybody's."""
        own = Rations(self.options)
        return [own] if self._node is None else [own, self._node]

    def _make_socket(self, proxied: Proxied | None = None) -> Socket:
        options = self.options
        is_rationed = options.messages_rate is not None or options.bytes_rate is not None
        if is_rationed or (self._node is not None and self._node.limits_reading):
            return RationedSocket(self._stream, self, proxied)
        return Socket(self._stream, self, proxied)

    async def _take(self, sock: socket.socket) -> None:
        options, loop = self.options, asyncio.get_running_loop()
        proxied = await read_proxy_header(sock, options.proxy_protocol_timeout) if options.proxy_protocol else None
        tls = self._tls.context(loop.time()) if self._tls is not None else None
        seconds = options.ssl_options.handshake_timeout if options.ssl_options is not None else 0.0
        if self._http is not None:
            await self._http.adopt(sock, {"proxied": proxied}, tls, seconds)
        else:
            await loop.connect_accepted_socket(
                lambda: self._make_socket(proxied), sock, ssl=tls, ssl_handshake_timeout=seconds if tls else None
            )

    # --- WebSocket ----------------------------------------------------------------------------------------------------

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        options = self.options.websocket
        is_ours = options is not None and scope["path"] == options.mqtt_path
        if scope["type"] != "websocket":
            status = 400 if is_ours else 404
            await PlainTextResponse("this is for WebSocket", status)(scope, receive, send)
        elif is_ours:
            await self._serve(WebSocket(scope, receive, send))
        else:
            await WebSocket(scope, receive, send).send_denial_response(PlainTextResponse("not here", 404))

    async def _serve(self, websocket: WebSocket) -> None:
        """A packet may span frames, a frame may hold many packets (MQTT 5 §6)."""
        options = self.options.websocket
        assert options is not None
        chosen, trouble = _agree(options, websocket)
        peer = _peer_behind(options, websocket)
        if trouble:
            await websocket.send_denial_response(PlainTextResponse(trouble, 400))
            return
        if not self.admits(peer.address):
            await websocket.send_denial_response(PlainTextResponse("not now, or not from there", 403))
            return
        # [MQTT-6.0.0-4]
        await websocket.accept(subprotocol=chosen)
        await WebSocketShell(self._stream, self, websocket, peer).run()


def tls_of(options: ListenerOptions) -> ServerTls | None:
    """What a listener greets with, None without TLS. Raises Invalid when the files cannot be used."""
    tls = options.ssl_options
    if tls is None:
        return None
    settings = TlsSettings(
        tls.certfile,
        tls.keyfile,
        authorities=tls.cacertfile,
        password=tls.password,
        asks=tls.verify == "verify_peer",
        requires=tls.fail_if_no_peer_cert,
        versions=tuple(tls.versions),
        ciphers=tuple(tls.ciphers),
        own_order=tls.honor_cipher_order,
        tickets=tls.reuse_sessions,
    )
    return ServerTls(settings)


def _set_options(sock: socket.socket, options: ListenerOptions) -> None:
    """Accepted sockets inherit these."""
    tcp = options.tcp_options
    for option, size_bytes in ((socket.SO_RCVBUF, tcp.recbuf), (socket.SO_SNDBUF, tcp.sndbuf)):
        if size_bytes is not None:
            sock.setsockopt(socket.SOL_SOCKET, option, size_bytes)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", int(tcp.nolinger), 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(tcp.keepalive is not None))
    if tcp.keepalive is not None:
        for option, value in zip(
            (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT), tcp.keepalive, strict=True
        ):
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def _allows(options: ListenerOptions, address: str) -> bool:
    """The first rule that fits decides; without one everybody may come."""
    if options.access_rules[0].network is None:
        return options.access_rules[0].allows
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    for rule in options.access_rules:
        if rule.network is None or ip in rule.network:
            return rule.allows
    return True


def _agree(options: WebSocketOptions, websocket: WebSocket) -> tuple[str | None, str]:
    """The subprotocol to speak, and what keeps us from it."""
    if options.check_origin_enable:
        origin = websocket.headers.get("origin")
        if origin is None and not options.allow_origin_absence:
            return None, "an Origin is required"
        if origin is not None and origin not in options.check_origins:
            return None, "this Origin is not allowed"
    # [MQTT-6.0.0-4]: `mqtt` before its other names
    offered = sorted(map(str, websocket.scope.get("subprotocols", [])), key="mqtt".__ne__)
    supported = options.supported_subprotocols
    chosen = next((name for name in offered if _SAME_SUBPROTOCOL.get(name, name) in supported), None)
    if chosen is None and options.fail_if_no_subprotocol:
        return None, "the subprotocol mqtt is required"
    return chosen, ""


#: What proxies add, whatever they call it.
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")


def _host_of(origin: str | None) -> str:
    """The host of the page a browser shows; this machine for what is no browser."""
    if origin is None:
        return "localhost"
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _is_near(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _peer_behind(options: WebSocketOptions, websocket: WebSocket) -> Peer:
    """Who has connected; a proxy on this machine is believed what it adds at the end of its headers, nobody else is."""
    state = websocket.scope["state"]
    peer = peer_of(state["transport"], state["proxied"])
    is_near = _is_near(peer.address)
    if any(name in websocket.headers for name in _FORWARDED) or not _is_near(_host_of(websocket.headers.get("origin"))):
        peer.is_direct = False
    named = websocket.headers.get(options.proxy_address_header, "") if is_near and options.proxy_address_header else ""
    if not named:
        return peer
    try:
        peer.address = plain_address(str(ipaddress.ip_address(named.rpartition(",")[2].strip())))
        peer.is_direct = False
    except ValueError:
        return peer
    port = websocket.headers.get(options.proxy_port_header, "") if options.proxy_port_header else ""
    last = port.rpartition(",")[2].strip()
    peer.port = int(last) if last.isascii() and last.isdigit() and len(last) < 6 else 0
    return peer
