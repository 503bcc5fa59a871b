"""Serves HTTP: an app per surface, each on its socket."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from starlette.types import ASGIApp

from folkmoot.house import House
from folkmoot.net.listeners import HttpServer
from folkmoot.surfaces.mqtt import Management

from .program import Program

#: The [listen] names of what is served over HTTP.
HTTP = ("forum", "lists", "newsletter", "mqtt_api", "web")


def name_origins(house: House, addresses: Mapping[str, str]) -> None:
    """Tell every surface where the others answer, as the world outside names it."""
    site = house.config.site
    public = {"web": site.web_url, "lists": site.lists_url, "forum": site.forum_url, "newsletter": site.newsletter_url}
    for name in HTTP:
        house.origins[name] = (public.get(name) or f"http://{addresses.get(name, site.hostname)}").rstrip("/")


async def start(program: Program, sockets: Mapping[str, socket.socket | None], management: Management) -> None:
    """Make every app and serve it on its socket, if it has one."""
    apps = _make_apps(program, management)
    for name in HTTP:
        sock = sockets[name]
        if sock is not None:
            server = HttpServer(apps[name], sock)
            await server.start()
            program.on_stop(server.stop)


def _make_apps(program: Program, management: Management) -> dict[str, ASGIApp]:
    from folkmoot.surfaces import forum, lists, mqtt, newsletter, web

    house = program.house
    return {
        "forum": forum.make_app(house),
        "lists": lists.make_app(house),
        "newsletter": newsletter.make_app(house),
        "mqtt_api": mqtt.make_app(management),
        "web": web.make_app(house, program.addresses, lambda: program.ready),
    }
