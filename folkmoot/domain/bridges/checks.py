"""Whether connectors, actions and sources make sense. Pure; nothing here tries to reach anybody."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from folkmoot.domain.broker import is_filter, split_shared
from folkmoot.errors import Invalid
from folkmoot.text.amounts import parse_duration, parse_size

from .model import Action, Connector, HttpServer, MqttServer, MqttSubscription, Resource, Source

_NAME = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z_-]{0,254}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_SERVER = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:/\[\]@]+))(?::([0-9]{1,5}))?")

#: How many there may be of each.
MOST = 1000


def check(value: Connector | Action | Source) -> None:
    """Raises Invalid with the field that makes no sense."""
    if not _NAME.fullmatch(value.name):
        raise Invalid("name.invalid", "A name has letters, digits, _ and -, begins with none of the last two.", "name")
    if len(value.description) > 4096 or len(value.tags) > 64 or any(len(tag) > 256 for tag in value.tags):
        raise Invalid("text.long", "The description or the tags are too long.", "description")
    _check_resource(value.resource)
    settings = value.settings
    if isinstance(settings, HttpServer):
        _check_http(settings)
    elif isinstance(settings, MqttServer):
        _check_mqtt(settings)
    elif isinstance(settings, MqttSubscription):
        _check_filter(settings.topic)
    headers = getattr(settings, "headers", {})
    for name, text in headers.items():
        if not _HEADER.fullmatch(name) or any(char in text for char in "\r\n\0"):
            raise Invalid("header.invalid", f"{name!r} is no usable header.", "headers")


def parse_server(server: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[address]:port` or a host alone. Raises Invalid."""
    found = _SERVER.fullmatch(server)
    port = int(found[3]) if found and found[3] else 1883
    if found is None or not 0 < port < 65536:
        raise Invalid("server.invalid", "A server looks like broker.example.org:1883.", "server")
    return found[1] or found[2], port


def _check_resource(resource: Resource) -> None:
    for name in ("health_check_interval", "start_timeout", "batch_time"):
        parse_duration(getattr(resource, name), f"resource_opts.{name}")
    if resource.request_ttl != "infinity":
        parse_duration(resource.request_ttl, "resource_opts.request_ttl")
    parse_size(resource.max_buffer_bytes, "resource_opts.max_buffer_bytes")


def _check_http(settings: HttpServer) -> None:
    try:
        url = urlsplit(settings.url)
        valid = url.scheme in ("http", "https") and url.hostname and url.port != 0 and url.username is None
    except ValueError:
        valid = False
    if not valid:
        raise Invalid("url.invalid", "This is no address such as https://example.org:8443/hook.", "url")
    if url.query or url.fragment:
        raise Invalid("url.invalid", "The address of a server has neither a query nor a fragment.", "url")
    parse_duration(settings.connect_timeout, "connect_timeout")


def _check_mqtt(settings: MqttServer) -> None:
    parse_server(settings.server)
    for name in ("connect_timeout", "retry_interval"):
        parse_duration(getattr(settings, name), name)
    if parse_duration(settings.keepalive, "keepalive") > 65_535:
        raise Invalid("keepalive.long", "The keepalive is at most 65,535 seconds.", "keepalive")
    if settings.password and not settings.username and settings.proto_ver != "v5":
        # MQTT 3.1.1 [MQTT-3.1.2-22]
        raise Invalid("password.alone", "Before MQTT 5 a password needs a user name.", "username")
    if any(not each or len(each.encode()) > 65_535 for one in settings.static_clientids for each in one.ids):
        raise Invalid("clientid.invalid", "A client identifier has 1 to 65,535 bytes.", "static_clientids")


def _check_filter(topic: str) -> None:
    try:
        inner = split_shared(topic)[1]
    except ValueError:
        inner = ""
    if not is_filter(inner):
        raise Invalid("source.filter", "This is no topic filter.", "parameters.topic")
