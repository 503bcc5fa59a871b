"""Rules and their events."""

from __future__ import annotations

import msgspec

from folkmoot.domain import rules
from folkmoot.surfaces.mqtt import schema
from folkmoot.text.rulesql import Select

#: Chinese for the titles, which the original has in both languages.
_ZH = {
    "message_publish": "消息发布",
    "message_delivered": "消息已投递",
    "message_acked": "消息已确认",
    "message_dropped": "消息丢弃",
    "delivery_dropped": "消息投递丢弃",
    "session_subscribed": "会话订阅完成",
    "session_unsubscribed": "会话取消订阅完成",
    "client_connected": "连接建立",
    "client_disconnected": "连接断开",
    "client_connack": "连接确认",
    "client_check_authz_complete": "鉴权结果",
    "client_check_authn_complete": "认证结果",
    "alarm_activated": "告警激活",
    "alarm_deactivated": "告警解除",
    "$bridges/mqtt:*": "MQTT 桥接消息",
}


def rule(found: rules.Rule) -> schema.ShownRule:
    """A rule as it is kept."""
    return schema.ShownRule(
        id=found.id,
        name=found.name,
        sql=found.sql,
        from_=list(Select(found.sql).topics),
        actions=[rule_action(each) for each in found.actions],
        enable=found.enable,
        description=found.description,
        created_at=found.created_at.astimezone().isoformat(timespec="milliseconds"),
        last_modified_at=found.changed_at.astimezone().isoformat(timespec="milliseconds"),
        metadata=found.metadata,
    )


def rule_action(found: rules.Action) -> str | schema.ActionObject:
    """What a rule does, with every argument."""
    match found:
        case rules.Reference(action_id):
            return action_id
        case rules.Console():
            return schema.ActionObject("console")
        case rules.Republish():
            args = msgspec.to_builtins(msgspec.convert(found, schema.RepublishArgs, from_attributes=True))
            return schema.ActionObject("republish", args)
    args = {"space": found.space, "title": found.title, "body": found.body}
    return schema.ActionObject("post", args)


def rule_metrics(rule_id: str, figures: dict[str, float], node_name: str) -> schema.RuleMetrics:
    """How a rule fares; one node is all there is."""
    return schema.RuleMetrics(rule_id, figures, [schema.RuleNodeMetrics(node_name, figures)])


def rule_event(found: rules.Example) -> schema.RuleEvent:
    """A kind of event, with samples that a test takes."""
    topic = "$events/message_publish" if found.type == rules.PUBLISHED_TYPE else found.topic
    asked = {name: [found.columns[name], f"the {name.replace('_', ' ')} of the event"] for name in found.asked}
    return schema.RuleEvent(
        event=topic,
        title=schema.Words(found.title, _ZH[found.type]),
        description=schema.Words(found.story, _ZH[found.type]),
        test_columns=asked,
        columns=list(found.columns),
        sql_example=found.sql,
    )
