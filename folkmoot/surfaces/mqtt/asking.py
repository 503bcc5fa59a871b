"""Asks web servers what a client may do (contract §2.12, http): the part of the broker's gate that has to wait."""

from __future__ import annotations

from folkmoot.domain.authorization import HttpSource, Outcome, RuleGate
from folkmoot.domain.broker import Client, Verdict, Wish
from folkmoot.errors import Invalid
from folkmoot.house import House
from folkmoot.net.outgoing import Answer, OutgoingError
from folkmoot.surfaces.mqtt import inquiry
from folkmoot.surfaces.mqtt.servers import Server
from folkmoot.wire import mqtt

_ANSWERS = {"allow": True, "deny": False}


class Servers:
    """The servers of sources, each made when it is first asked. There is one of this type at a time."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._source: HttpSource | None = None
        self._server: Server | None = None

    def of(self, source: HttpSource) -> Server:
        """A source's. Raises Invalid when its certificates cannot be used (any more)."""
        if self._server is None or source is not self._source:
            made = server_of(self._house, source)
            if self._server is not None:
                self._server.retire()
            self._source, self._server = source, made
        return self._server


def server_of(house: House, source: HttpSource) -> Server:
    """How a source's server is reached. Raises Invalid when its certificates cannot be used."""
    return Server(house, source.ssl, source.connect_timeout_seconds, source.pool_size)


async def judge_outside(servers: Servers, gate: RuleGate, client: Client, wish: Wish) -> Verdict:
    """The verdict on a wish for which the gate has to ask somebody; whoever does not answer is passed over."""
    deliberation = gate.deliberate(client, wish)
    try:
        source = next(deliberation)
        while True:
            source = deliberation.send(await _ask(servers, source, client, wish))
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict


async def _ask(servers: Servers, source: HttpSource, client: Client, wish: Wish) -> Outcome:
    columns = inquiry.client_columns(client) | {
        "proto_name": "MQIsdp" if client.version == mqtt.MQTT_3_1 else "MQTT",
        "action": wish.action,
        "topic": wish.topic,
        "qos": wish.qos,
        "retain": wish.retain,
    }
    try:
        asked = inquiry.prepare(source, columns)
    except ValueError as error:
        # Not passed over: nobody gets past a source by what it is called.
        return Outcome(False, error=str(error))
    try:
        answer = await servers.of(source).ask(asked, source.request_timeout_seconds)
    except OutgoingError as error:
        return Outcome(None, ignored=True, error=str(error) or "no answer")
    except Invalid as error:
        return Outcome(None, ignored=True, error=error.message)
    return _read(answer)


def _read(answer: Answer) -> Outcome:
    if answer.status == 204:
        return Outcome(True)
    if answer.status != 200:
        return Outcome(None, ignored=True, error=f"status {answer.status}")
    try:
        result = inquiry.read(answer).get("result")
    except ValueError:
        return Outcome(None, ignored=True, error="the answer cannot be read")
    if isinstance(result, str) and result in _ANSWERS:
        return Outcome(_ANSWERS[result])
    return Outcome(None, ignored=True, error="" if result == "ignore" else "the answer says nothing")
