"""The stories' packets at a live listener, over sockets, in the states before, during and after the connecting.

The input is the seed. The listener must end each connection or go on, answer the canary in time, and keep nobody.
"""

from __future__ import annotations

import atexit
import random
import socket
import time
from contextlib import ExitStack, suppress
from functools import cache

from folkmoot.wire import mqtt
from tests.fuzz.stories import damaged
from tests.surfaces.mqtt.serving import Served, serve

PACKETS_EACH = 60
CANARY_SECONDS = 2.0
_AT_ONCE = 5
#: For the short run of the tests.
FEW_INPUTS = 15

_sent = 0
_slowest = 0.0


def run(data: bytes) -> None:
    """A few clients at once, then the canary."""
    global _sent, _slowest
    chance, (served, canary) = random.Random(data), _started()
    with ExitStack() as stack:
        for _ in range(_AT_ONCE):
            connection = stack.enter_context(served.connect())
            with suppress(OSError):
                connection.sendall(_begin(chance) + b"".join(damaged(chance) for _ in range(PACKETS_EACH)))
                if chance.random() < 0.5:
                    connection.shutdown(socket.SHUT_WR)
            _sent += PACKETS_EACH
        began = time.monotonic()
        canary.sendall(mqtt.PINGREQ)
        assert canary.recv(2) == mqtt.PINGRESP
        _slowest = max(_slowest, time.monotonic() - began)
    deadline = time.monotonic() + 10
    while len(served.broker.links) > 1:
        assert time.monotonic() < deadline, f"{len(served.broker.links)} links are left"
        time.sleep(0.001)


def told() -> str:
    """How much that was."""
    return f"{_sent} packets, the canary waited {_slowest:.3f} s at most"


def _begin(chance: random.Random) -> bytes:
    version = chance.choice((3, 4, 5))
    match chance.randint(0, 19):
        case 0 | 1 | 2 | 3 | 4:
            return b""
        case 5:
            # It takes its time: what follows comes while it waits.
            connect = mqtt.Connect(version, f"slow{chance.randint(0, 9)}", username="slow", password=b"")
        case _:
            connect = mqtt.Connect(version, f"fuzz{chance.randint(0, 9)}", clean_start=chance.random() < 0.5)
    return mqtt.encode(connect, version)


@cache
def _started() -> tuple[Served, socket.socket]:
    stack = ExitStack()
    atexit.register(stack.close)
    served = stack.enter_context(serve())
    canary = stack.enter_context(served.connect())
    canary.settimeout(CANARY_SECONDS)
    canary.sendall(mqtt.encode(mqtt.Connect(4, "canary", keepalive=0), 4))
    assert canary.recv(4)[0] == 0x20
    return served, canary
