"""Messages that are published later, and the settings about them (contract §2.7)."""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import asdict, replace

from folkmoot.domain.broker import Postponed, documents, is_topic, save_setting
from folkmoot.errors import Invalid, NotFound
from folkmoot.net.http import Call
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.surfaces.mqtt.handlers.reading import page


async def get_delayed(call: Call) -> schema.DelayedSettings:
    return schema.DelayedSettings(**asdict(call.app.stream.broker.delayed.settings))


async def change_delayed(call: Call) -> schema.DelayedSettings:
    app: Management = call.app
    delayed = app.stream.broker.delayed
    wanted = {name: value for name, value in asdict(call.data).items() if value is not UNSET}
    settings = replace(delayed.settings, **wanted)
    content = documents.write(settings)
    await app.house.broker_db.write(save_setting, documents.DELAYED, content, app.house.now())
    delayed.change(settings)
    return schema.DelayedSettings(**asdict(settings))


async def list_delayed_messages(call: Call) -> schema.DelayedPage:
    app: Management = call.app
    rows, count = await page(app.stream.broker.delayed.messages.values(), (), call.data)
    now = app.stream.now()
    return schema.DelayedPage(
        [render.delayed_summary(each, app.node_name, now) for each in rows], render.page_meta(call.data, count)
    )


def _get(call: Call) -> Postponed:
    app: Management = call.app
    if call.path["node"] != app.node_name:
        raise Invalid("delayed.node", f"There is no node named {call.path['node']}.")
    return app.stream.broker.delayed.get(call.path["msgid"])


async def get_delayed_message(call: Call) -> schema.DelayedMessage:
    return render.delayed_message(_get(call), call.app.node_name, call.app.stream.now())


async def delete_delayed_message(call: Call) -> None:
    await _drop(call.app, [_get(call)])


async def delete_delayed_messages(call: Call) -> None:
    topic = call.path["topic"]
    if not is_topic(topic, len(topic) + 1):
        raise Invalid("delayed.topic", "This is no topic.")
    found = [each for each in call.app.stream.broker.delayed.messages.values() if each.message.topic == topic]
    if not found:
        raise NotFound("delayed.unknown", "No delayed message is for this topic.")
    await _drop(call.app, found)


async def _drop(app: Management, messages: list[Postponed]) -> None:
    """Returns after the commit."""
    for each in messages:
        app.stream.broker.delayed.drop(each)
    await app.stream.settled()
