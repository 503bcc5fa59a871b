"""What may be set on a listener (contract §2.10), and the typed values it means."""

from __future__ import annotations

import ipaddress
from typing import Any

import msgspec
from msgspec import Struct, field

from folkmoot.errors import Invalid
from folkmoot.net.listeners import ListenError, parse_address
from folkmoot.surfaces.mqtt.forms import (
    ABSENT,
    Document,
    Form,
    Forms,
    duration,
    flag,
    integer,
    rate,
    size,
    text,
    texts,
    values,
    word,
)

TYPES = ("tcp", "ssl", "ws", "wss")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AccessRule(Struct, frozen=True):
    """Who may connect: `network` None is everybody."""

    allows: bool
    network: Any = None


class TcpOptions(Struct, frozen=True):
    backlog: int = 1024
    nodelay: bool = True
    reuseaddr: bool = True
    recbuf: int | None = None
    sndbuf: int | None = None
    send_timeout: float = 15.0
    """How long a peer may read nothing of what waits for it; then it is gone, if `send_timeout_close` says so."""
    send_timeout_close: bool = True
    nolinger: bool = False
    """A closed connection sends nothing more, not even what was written."""
    keepalive: tuple[int, int, int] | None = None
    """Idle seconds, interval seconds, probes."""


class SslOptions(Struct, frozen=True):
    certfile: str = ""
    keyfile: str = ""
    cacertfile: str = ""
    password: str = ""
    verify: str = "verify_none"
    fail_if_no_peer_cert: bool = False
    versions: list[str] = field(default_factory=lambda: ["tlsv1.3", "tlsv1.2"])
    ciphers: list[str] = field(default_factory=list)
    honor_cipher_order: bool = True
    reuse_sessions: bool = True
    handshake_timeout: float = 15.0


class WebSocketOptions(Struct, frozen=True):
    mqtt_path: str = "/mqtt"
    mqtt_piggyback: str = "multiple"
    """Whether a frame of ours may hold several packets."""
    idle_timeout: float | None = 7200.0
    """How long a peer may say nothing."""
    compress: bool = False
    max_frame_size: int | None = None
    fail_if_no_subprotocol: bool = True
    supported_subprotocols: list[str] = field(default_factory=list)
    check_origin_enable: bool = False
    allow_origin_absence: bool = True
    check_origins: list[str] = field(default_factory=list)
    proxy_address_header: str = "x-forwarded-for"
    proxy_port_header: str = "x-forwarded-port"


class ListenerOptions(Struct, frozen=True):
    """Seconds, bytes, and None for infinite."""

    bind: str
    enable: bool = True
    max_connections: int | None = None
    mountpoint: str = ""
    zone: str = "default"
    enable_authn: bool | str = True
    access_rules: list[AccessRule] = field(default_factory=list)
    proxy_protocol: bool = False
    proxy_protocol_timeout: float = 3.0
    max_conn_rate: float | None = None
    messages_rate: float | None = None
    bytes_rate: float | None = None
    tcp_options: TcpOptions = TcpOptions()
    ssl_options: SslOptions | None = None
    websocket: WebSocketOptions | None = None


def listener_options(kind: str, document: Document) -> ListenerOptions:
    """The values of a whole listener document. Raises Invalid naming the key."""
    found = values(FORMS[kind], document)
    options = msgspec.convert(found, ListenerOptions)
    tls = options.ssl_options
    if tls is not None and tls.verify == "verify_peer" and not tls.cacertfile:
        raise Invalid("setting.value", "verify_peer needs the authorities to believe.", "ssl_options.cacertfile")
    if tls is not None and not tls.certfile:
        raise Invalid("setting.value", "A listener with TLS needs a certificate.", "ssl_options.certfile")
    return options


def _bind(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise ValueError("Expected an address as 0.0.0.0:1883 or a port.")
    try:
        address = parse_address(f":{value}" if value.isdigit() else value)
    except ListenError as error:
        raise ValueError(f"{error}.") from error
    if address is None:
        raise ValueError("Expected an address as 0.0.0.0:1883 or a port.")
    return str(address)


def _authn(value: Any) -> bool | str:
    if value == "quick_deny_anonymous" or isinstance(value, bool):
        return value  # type: ignore[no-any-return]
    raise ValueError("Expected true, false or quick_deny_anonymous.")


def _rules(value: Any) -> list[AccessRule]:
    if not isinstance(value, list) or len(value) > 10_000:
        raise ValueError("Expected a list of rules as `allow 192.168.0.0/16` or `deny all`.")
    return [_rule(each) for each in value]


def _rule(value: Any) -> AccessRule:
    pieces = value.split() if isinstance(value, str) else []
    if len(pieces) != 2 or pieces[0] not in ("allow", "deny"):
        raise ValueError("Expected a rule as `allow 192.168.0.0/16` or `deny all`.")
    allows, who = pieces[0] == "allow", pieces[1]
    if who == "all":
        return AccessRule(allows)
    try:
        return AccessRule(allows, ipaddress.ip_network(who, strict=False))
    except ValueError as error:
        raise ValueError(f"{who} is no address and no network.") from error


def _keepalive(value: Any) -> tuple[int, int, int] | None:
    if value == "none":
        return None
    pieces = value.split(",") if isinstance(value, str) else []
    numbers = [int(each) for each in pieces if each.strip().isascii() and each.strip().isdigit() and len(each) < 7]
    if len(pieces) != 3 or len(numbers) != 3 or not all(0 < each <= 32_767 for each in numbers):
        raise ValueError("Expected none, or idle, interval and probes as 240,30,5.")
    return numbers[0], numbers[1], numbers[2]


def _nothing(default: Any, what: str) -> Form:
    """A key that may only say what it says by itself."""

    def read(value: Any) -> Any:
        if value != default:
            raise ValueError(what)
        return value

    return Form(default, read)


def _words(value: Any) -> list[str]:
    """Texts in a list, or in one text with commas."""
    pieces = value.split(",") if isinstance(value, str) else value
    if not isinstance(pieces, list) or not all(isinstance(each, str) for each in pieces):
        raise ValueError("Expected texts with commas between them.")
    return [each.strip() for each in pieces if each.strip()]


def _path(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("/") or len(value) > 1000 or set(value) & set("?#{} "):
        raise ValueError("Expected a path as /mqtt.")
    return value


_ALL: Forms = {
    "enable": flag(True),
    "bind": Form(ABSENT, _bind),
    "acceptors": integer(16, 1),
    "max_connections": integer("infinity", 1, off="infinity"),
    "mountpoint": text("", 10_000),
    "zone": text("default", 256),
    "enable_authn": Form(True, _authn),
    "access_rules": Form(["allow all"], _rules),
    "proxy_protocol": flag(False),
    "proxy_protocol_timeout": duration("3s", 0.001, 3600),
    "max_conn_rate": rate("infinity"),
    "messages_rate": rate(ABSENT),
    "bytes_rate": rate(ABSENT),
    "authentication": _nothing(ABSENT, "A listener has no authentication of its own; use /authentication."),
    "tcp_options": {
        "active_n": integer(100, 1),
        "backlog": integer(1024, 1, 65_535),
        "send_timeout": duration("15s", 0.001),
        "send_timeout_close": flag(True),
        "recbuf": size(ABSENT, 1, 1 << 30),
        "sndbuf": size(ABSENT, 1, 1 << 30),
        "buffer": size("4KB", 1, 1 << 30),
        "high_watermark": size("1MB", 1, 1 << 40),
        "nodelay": flag(True),
        "nolinger": flag(False),
        "reuseaddr": flag(True),
        "keepalive": Form("none", _keepalive),
    },
}
_LEVELS = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug", "none", "all")
_WITHOUT = "This is not offered here."
_TLS: Forms = {
    "certfile": text(ABSENT),
    "keyfile": text(ABSENT),
    "cacertfile": text(ABSENT),
    "verify": word("verify_none", "verify_none", "verify_peer"),
    "fail_if_no_peer_cert": flag(False),
    "versions": texts(["tlsv1.3", "tlsv1.2"], "tlsv1.3", "tlsv1.2", "tlsv1.1", "tlsv1"),
    "ciphers": Form([], _words),
    "depth": integer(10, 0, 255),
    "password": text(ABSENT, 10_000, is_secret=True),
    "handshake_timeout": duration("15s", 0.001, 3600),
    "reuse_sessions": flag(True),
    "secure_renegotiate": flag(True),
    "client_renegotiation": flag(True),
    "honor_cipher_order": flag(True),
    "log_level": word("notice", *_LEVELS),
    "hibernate_after": duration("5s"),
    "gc_after_handshake": flag(False),
    "enable_crl_check": _nothing(False, _WITHOUT),
    "ocsp": {
        "enable_ocsp_stapling": _nothing(False, _WITHOUT),
        "refresh_interval": duration("5m"),
        "refresh_http_timeout": duration("15s"),
        "responder_url": text(ABSENT),
        "issuer_pem": text(ABSENT),
    },
}
_WEBSOCKET: Forms = {
    "mqtt_path": Form("/mqtt", _path),
    "mqtt_piggyback": word("multiple", "multiple", "single"),
    "compress": flag(False),
    "idle_timeout": duration("7200s", 0.001, off="infinity"),
    "max_frame_size": integer("infinity", 1, off="infinity"),
    "fail_if_no_subprotocol": flag(True),
    "supported_subprotocols": Form("mqtt, mqtt-v3, mqtt-v3.1.1, mqtt-v5", _words),
    "check_origin_enable": flag(False),
    "allow_origin_absence": flag(True),
    "check_origins": Form("http://localhost:18083, http://127.0.0.1:18083", _words),
    "proxy_address_header": text("x-forwarded-for", 256),
    "proxy_port_header": text("x-forwarded-port", 256),
    "validate_utf8": flag(True),
    "deflate_opts": {
        "level": word("default", "none", "default", "best_compression", "best_speed"),
        "mem_level": integer(8, 1, 9),
        "strategy": word("default", "default", "filtered", "huffman_only", "rle"),
        "server_context_takeover": word("takeover", "takeover", "no_takeover"),
        "client_context_takeover": word("takeover", "takeover", "no_takeover"),
        "server_max_window_bits": integer(15, 8, 15),
        "client_max_window_bits": integer(15, 8, 15),
    },
}
FORMS: dict[str, Forms] = {
    "tcp": _ALL,
    "ssl": {**_ALL, "ssl_options": _TLS},
    "ws": {**_ALL, "websocket": _WEBSOCKET},
    "wss": {**_ALL, "ssl_options": _TLS, "websocket": _WEBSOCKET},
}
