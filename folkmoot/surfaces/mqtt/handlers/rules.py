"""Rules: what they are, how they fare, and what they would do (contract §2.13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.responses import Response

from folkmoot.domain import broker, rules
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.net import decoding
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.mqtt import render, schema
from folkmoot.surfaces.mqtt.handlers.management import Management
from folkmoot.surfaces.mqtt.handlers.reading import page
from folkmoot.text.amounts import parse_duration
from folkmoot.text.rulesql import encode_json

SETTING = "rule_engine"

Test = Callable[[rules.Rule, list[str]], bool]


async def list_rules(call: Call) -> schema.RulePage:
    app: Management = call.app
    query: schema.RuleQuery = call.data
    found = await app.house.broker_db.read(rules.list_rules)
    shown = [(each, render.rule(each)) for each in found]
    tests = [_on_pair(test) for test in _rule_tests(query)]
    rows, count = await page(shown, tests, query)
    return schema.RulePage([each for _, each in rows], render.page_meta(query, count))


def _on_pair(test: Test) -> Callable[[tuple[rules.Rule, schema.ShownRule]], bool]:
    return lambda pair: test(pair[0], pair[1].from_)


def _rule_tests(query: schema.RuleQuery) -> list[Test]:
    tests = list[Test]()
    if query.enable is not None:
        tests.append(lambda rule, topics: rule.enable == query.enable)
    if query.from_ is not None:
        tests.append(lambda rule, topics: query.from_ in topics)
    if query.like_id is not None:
        part = query.like_id
        tests.append(lambda rule, topics: part in rule.id)
    if query.like_description is not None:
        words = query.like_description
        tests.append(lambda rule, topics: words in rule.description)
    if query.like_from is not None:
        piece = query.like_from
        tests.append(lambda rule, topics: any(piece in each for each in topics))
    if query.match_from is not None:
        topic = query.match_from
        tests.append(lambda rule, topics: any(broker.matches(each, topic) for each in topics))
    if query.action:
        wanted = [rules.Reference(each) for each in query.action]
        tests.append(lambda rule, topics: any(each in wanted for each in rule.actions))
    if query.source:
        channels = {f"${folder}/{each}" for each in query.source for folder in ("bridges", "sources")}
        tests.append(lambda rule, topics: bool(channels.intersection(topics)))
    return tests


async def create_rule(call: Call) -> schema.ShownRule:
    wish: schema.RuleWish = call.data
    return await _write(call, rules.create, wish.id, wish)


async def get_rule(call: Call) -> schema.ShownRule:
    return render.rule(await call.app.house.broker_db.read(rules.get_rule, call.path["id"]))


async def change_rule(call: Call) -> schema.ShownRule:
    await call.app.house.broker_db.read(rules.get_rule, call.path["id"])
    return await _write(call, rules.change, call.path["id"], call.data)


async def _write(
    call: Call, write: Callable[..., rules.Rule], rule_id: str | None, wish: schema.RuleWish
) -> schema.ShownRule:
    app: Management = call.app
    actor = call.actor.actor
    wanted = _wanted(wish, actor.name)
    rules.require_sense(wanted, app.rules.actions)
    owner = (actor.account_id, actor.name)
    rule = await app.house.broker_db.write(write, rule_id, wanted, owner, app.house.now())
    app.rules.put(rule)
    return render.rule(rule)


def _wanted(wish: schema.RuleWish, owner_name: str | None) -> rules.Wanted:
    actions = tuple(_action(each, owner_name, f"actions[{at}].args") for at, each in enumerate(wish.actions))
    return rules.Wanted(wish.sql, wish.name, actions, wish.enable, wish.description, wish.metadata)


def _action(found: str | schema.ActionObject, owner_name: str | None, place: str) -> rules.Action:
    if isinstance(found, str):
        return rules.Reference(found)
    if found.function == "console":
        return rules.Console()
    kind: Any = schema.RepublishArgs if found.function == "republish" else schema.PostArgs
    try:
        args = msgspec.convert(found.args, kind)
    except msgspec.ValidationError as error:
        wrong = decoding.invalid_value(error)
        raise Invalid(wrong.code, wrong.message, f"{place}.{wrong.field}" if wrong.field else place) from error
    if isinstance(args, schema.RepublishArgs):
        return msgspec.convert(args, rules.Republish, from_attributes=True)
    if args.account not in (None, owner_name):
        raise Invalid(
            "rule.account", "A rule posts as the account that writes it, and as no other.", f"{place}.account"
        )
    return rules.Post(args.space, args.title, args.body)


async def delete_rule(call: Call) -> None:
    await call.app.house.broker_db.write(rules.delete, call.path["id"])
    call.app.rules.drop(call.path["id"])


async def get_rule_metrics(call: Call) -> schema.RuleMetrics:
    app: Management = call.app
    running = _running(call, "rule.unknown")
    return render.rule_metrics(running.rule.id, running.metrics.figures(app.stream.now()), app.node_name)


async def reset_rule_metrics(call: Call) -> None:
    _running(call, "rule.unknown").metrics.reset()


def _running(call: Call, code: str) -> rules.Running:
    found: rules.Running | None = call.app.rules.rules.get(call.path["id"])
    if found is None:
        raise NotFound(code, f"Rule {call.path['id']} not found")
    return found


async def run_rule(call: Call) -> None:
    app: Management = call.app
    wanted: schema.RuleRun = call.data
    running = _running(call, "rule.not_found")
    type_, columns = rules.example_columns(wanted.context)
    rules.require_heard(running.select.topics, type_, columns)
    if wanted.stop_action_after_template_rendering:
        outputs = app.rules.rehearse(running, columns)
    else:
        outputs = app.rules.run(running, columns, (), app.stream.now())
    if not outputs:
        raise Conflict("rule.no_match", "SQL Not Match")


async def try_rule(call: Call) -> Any:
    wanted: schema.RuleTrial = call.data
    return Response(encode_json(rules.try_out(wanted.sql, wanted.context)), media_type="application/json")


async def list_rule_events(call: Call) -> list[schema.RuleEvent]:
    return [render.rule_event(each) for each in rules.EXAMPLES]


async def get_rule_engine(call: Call) -> schema.RuleEngine:
    return msgspec.convert(call.app.rules.settings, schema.RuleEngine, from_attributes=True)


async def set_rule_engine(call: Call) -> schema.RuleEngine:
    app: Management = call.app
    wanted: schema.RuleEngine = call.data
    parse_duration(wanted.jq_function_default_timeout, "jq_function_default_timeout")
    settings = rules.Settings(wanted.ignore_sys_message, wanted.jq_function_default_timeout)
    await app.house.broker_db.write(_save_settings, settings, app.house.now())
    app.rules.change_settings(settings)
    return wanted


def _save_settings(tx: Transaction, settings: rules.Settings, now: Any) -> None:
    broker.save_setting(tx, SETTING, msgspec.json.encode(settings).decode(), now)
