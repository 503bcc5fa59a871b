"""Rules come, change and go. Whoever calls this tells the engine after the commit."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

import msgspec
from msgspec.structs import replace

from folkmoot.domain.broker import is_filter, is_topic
from folkmoot.errors import Conflict, Invalid
from folkmoot.store import Transaction
from folkmoot.text.rulesql import Select

from . import events, queries
from .model import Action, Actions, Post, Reference, Republish, Rule, Wanted

#: More would be run for each message.
RULES_MAX = 1000
ACTIONS_MAX = 50
_ID = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_.-]{0,254}")
_LONGEST_TEXT = 65_535


def create(
    tx: Transaction, rule_id: str | None, wanted: Wanted, owner: tuple[int | None, str | None], now: datetime
) -> Rule:
    """A new rule; without an id it gets one. Check `require_sense` before. Raises Invalid, Conflict."""
    rule_id = rule_id or f"rule_{secrets.token_hex(4)}"
    if _ID.fullmatch(rule_id) is None:
        raise Invalid("rule.id", "An id has letters, digits, dashes, dots and underscores.", "id")
    if queries.find_rule(tx, rule_id) is not None:
        raise Conflict("rule.exists", f"There is a rule {rule_id} already.", "id")
    if queries.count_rules(tx) >= RULES_MAX:
        raise Conflict("rule.many", f"There are {RULES_MAX} rules already.")
    return _save(tx, rule_id, wanted, owner, now, now)


def change(tx: Transaction, rule_id: str, wanted: Wanted, owner: tuple[int | None, str | None], now: datetime) -> Rule:
    """A rule as it is from now on; whoever changes it is its owner. Raises NotFound."""
    before = queries.get_rule(tx, rule_id)
    return _save(tx, rule_id, wanted, owner, before.created_at, now)


def _save(
    tx: Transaction,
    rule_id: str,
    wanted: Wanted,
    owner: tuple[int | None, str | None],
    created_at: datetime,
    now: datetime,
) -> Rule:
    owner_id, owner_name = owner
    rule = Rule(
        rule_id,
        wanted.name,
        wanted.sql,
        wanted.actions,
        wanted.enable,
        wanted.description,
        owner_id,
        owner_name,
        wanted.metadata,
        created_at,
        now,
    )
    queries.save(tx, rule)
    return rule


def delete(tx: Transaction, rule_id: str) -> None:
    """Ends a rule. Raises NotFound."""
    queries.get_rule(tx, rule_id)
    tx.run("DELETE FROM rules WHERE id = :id", id=rule_id)


def drop_action(tx: Transaction, action_id: str, now: datetime) -> list[Rule]:
    """Takes an action of a connector out of all rules; returns those that have changed."""
    changed = list[Rule]()
    for rule in queries.list_rules(tx):
        left = tuple(each for each in rule.actions if each != Reference(action_id))
        if len(left) != len(rule.actions):
            changed.append(replace(rule, actions=left, changed_at=now))
            queries.save(tx, changed[-1])
    return changed


def require_sense(wanted: Wanted, actions: Actions) -> None:
    """Raises Invalid for a rule that makes no sense: its SQL, what it listens to, or what it does."""
    select = Select(wanted.sql)
    for topic in select.topics:
        require_topic(topic)
    if len(wanted.actions) > ACTIONS_MAX:
        raise Invalid("rule.actions", f"A rule has at most {ACTIONS_MAX} actions.", "actions")
    for place, action in enumerate(wanted.actions):
        _require_action(action, actions, f"actions[{place}]")
    if len(msgspec.json.encode(wanted)) > 4 * _LONGEST_TEXT:
        raise Invalid("rule.large", "This rule is too large.")


def require_topic(topic: str) -> None:
    """Raises Invalid for what nothing comes from."""
    if topic in events.BY_TOPIC or events.channel(topic) is not None:
        return
    if events.is_special(topic) or not is_filter(topic):
        raise Invalid("rule.topic", f"Nothing can come from {topic!r}.", "sql")


def _require_action(action: Action, actions: Actions, place: str) -> None:
    match action:
        case Reference(action_id) if not actions.knows(action_id):
            raise Invalid("rule.action", f"There is no action {action_id}.", place)
        case Republish(topic=topic, qos=qos):
            if not topic or ("${" not in topic and not is_topic(topic)):
                raise Invalid("rule.topic", "This is no topic to publish to.", f"{place}.args.topic")
            if not isinstance(qos, str) and qos not in (0, 1, 2):
                raise Invalid("rule.qos", "The quality of service is 0, 1 or 2.", f"{place}.args.qos")
        case Post(space=space, title=title) if not space or not title:
            raise Invalid("rule.post", "A post needs a space and a title.", f"{place}.args")
