"""Topic rewriting and automatic subscriptions (contract §2.7): each is read and written as a whole."""

from __future__ import annotations

from msgspec.structs import asdict

from folkmoot.domain.broker import AutomaticSubscription, RewriteRule, documents, save_setting
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management


async def get_topic_rewrite(call: Call) -> list[schema.TopicRewrite]:
    return [render.topic_rewrite(each) for each in call.app.stream.broker.rewriting.rules]


async def set_topic_rewrite(call: Call) -> list[schema.TopicRewrite]:
    app: Management = call.app
    broker = app.stream.broker
    rules = [RewriteRule(**asdict(each)) for each in call.data]
    documents.check_rules(rules)
    content = documents.write(rules)
    await app.house.broker_db.write(save_setting, documents.REWRITING, content, app.house.now())
    broker.rewriting.replace(rules)
    broker.forget_routes()
    return await get_topic_rewrite(call)


async def get_auto_subscribe(call: Call) -> list[schema.AutoSubscription]:
    return [render.auto_subscription(each) for each in call.app.stream.broker.automatic.subscriptions]


async def set_auto_subscribe(call: Call) -> list[schema.AutoSubscription]:
    app: Management = call.app
    wanted: list[schema.AutoSubscription] = call.data
    subscriptions = [
        AutomaticSubscription(each.topic, each.qos, each.rh, bool(each.rap), bool(each.nl)) for each in wanted
    ]
    documents.check_subscriptions(subscriptions)
    content = documents.write(subscriptions)
    await app.house.broker_db.write(save_setting, documents.AUTOMATIC, content, app.house.now())
    app.stream.broker.automatic.replace(subscriptions)
    return await get_auto_subscribe(call)
