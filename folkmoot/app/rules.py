"""Wires the rules: what was kept, the loop they run on, and the posts they make."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

from folkmoot.domain import broker, rules
from folkmoot.domain.monitoring import Monitoring
from folkmoot.errors import FolkmootError, Invalid
from folkmoot.house import House
from folkmoot.surfaces.mqtt import Push, Stream
from folkmoot.text.rulesql import encode_json

#: Posts of rules on their way at once; more are discarded.
POSTS_MAX = 100

_logger = structlog.get_logger("rules")


async def load(house: House, stream: Stream, push: Push, watch: Monitoring) -> rules.Engine:
    """The engine with the rules that were kept, listening; must be called on the running loop."""
    engine = rules.Engine(stream.broker, house.config.mqtt.node_name, stream.now)
    loop = asyncio.get_running_loop()
    under_way = 0

    def wake() -> None:
        loop.call_soon(engine.work)

    def make_post(rule: rules.Rule, entry: rules.Entry, trail: tuple[str, ...], settle: rules.Settle) -> None:
        nonlocal under_way
        if under_way >= POSTS_MAX:
            settle(rules.Outcome.DISCARDED)
            return
        under_way += 1
        stream.spawn(post(rule, entry, trail, settle))

    async def post(rule: rules.Rule, entry: rules.Entry, trail: tuple[str, ...], settle: rules.Settle) -> None:
        nonlocal under_way
        outcome = rules.Outcome.UNKNOWN
        try:
            await push.post(rule.owner_id, entry.space, entry.title, entry.body, trail)
            outcome = rules.Outcome.SUCCESS
        except FolkmootError as error:
            _logger.warning("a rule's post was refused", rule=rule.id, space=entry.space, reason=error.message)
        except Exception:
            _logger.exception("a rule's post failed", rule=rule.id)
        finally:
            under_way -= 1
            settle(outcome)

    def note(rule_id: str, message: str, details: Any) -> None:
        if rule_id in watch.traces.rules:
            try:
                columns = encode_json(details)
            except Invalid as error:
                columns = error.message
            watch.traces.note_rule(rule_id, message, {"columns": columns}, stream.now())

    def figures() -> dict[str, dict[str, float]]:
        now = stream.now()
        return {
            each.rule.id: {
                "enable": float(each.rule.enable),
                **{name.replace(".", "_"): value for name, value in each.metrics.figures(now).items()},
            }
            for each in engine.rules.values()
        }

    engine.wake, engine.make_post, engine.note = wake, make_post, note
    watch.sources.rules = figures
    engine.settings = await house.broker_db.read(broker.read_setting, "rule_engine", rules.Settings)
    engine.load(await house.broker_db.read(rules.list_rules))
    return engine
