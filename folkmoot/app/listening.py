"""Opens the MQTT listeners of the configuration, TCP and WebSocket, with what the management API has made of them."""

from __future__ import annotations

from folkmoot.surfaces.mqtt import Stream
from folkmoot.surfaces.mqtt.listening import Listening

from .program import Program
from .tls import server_context

#: The id of a listener → its [listen] name.
NAMES = {"tcp:default": "mqtt", "ssl:default": "mqtt_tls", "ws:default": "mqtt_ws", "wss:default": "mqtt_wss"}


async def start(program: Program, stream: Stream) -> Listening:
    """Listen; ends in order with the stream. Raises ListenError or Invalid for what the configuration says."""
    house = program.house

    def moved(listener_id: str, address: str) -> None:
        name = NAMES.get(listener_id)
        if name is not None and address:
            program.addresses[name] = address
        elif name is not None:
            program.addresses.pop(name, None)

    listening = Listening(house, stream, moved)
    program.on_stop(listening.stop)
    program.on_stop(stream.stop)
    program.on_stop(listening.refuse)
    binds = {listener_id: getattr(house.config.listen, name) for listener_id, name in NAMES.items()}
    if binds["ssl:default"] or binds["wss:default"]:
        server_context(house.config)
    await listening.open({listener_id: bind for listener_id, bind in binds.items() if bind})
    return listening
