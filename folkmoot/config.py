"""The configuration: one TOML file, typed, every key overridable by the environment.

`FOLKMOOT_<SECTION>__<KEY>` overrides a key of the file. Unknown keys and bad values are errors that name the key.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from folkmoot.errors import Invalid

_PREFIX = "FOLKMOOT_"
_DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,253}[A-Za-z0-9])?")
# Variables with our prefix that are not configuration: the first administrator, and what the tests are told.
_NOT_KEYS = ("FOLKMOOT_ADMIN_", "FOLKMOOT_TEST_")


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where everything is kept."""

    dir: str = "data"
    """The data directory; made when missing."""
    url: str = ""
    """A PostgreSQL URL (postgresql://user:password@host/database); empty: SQLite files in the data directory."""
    event_retention_days: int = 30
    """How long the event log keeps what every reader has dealt with."""


class Listen(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Addresses, `host:port`; an empty one switches the listener off, port 0 takes a free port."""

    forum: str = "127.0.0.1:8536"
    lists: str = "127.0.0.1:5006"
    newsletter: str = "127.0.0.1:9000"
    mqtt_api: str = "127.0.0.1:18083"
    web: str = "127.0.0.1:8080"
    mqtt: str = "127.0.0.1:1883"
    mqtt_ws: str = "127.0.0.1:8083"
    mqtt_tls: str = ""
    """Needs `tls.certificate` and `tls.key`; customary: 127.0.0.1:8883."""
    mqtt_wss: str = ""
    """Needs `tls.certificate` and `tls.key`; customary: 127.0.0.1:8084."""
    lmtp: str = "127.0.0.1:8024"
    smtp: str = "127.0.0.1:2525"


class Tls(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The server's certificate, PEM files; for MQTT over TLS and for STARTTLS."""

    certificate: str = ""
    key: str = ""


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the community calls itself to the outside."""

    hostname: str = "localhost"
    """The name in links and in the forum's tokens."""
    web_url: str = ""
    """The public address of the web pages; empty: where the web listener answers."""
    lists_url: str = ""
    """The public address of the list archives; empty: where the lists listener answers."""
    forum_url: str = ""
    """The public address of the forum; empty: where the forum listener answers."""
    newsletter_url: str = ""
    """The public address of the newsletter's pages; empty: where the newsletter listener answers."""


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Mail in and out."""

    relay: str = ""
    """smtp://[user:password@]host:port, smtps:// or smtp+starttls://; empty: outgoing mail is caught and shown."""
    domain: str = "localhost"
    """The domain of list addresses and Message-IDs."""
    max_bytes: int = 8 * 1024 * 1024
    """The largest mail taken."""
    peers: tuple[str, ...] = ()
    """Networks that mail is taken from, as 10.0.0.0/8 (in the environment: separated by commas); none: from whoever
    reaches the listener."""
    caught_retention_days: int = 14
    """How long caught, sent and failed mail is kept to be looked at."""


class Outgoing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Requests and connections to addresses that people set: webhooks, bridges, link previews."""

    allowed_networks: tuple[str, ...] = ()
    """Networks that may be reached although they are not public, as 127.0.0.0/8 (in the environment: separated by commas)."""


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The documented rate limits; sizes stay bounded whatever is set here."""

    enabled: bool = True
    register: int = 1
    register_per_second: int = 3600
    post: int = 1
    post_per_second: int = 600
    message: int = 30
    message_per_second: int = 60


class Forum(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The forum."""

    word_filter: str = ""
    """A regular expression, whatever the case: names, titles and posts with such words are refused, in comments they are
    masked. Empty: none."""
    jwt_secret: str = ""
    """What tokens are signed with; a new one ends all sessions. Empty: a secret of the server's own."""
    mail_from: str = ""
    """The sender of the forum's own mails; empty: postmaster at the mail domain."""
    site_file: str = ""
    """A site configuration as the reference has it (HJSON), taken over at the first start; from then on it is changed through
    the API. A relative path is one in the data directory."""
    link_previews: bool = False
    """Are the pages that posts link to asked for their title, description and picture?"""


class Mqtt(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The message broker."""

    anonymous: bool | str = "loopback"
    """Who may connect without a user name: `loopback` (clients on this machine), `everybody` (also written true) or `nobody`
    (false). They see what anybody may read of the spaces, and all other topics. Once an authenticator is set, nobody may."""
    node_name: str = "emqx@127.0.0.1"
    max_packet_bytes: int = 1024 * 1024
    basic_auth_users: bool = True
    """Does the management API take accounts over Basic authentication, as EMQX 5.0 did? Otherwise keys only, as 5.8 does."""
    error_code_flavour: str = "v5.0"
    """The code words of the management API where versions differ: `v5.0` or `v5.8`."""
    api_key_file: str = ""
    """A file with API keys, read at every start: lines `key:secret` or `key:secret:role`. They belong to the first
    administrator and replace those of the same name. A relative path is one in the data directory."""

    def admits_anonymous(self, address: str) -> bool:
        """May a client at this address connect without a user name?"""
        if self.anonymous in (True, "everybody", "true"):
            return True
        return self.anonymous == "loopback" and _is_loopback(address)


class Log(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The log, on standard error."""

    level: str = "info"
    format: str = "text"
    """`text` for people, `json` for programs."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All sections."""

    data: Data = Data()
    listen: Listen = Listen()
    tls: Tls = Tls()
    site: Site = Site()
    mail: Mail = Mail()
    outgoing: Outgoing = Outgoing()
    limits: Limits = Limits()
    forum: Forum = Forum()
    mqtt: Mqtt = Mqtt()
    log: Log = Log()


def load(path: Path | None = None, environment: Mapping[str, str] = os.environ) -> Config:
    """The configuration from a file (defaults without one) and the environment; raises Invalid naming the key."""
    document: dict[str, Any] = {}
    if path is not None:
        try:
            document = tomllib.loads(path.read_text("utf-8"))
        except OSError as error:
            raise Invalid("config.unreadable", f"Cannot read {path}: {error.strerror}.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise Invalid("config.syntax", f"{path} is not TOML: {error}.") from error
    for name, value in environment.items():
        if name.startswith(_PREFIX) and not name.startswith(_NOT_KEYS):
            _override(document, name, value)
    return _convert(document)


def _override(document: dict[str, Any], name: str, value: str) -> None:
    section_name, separator, key = name[len(_PREFIX) :].lower().partition("__")
    section = next((field for field in msgspec.structs.fields(Config) if field.name == section_name), None)
    if not separator or section is None:
        raise Invalid("config.unknown", f"{name} is not a setting: {_known(section_name)}", name)
    kinds = {field.name: field.type for field in msgspec.structs.fields(section.type)}
    if key not in kinds:
        raise Invalid("config.unknown", f"{name} is not a setting: [{section_name}] has {', '.join(kinds)}.", name)
    given: Any = value
    if kinds[key] == tuple[str, ...]:
        given = [word for word in (piece.strip() for piece in value.split(",")) if word]
    try:
        document.setdefault(section_name, {})[key] = msgspec.convert(given, kinds[key], strict=False)
    except msgspec.ValidationError as error:
        raise Invalid("config.value", f"{name}={value!r}: {error}.", name) from error


def _known(section: str) -> str:
    names = ", ".join(field.name for field in msgspec.structs.fields(Config))
    return f"there is no section {section!r}; the sections are {names}."


def _convert(document: dict[str, Any]) -> Config:
    for name in document:
        if name not in Config.__struct_fields__:
            raise Invalid("config.unknown", _known(name).capitalize(), name)
    try:
        config = msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        raise Invalid("config.value", f"The configuration is wrong: {error}.") from error
    _check(config)
    return config


def _check(config: Config) -> None:
    if config.log.level not in ("debug", "info", "warning", "error"):
        raise Invalid("config.value", "log.level is one of debug, info, warning, error.", "log.level")
    if config.log.format not in ("text", "json"):
        raise Invalid("config.value", "log.format is text or json.", "log.format")
    if config.mqtt.error_code_flavour not in ("v5.0", "v5.8"):
        raise Invalid("config.value", "mqtt.error_code_flavour is v5.0 or v5.8.", "mqtt.error_code_flavour")
    if config.mqtt.anonymous not in (True, False, "true", "false", "loopback", "everybody", "nobody"):
        raise Invalid("config.value", "mqtt.anonymous is loopback, everybody or nobody.", "mqtt.anonymous")
    try:
        re.compile(config.forum.word_filter)
    except re.error as error:
        raise Invalid("config.value", f"forum.word_filter: {error}.", "forum.word_filter") from error
    if not _DOMAIN.fullmatch(config.mail.domain):
        raise Invalid("config.value", "mail.domain is a name as lists.example.org.", "mail.domain")
    if config.mail.max_bytes < 1:
        raise Invalid("config.value", "mail.max_bytes is at least 1.", "mail.max_bytes")
    _check_rates(config.limits)
    _check_networks(config.mail.peers, "mail.peers")
    _check_networks(config.outgoing.allowed_networks, "outgoing.allowed_networks")
    if config.data.url and not config.data.url.startswith(("postgresql://", "postgres://")):
        raise Invalid("config.value", "data.url is a postgresql:// URL, or empty for SQLite.", "data.url")
    if (config.listen.mqtt_tls or config.listen.mqtt_wss) and not (config.tls.certificate and config.tls.key):
        raise Invalid(
            "config.value", "listen.mqtt_tls and mqtt_wss need tls.certificate and tls.key.", "tls.certificate"
        )


def _check_rates(limits: Limits) -> None:
    for name in ("register", "post", "message"):
        for key in (name, f"{name}_per_second"):
            if getattr(limits, key) < 1:
                raise Invalid("config.value", f"limits.{key} is at least 1.", f"limits.{key}")


@functools.lru_cache
def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    inner = getattr(found, "ipv4_mapped", None)
    return found.is_loopback if inner is None else bool(inner.is_loopback)


def _check_networks(networks: tuple[str, ...], key: str) -> None:
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            raise Invalid("config.value", f"{key}: {error}.", key) from error
