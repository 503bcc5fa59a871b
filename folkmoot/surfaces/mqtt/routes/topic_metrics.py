"""The messages of single topics, counted (contract §2.7)."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import topic_metrics

OPERATIONS = (
    Operation(
        "ListTopicMetrics",
        "GET",
        "/mqtt/topic_metrics",
        topic_metrics.list_topic_metrics,
        response=list[schema.TopicMetrics],
        permission="any",
        summary="The counts of all topics that are measured",
        tag="Topic metrics",
    ),
    Operation(
        "MeasureTopic",
        "POST",
        "/mqtt/topic_metrics",
        topic_metrics.measure_topic,
        schema.MeasuredTopic,
        schema.TopicMetrics,
        "any",
        "Count the messages of a topic from now on",
        tag="Topic metrics",
        failures=(409,),
    ),
    Operation(
        "ResetTopicMetrics",
        "PUT",
        "/mqtt/topic_metrics",
        topic_metrics.reset_topic_metrics,
        schema.TopicMetricsReset,
        schema.TopicMetrics | list[schema.TopicMetrics],
        "any",
        "Count from zero again, on one topic or on all",
        tag="Topic metrics",
        failures=(404,),
    ),
    Operation(
        "GetTopicMetrics",
        "GET",
        "/mqtt/topic_metrics/{topic}",
        topic_metrics.get_topic_metrics,
        response=schema.TopicMetrics,
        permission="any",
        summary="The counts of a topic",
        tag="Topic metrics",
    ),
    Operation(
        "ForgetTopic",
        "DELETE",
        "/mqtt/topic_metrics/{topic}",
        topic_metrics.forget_topic,
        permission="any",
        summary="Count the messages of a topic no more",
        status=204,
        tag="Topic metrics",
    ),
)
