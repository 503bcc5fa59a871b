"""Clients and what can be done to them (contract §2.3)."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from heapq import nsmallest
from typing import Any

import msgspec
from starlette.responses import PlainTextResponse, Response

from folkmoot.domain.broker import Delivery, Identity, Refused, Session, queue_priority
from folkmoot.errors import Invalid, NotFound
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.surfaces.mqtt.handlers.reading import moment, page, passing
from folkmoot.text import amounts
from folkmoot.wire import mqtt

_LONGEST_FILTER = 65_535
_POSITION = re.compile(r"([0-9]{1,3})_([0-9]{1,18})")


async def list_clients(call: Call) -> Any:
    app: Management = call.app
    query: schema.ClientQuery = call.data
    app.require_node(query.node)
    names = _field_names(query.fields)
    tests = _client_tests(query)
    sessions = app.stream.broker.sessions
    if query.clientid:
        candidates: Iterable[Session] = [sessions[name] for name in dict.fromkeys(query.clientid) if name in sessions]
    else:
        candidates = sessions.values()
    rows, count = await page(candidates, tests, query)
    clients = [render.client(session, app.node_name) for session in rows]
    meta = render.page_meta(query, count)
    if names is None:
        return schema.ClientPage(clients, meta)
    return {"data": _picked(clients, names), "meta": meta}


async def list_clients_by_cursor(call: Call) -> Any:
    """In the order of their identifiers; the cursor is the last one of the page before."""
    app: Management = call.app
    query: schema.ClientCursorQuery = call.data
    names, tests = _field_names(query.fields), _client_tests(query)
    last = _read_cursor(query.cursor)
    sessions = app.stream.broker.sessions
    wanted = set(query.clientid)
    tests = [*tests, lambda session: session.client_id in wanted] if wanted else tests
    found = await passing(sessions.values(), tests)
    rest = nsmallest(query.limit + 1, (each.client_id for each in found if last is None or each.client_id > last))
    meta = schema.CursorMeta(len(found))
    if len(rest) > query.limit:
        meta.cursor = urlsafe_b64encode(rest[query.limit - 1].encode()).decode()
    clients = [render.client(sessions[name], app.node_name) for name in rest[: query.limit] if name in sessions]
    return schema.ClientCursorPage(clients, meta) if names is None else {"data": _picked(clients, names), "meta": meta}


def _read_cursor(cursor: str | None) -> str | None:
    if not cursor or cursor == "none":
        return None
    try:
        return urlsafe_b64decode(cursor).decode()
    except ValueError as error:
        raise Invalid("filter.invalid", "This is no cursor of ours.", "cursor") from error


def _picked(clients: list[schema.Client], names: set[str]) -> list[dict[str, Any]]:
    return [{key: value for key, value in msgspec.to_builtins(each).items() if key in names} for each in clients]


def _field_names(fields: str) -> set[str] | None:
    if fields == "all":
        return None
    names = {name.strip() for name in fields.split(",")}
    unknown = names - schema.CLIENT_FIELDS
    if unknown:
        raise Invalid("fields.unknown", f"There is no field named {min(unknown)}.", "fields")
    return names


def _client_tests(query: schema.ClientQuery) -> list[Callable[[Session], bool]]:
    tests = list[Callable[[Session], bool]]()
    if query.username:
        names = frozenset(query.username)
        tests.append(lambda session: render.username(session) in names)
    if query.like_clientid is not None:
        part_of_id = query.like_clientid
        tests.append(lambda session: part_of_id in session.client_id)
    if query.like_username is not None:
        part_of_name = query.like_username
        tests.append(lambda session: part_of_name in (render.username(session) or ""))
    if query.ip_address is not None:
        tests.append(lambda session: session.client.address == query.ip_address)
    if query.conn_state is not None:
        # A client without a session is not listed, so none is idle.
        state = query.conn_state
        tests.append(lambda session: state == ("connected" if session.link is not None else "disconnected"))
    if query.clean_start is not None:
        tests.append(lambda session: session.clean_start == query.clean_start)
    if query.proto_ver is not None:
        tests.append(lambda session: bool(session.client.address) and session.client.version == query.proto_ver)
    for name in ("created_at", "connected_at"):
        tests += _time_tests(name, getattr(query, f"gte_{name}"), getattr(query, f"lte_{name}"))
    return tests


def _time_tests(name: str, least: str | None, most: str | None) -> list[Callable[[Session], bool]]:
    tests = list[Callable[[Session], bool]]()
    if least is not None:
        since = moment(least, f"gte_{name}", milliseconds=True).timestamp()
        tests.append(lambda session: getattr(session, name) >= since)
    if most is not None:
        until = moment(most, f"lte_{name}", milliseconds=True).timestamp()
        tests.append(lambda session: getattr(session, name) <= until)
    return tests


async def get_client(call: Call) -> schema.Client:
    return render.client(_session(call), call.app.node_name)


def _session(call: Call) -> Session:
    session: Session | None = call.app.stream.broker.sessions.get(call.path["clientid"])
    if session is None:
        raise NotFound("client.unknown", "Client ID not found")
    return session


async def count_sessions(call: Call) -> Response:
    """Those that are connected, or were at or after `since`."""
    since: int = call.data.since
    sessions = call.app.stream.broker.sessions.values()
    count = sum(each.disconnected_at is None or each.disconnected_at >= since for each in sessions)
    return PlainTextResponse(f"{count}")


async def set_keepalive(call: Call) -> schema.Client:
    link = _live_session(call).link
    if link is not None:
        link.keepalive = call.data.interval
    return render.client(_session(call), call.app.node_name)


async def list_queued(call: Call) -> schema.WaitingPage:
    session = _session(call)
    limits = session.limits
    found = [(each, queue_priority(each, limits) if limits.mqueue_priorities else 0) for each in session.queue]
    return _waiting(call, found, True)


async def list_inflight(call: Call) -> schema.WaitingPage:
    return _waiting(call, [(each, 0) for each in _session(call).on_its_way().values()], False)


def _waiting(call: Call, found: list[tuple[Delivery, int]], shows_priority: bool) -> schema.WaitingPage:
    """A page of what waits; the payloads of a page have a size together, but its first message is always there."""
    query: schema.WaitingQuery = call.data
    try:
        room = amounts.parse_size(query.max_payload_bytes, "max_payload_bytes")
    except Invalid as error:
        raise Invalid("filter.invalid", error.message, error.field) from error
    places = [f"{priority}_{delivery.message.number}" for delivery, priority in found]
    at, data = _first_after(query.position, places), list[schema.WaitingMessage]()
    while at < len(found) and len(data) < query.limit:
        delivery, priority = found[at]
        size = len(delivery.message.payload) if query.payload != "none" else 0
        if data and size > room:
            break
        room -= size
        encoding = query.payload if _may_read(call, delivery.message.topic) else "none"
        data.append(render.waiting_message(delivery, encoding, priority if shows_priority else msgspec.UNSET))
        at += 1
    end = places[at - 1] if data and at < len(found) else "end_of_data"
    return schema.WaitingPage(data, schema.PositionMeta(places[0] if places else "none", end))


def _may_read(call: Call, topic: str) -> bool:
    """Who may only look is told of messages in closed spaces, but not what they say."""
    gate = call.app.stream.broker.gate
    return bool(call.actor.role == "administrator" or gate.may_receive(Identity(), topic))


def _first_after(position: str, places: list[str]) -> int:
    """Where to go on; what was last may have been sent since then."""
    if position == "none":
        return 0
    if position == "end_of_data":
        return len(places)
    if position in places:
        return places.index(position) + 1
    match = _POSITION.fullmatch(position)
    if match is None:
        raise Invalid("filter.invalid", "This is no position of ours.", "position")
    last = (-int(match[1]), int(match[2]))
    keys = [each.partition("_") for each in places]
    return next((at for at, key in enumerate(keys) if (-int(key[0]), int(key[2])) > last), len(places))


async def kick_client(call: Call) -> None:
    _session(call)
    call.app.stream.broker.kick(call.path["clientid"], call.app.stream.now())


async def kick_clients(call: Call) -> None:
    for client_id in call.data:
        call.app.stream.broker.kick(client_id, call.app.stream.now())


async def list_client_subscriptions(call: Call) -> list[schema.Subscription]:
    return [render.subscription(each, call.app.node_name) for each in _session(call).subscriptions.values()]


async def subscribe_client(call: Call) -> schema.ClientSubscription:
    return _subscribe(call.app, _live_session(call), call.data)


async def subscribe_client_to_many(call: Call) -> list[schema.ClientSubscription]:
    session = _live_session(call)
    return [_subscribe(call.app, session, each) for each in call.data]


def _live_session(call: Call) -> Session:
    session = _session(call)
    if session.link is None:
        # EMQX: subscribing works only while the client is connected
        raise NotFound("client.unknown", "Client ID not found")
    return session


def _subscribe(app: Management, session: Session, wanted: schema.NewSubscription) -> schema.ClientSubscription:
    broker, now = app.stream.broker, app.stream.now()
    # [MQTT-4.7.3-3]
    if len(wanted.topic.encode()) > _LONGEST_FILTER:
        raise Invalid("filter.invalid", f"A topic filter has at most {_LONGEST_FILTER} bytes.", "topic")
    entry = mqtt.Filter(wanted.topic, wanted.qos, bool(wanted.nl), bool(wanted.rap), wanted.rh)
    try:
        code = broker.subscribe(session, entry, now)
    except Refused as error:
        raise Invalid("filter.invalid", f"The client cannot be subscribed to this: {error}.", "topic") from error
    if code >= mqtt.Reason.UNSPECIFIED_ERROR:
        raise Invalid("filter.invalid", f"The client cannot be subscribed to this: {mqtt.Reason(code).name}.", "topic")
    broker.pay(session, now)
    made = broker.find_subscription(session, wanted.topic)
    assert made is not None
    return render.client_subscription(made, app.node_name)


async def unsubscribe_client(call: Call) -> None:
    _unsubscribe(call.app, _live_session(call), call.data)


async def unsubscribe_client_from_many(call: Call) -> None:
    session = _live_session(call)
    for each in call.data:
        _unsubscribe(call.app, session, each)


def _unsubscribe(app: Management, session: Session, wanted: schema.OldSubscription) -> None:
    try:
        app.stream.broker.unsubscribe(session, wanted.topic, app.stream.now())
    except Refused as error:
        raise Invalid("filter.invalid", f"This is no topic filter: {error}.", "topic") from error
