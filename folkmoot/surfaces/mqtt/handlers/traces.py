"""Traces and slow subscriptions (contract §2.15)."""

from __future__ import annotations

import asyncio
import io
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from starlette.responses import Response

from folkmoot.domain import monitoring
from folkmoot.domain.monitoring import SlowSettings, Trace, Traces
from folkmoot.errors import Invalid, NotFound, Unavailable
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers import reading
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.text.amounts import format_duration, parse_duration

_LASTS = timedelta(minutes=10)
#: More is not read at once.
_CHUNK_BYTES_MAX = 8 * 1024 * 1024


def _now(app: Management) -> datetime:
    return monitoring.whole_second(app.stream.now())


async def list_traces(call: Call) -> list[schema.TraceRow]:
    app: Management = call.app
    newest = sorted(app.monitoring.traces.all.values(), key=lambda each: each.starts_at, reverse=True)
    return [_row(app, each) for each in newest]


def _row(app: Management, trace: Trace) -> schema.TraceRow:
    traces = app.monitoring.traces
    traces.flush(trace.name)
    return render.trace(trace, trace.status(_now(app)), {app.node_name: _size(traces.path(trace))})


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


async def create_trace(call: Call) -> schema.TraceRow:
    app: Management = call.app
    wanted: schema.NewTrace = call.data
    now, traces = _now(app), app.monitoring.traces
    starts_at = now if wanted.start_at is None else _moment(wanted.start_at, "start_at")
    ends_at = starts_at + _LASTS if wanted.end_at is None else _moment(wanted.end_at, "end_at")
    value = getattr(wanted, wanted.type) if wanted.type in monitoring.SUBJECTS else None
    trace = Trace(wanted.name, wanted.type, value or "", starts_at, ends_at, wanted.payload_encode, wanted.formatter)
    async with app.tracing:
        traces.require_new(trace, now)
        await app.house.broker_db.write(monitoring.save_trace, trace)
        traces.put(trace, now)
    return _row(app, trace)


def _moment(value: int | str, field: str) -> datetime:
    try:
        return reading.moment(value, field).replace(microsecond=0)
    except Invalid as error:
        raise Invalid("trace.invalid", error.message, field) from error


async def delete_all_traces(call: Call) -> None:
    app: Management = call.app
    async with app.tracing:
        await _delete(app, list(app.monitoring.traces.all))


async def delete_trace(call: Call) -> None:
    app: Management = call.app
    async with app.tracing:
        await _delete(app, [app.monitoring.traces.get(call.path["name"]).name])


async def _delete(app: Management, names: list[str]) -> None:
    await app.house.broker_db.write(monitoring.delete_traces, names)
    for name in names:
        app.monitoring.traces.remove(name)


async def stop_trace(call: Call) -> schema.StoppedTrace:
    app: Management = call.app
    traces = app.monitoring.traces
    async with app.tracing:
        trace = traces.get(call.path["name"])
        if trace.status(_now(app)) != "stopped":
            trace = msgspec.structs.replace(trace, ends_at=_now(app))
            await app.house.broker_db.write(monitoring.save_trace, trace)
            traces.put(trace, _now(app))
    return schema.StoppedTrace(trace.name, False)


async def download_trace(call: Call) -> Response:
    app: Management = call.app
    trace, path = _file(call)
    if not _size(path):
        raise NotFound("trace.empty", "Nothing was written to this trace.")
    data = await asyncio.to_thread(_zipped, path, f"{app.node_name}/{path.name}")
    disposition = f'attachment; filename="{trace.name}.zip"'
    return Response(data, media_type="application/x-zip", headers={"content-disposition": disposition})


def _zipped(path: Path, name: str) -> bytes:
    found = io.BytesIO()
    with zipfile.ZipFile(found, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, path.read_bytes())
    return found.getvalue()


async def read_trace(call: Call) -> schema.TraceLog:
    size, start = call.data.bytes, call.data.position
    _, path = _file(call)
    if size > _CHUNK_BYTES_MAX:
        raise Unavailable("trace.chunk", "So much is not read at once.")
    text, end = await asyncio.to_thread(_chunk, path, start, size)
    return schema.TraceLog(text, schema.TraceLogMeta(end, size))


def _chunk(path: Path, start: int, size: int) -> tuple[str, int]:
    """The text there, and where it ends: never inside a character."""
    if not path.exists():
        return "", start
    with path.open("rb") as file:
        file.seek(start)
        data = file.read(size)
        # At most three bytes of a character can be missing.
        while data and len(data) < size + 3:
            try:
                return data.decode(), start + len(data)
            except UnicodeDecodeError as error:
                more = file.read(1) if error.end == len(data) else b""
                if not more:
                    break
                data += more
    return data.decode(errors="replace"), start + len(data)


async def list_trace_files(call: Call) -> list[schema.TraceFile]:
    _, path = _file(call)
    if not path.exists():
        return []
    found = path.stat()
    return [schema.TraceFile(call.app.node_name, found.st_size, int(found.st_mtime * 1000))]


def _file(call: Call) -> tuple[Trace, Path]:
    traces: Traces = call.app.monitoring.traces
    trace = traces.get(call.path["name"])
    if call.data is not None:
        call.app.require_node(call.data.node, "trace.node")
    traces.flush(trace.name)
    return trace, traces.path(trace)


async def list_slow_subscriptions(call: Call) -> schema.SlowSubscriptionList:
    app: Management = call.app
    found = app.monitoring.slow.list(app.stream.now())
    return schema.SlowSubscriptionList([render.slow_subscription(each, app.node_name) for each in found])


async def delete_slow_subscriptions(call: Call) -> None:
    call.app.monitoring.slow.forget()


async def get_slow_settings(call: Call) -> schema.SlowSubscriptionSettings:
    return _shown(call.app.monitoring.slow.settings)


async def set_slow_settings(call: Call) -> schema.SlowSubscriptionSettings:
    app: Management = call.app
    wanted: schema.SlowSubscriptionChange = call.data
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    for name in ("threshold", "expire_interval"):
        if name in given:
            given[name] = parse_duration(given[name], name)
    settings = msgspec.structs.replace(app.monitoring.slow.settings, **given)
    if settings.expire_interval < 1:
        raise Invalid("duration.invalid", "The interval is at least a second.", "expire_interval")
    name, now = monitoring.SLOW_SUBSCRIPTIONS, app.house.now()
    await app.house.broker_db.write(monitoring.save_settings, name, settings, now)
    app.monitoring.slow.set(settings)
    return _shown(settings)


def _shown(settings: SlowSettings) -> schema.SlowSubscriptionSettings:
    return schema.SlowSubscriptionSettings(
        settings.enable,
        format_duration(settings.threshold),
        format_duration(settings.expire_interval),
        settings.top_k_num,
        settings.stats_type,
    )
