"""Asks web servers what a client may do (contract §2.12, http): the part of the broker's gate that has to wait."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from folkmoot.domain.authorization import Gate, HttpSource, Outcome
from folkmoot.domain.broker import Client, Verdict, Wish
from folkmoot.house import House
from folkmoot.net.outgoing import Answer, OutgoingError
from folkmoot.text.placeholders import Template
from folkmoot.wire import mqtt

_ANSWERS = {"allow": True, "deny": False}


async def judge_outside(house: House, gate: Gate, client: Client, wish: Wish) -> Verdict:
    """The verdict on a wish for which the gate has to ask somebody; whoever does not answer is passed over."""
    deliberation = gate.deliberate(client, wish)
    try:
        source = next(deliberation)
        while True:
            source = deliberation.send(await _ask(house, source, client, wish))
    except StopIteration as end:
        verdict: Verdict = end.value
        return verdict


async def _ask(house: House, source: HttpSource, client: Client, wish: Wish) -> Outcome:
    columns = _columns(client, wish)
    method, url, headers, body = _request(source, columns)
    try:
        answer = await house.outgoing.request(
            method, url, headers=headers, body=body, timeout_seconds=source.request_timeout_seconds
        )
    except OutgoingError as error:
        return Outcome(None, ignored=True, error=str(error) or "no answer")
    return _read(answer)


def _request(source: HttpSource, columns: Mapping[str, Any]) -> tuple[str, str, dict[str, str], bytes]:
    url = _template(source.url).text(columns, missing="", escape=lambda value: quote(value, safe=""))
    headers = {
        name.lower(): _template(value).text(columns, missing="", escape=_one_line)
        for name, value in source.headers.items()
    }
    values = _fill(source.body, columns)
    if source.method == "get":
        headers.pop("content-type", None)
        if values:
            url += ("&" if "?" in url else "?") + urlencode({key: _flat(each) for key, each in values.items()})
        return "GET", url, headers, b""
    kind = headers.setdefault("content-type", "application/json")
    if kind.startswith("application/x-www-form-urlencoded"):
        return "POST", url, headers, urlencode({key: _flat(each) for key, each in values.items()}).encode()
    return "POST", url, headers, msgspec.json.encode(values)


def _columns(client: Client, wish: Wish) -> dict[str, Any]:
    return {
        "clientid": client.client_id,
        "username": client.username or "",
        "peerhost": client.address,
        "peerport": client.port,
        "zone": client.zone,
        "listener": client.listener,
        "mountpoint": client.mountpoint,
        "cert_subject": client.subject or "",
        "cert_common_name": client.common_name or "",
        "client_attrs": client.attrs,
        "proto_name": "MQIsdp" if client.version == mqtt.MQTT_3_1 else "MQTT",
        "action": wish.action,
        "topic": wish.topic,
        "qos": wish.qos,
        "retain": wish.retain,
    }


def _fill(value: Any, columns: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return _template(value).text(columns, missing="")
    if isinstance(value, dict):
        return {_template(key).text(columns, missing=""): _fill(each, columns) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill(each, columns) for each in value]
    return value


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _one_line(value: str) -> str:
    """So that a client's name does not add a header."""
    return "".join(char for char in value if char.isprintable())


@lru_cache(maxsize=512)
def _template(source: str) -> Template:
    return Template(source)


def _read(answer: Answer) -> Outcome:
    if answer.status == 204:
        return Outcome(True)
    if answer.status != 200:
        return Outcome(None, ignored=True, error=f"status {answer.status}")
    try:
        if answer.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            body: Any = dict(parse_qsl(answer.body.decode()))
        else:
            body = msgspec.json.decode(answer.body)
    except ValueError:
        return Outcome(None, ignored=True, error="the answer cannot be read")
    result = body.get("result") if isinstance(body, dict) else None
    if result in _ANSWERS:
        return Outcome(_ANSWERS[result])
    return Outcome(None, ignored=True, error="" if result == "ignore" else "the answer says nothing")
