"""Serves HTTP: an app per surface, each on its socket, and MQTT over WebSocket."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from starlette.routing import Router, WebSocketRoute
from starlette.types import ASGIApp

from folkmoot.house import House
from folkmoot.net.listeners import HttpServer, WebSocketSettings
from folkmoot.surfaces.mqtt import Management

from .program import Program
from .tls import server_context

#: The [listen] names of surfaces, which have an origin, and of what else is served over HTTP.
HTTP = ("forum", "lists", "newsletter", "mqtt_api", "web")
SERVED = (*HTTP, "mqtt_ws", "mqtt_wss")


def name_origins(house: House, addresses: Mapping[str, str]) -> None:
    """Tell every surface where the others answer, as the world outside names it."""
    site = house.config.site
    public = {"web": site.web_url, "lists": site.lists_url, "forum": site.forum_url, "newsletter": site.newsletter_url}
    for name in HTTP:
        house.origins[name] = (public.get(name) or f"http://{addresses.get(name, site.hostname)}").rstrip("/")


async def start(program: Program, sockets: Mapping[str, socket.socket | None], management: Management) -> None:
    """Make every app and serve it on its socket, if it has one."""
    config = program.house.config
    apps = _make_apps(program, management)
    for name in SERVED:
        sock = sockets[name]
        if sock is not None:
            settings = (
                WebSocketSettings(max_message_bytes=config.mqtt.max_packet_bytes + 5, ping_interval_seconds=None)
                if name.startswith("mqtt_w")
                else WebSocketSettings()
            )
            tls = server_context(config) if name == "mqtt_wss" else None
            server = HttpServer(apps[name], sock, websockets=settings, tls=tls)
            await server.start()
            program.on_stop(server.stop)


def _make_apps(program: Program, management: Management) -> dict[str, ASGIApp]:
    from folkmoot.surfaces import forum, lists, mqtt, newsletter, web

    house = program.house
    websocket = Router(routes=[WebSocketRoute("/mqtt", management.stream.websocket)])
    return {
        "forum": forum.make_app(house),
        "lists": lists.make_app(house),
        "newsletter": newsletter.make_app(house),
        "mqtt_api": mqtt.make_app(management),
        "web": web.make_app(house, program.addresses, lambda: program.ready),
        "mqtt_ws": websocket,
        "mqtt_wss": websocket,
    }
