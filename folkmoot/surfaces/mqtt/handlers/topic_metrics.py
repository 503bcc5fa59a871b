"""The messages of single topics, counted (contract §2.7)."""

from __future__ import annotations

from folkmoot.domain.broker import documents, save_setting
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management


async def list_topic_metrics(call: Call) -> list[schema.TopicMetrics]:
    stream = call.app.stream
    return [render.topic_metrics_row(each, stream.now()) for each in stream.broker.topic_metrics.meters.values()]


async def get_topic_metrics(call: Call) -> schema.TopicMetrics:
    stream = call.app.stream
    return render.topic_metrics_row(stream.broker.topic_metrics.get(call.path["topic"]), stream.now())


async def measure_topic(call: Call) -> schema.TopicMetrics:
    app: Management = call.app
    metrics, topic = app.stream.broker.topic_metrics, call.data.topic
    meter = metrics.add(topic, app.stream.now())
    try:
        await _save(app)
    except BaseException:
        if topic in metrics.meters:
            metrics.remove(topic)
        raise
    return render.topic_metrics_row(meter, app.stream.now())


async def reset_topic_metrics(call: Call) -> schema.TopicMetrics | list[schema.TopicMetrics]:
    app: Management = call.app
    metrics, now = app.stream.broker.topic_metrics, app.stream.now()
    if call.data.topic is None:
        for each in metrics.meters.values():
            each.reset(now)
        return await list_topic_metrics(call)
    meter = metrics.get(call.data.topic)
    meter.reset(now)
    return render.topic_metrics_row(meter, now)


async def forget_topic(call: Call) -> None:
    app: Management = call.app
    app.stream.broker.topic_metrics.remove(call.path["topic"])
    await _save(app)


async def _save(app: Management) -> None:
    """Returns after the commit. The topics are kept, what was counted is not."""
    topics = list(app.stream.broker.topic_metrics.meters)
    await app.house.broker_db.write(save_setting, documents.MEASURED, documents.write(topics), app.house.now())
