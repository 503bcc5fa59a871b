"""Runs rules: on messages as they are published, on what happens a moment later.

Theory. A rule on messages runs in place, before its message is routed, so that what it publishes is committed with its
message before that is acknowledged. Everything else happens in the middle of some change of the broker's memory: its columns
are made at once, its rules run when the loop comes round (`wake` asks for `work`). Nothing is heard that no rule asks for.

No rule runs for ever: a message carries the ids of the rules it came through (`trail`), none of which sees it again, and no
more than `DEPTH_MAX` of them; one message from outside causes at most `ACTIONS_MAX` actions; what one evaluation may do is
bounded by `text/rulesql`.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import structlog
from msgspec import Struct

from folkmoot.domain.bridges import join_trail
from folkmoot.domain.broker import Broker, Client, Message, Verdict, Wish, matches
from folkmoot.errors import FolkmootError, Invalid
from folkmoot.text.rulesql import Select, Surroundings

from . import events
from .acting import Draft, Entry, Line, Plan
from .columns import Columns
from .listening import Listening
from .metrics import Metrics
from .model import Actions, NoActions, Outcome, Reference, Rule, Settle

#: How many rules a message may have come through.
DEPTH_MAX = 10
#: How many actions one message from outside may cause, through all rules.
ACTIONS_MAX = 10_000
#: What has happened and waits for its rules; beyond that it is lost to them.
WAITING_MAX = 10_000
#: How much of it is dealt with in one turn of the loop.
_AT_ONCE = 100
_TOPICS_MAX = 10_000

log = logging.getLogger(__name__)
_console = structlog.get_logger("rules")

#: Makes a post as an account: rule, what to post, trail, and who is told.
MakePost = Callable[[Rule, Entry, tuple[str, ...], Settle], None]


class Settings(Struct):
    """What an operator sets for all rules (contract §2.13, `/rule_engine`)."""

    ignore_sys_message: bool = True
    jq_function_default_timeout: str = "10s"


class Running:
    """A rule ready to be run."""

    def __init__(self, rule: Rule, metrics: Metrics) -> None:
        self.rule = rule
        self.select = Select(rule.sql)
        self.plans = [Plan(action) for action in rule.actions]
        self.metrics = metrics
        self.filters = [topic for topic in self.select.topics if not events.is_special(topic)]
        self.happenings = [topic for topic in self.select.topics if topic in events.BY_TOPIC]
        self.channels = [name for name in map(events.channel, self.select.topics) if name is not None]


class Engine:
    """See above. `actions`, `make_post` and `wake` are set by whoever wires it."""

    def __init__(self, broker: Broker, node_name: str, clock: Callable[[], float]) -> None:
        self.broker = broker
        self.columns = Columns(broker, node_name)
        self.clock = clock
        self.settings = Settings()
        self.surroundings = Surroundings()
        self.actions: Actions = NoActions()
        self.make_post: MakePost = _no_post
        self.wake: Callable[[], None] = _nothing
        self.note: Callable[[str, str, Any], None] = _no_note
        """Told of each run, for traces: the rule, what became of it, and details."""
        self.rules: dict[str, Running] = {}
        self._selected: dict[str, list[Running]] = {}
        """Topic → the rules that select it, as far as it was asked for."""
        self._waiting: deque[tuple[list[Running], dict[str, Any], tuple[str, ...]]] = deque()
        self.is_judging = False
        self._acted = 0
        self._depth = 0
        self._listening = Listening(self)

    # --- which rules there are ----------------------------------------------------------------------------------------

    def load(self, rules: Iterable[Rule]) -> None:
        """Begins with what was kept; a rule that makes no sense any more is reported and left out."""
        for rule in rules:
            try:
                self.rules[rule.id] = Running(rule, Metrics())
            except Invalid as error:
                log.error("the rule %s cannot be run: %s", rule.id, error.message)
        self._changed()

    def put(self, rule: Rule) -> None:
        """A rule has come or changed; it keeps its metrics."""
        before = self.rules.get(rule.id)
        self.rules[rule.id] = Running(rule, Metrics() if before is None else before.metrics)
        self._changed()

    def drop(self, rule_id: str) -> None:
        """A rule has gone."""
        if self.rules.pop(rule_id, None) is not None:
            self._changed()

    def _changed(self) -> None:
        self._selected.clear()
        self._listening.follow(topic for each in self._enabled() for topic in each.select.topics)

    def _enabled(self) -> list[Running]:
        return [each for each in self.rules.values() if each.rule.enable]

    def rules_of(self, action_id: str) -> list[str]:
        """The ids of the rules that use an action of a connector."""
        return [each.rule.id for each in self.rules.values() if Reference(action_id) in each.rule.actions]

    def rules_on(self, channel: str) -> list[str]:
        """The ids of the rules that listen to a source, `type:name`."""
        return [each.rule.id for each in self.rules.values() if channel in each.channels]

    def selecting(self, topic: str) -> list[Running]:
        """The rules that want to hear of messages on a topic."""
        found = self._selected.get(topic)
        if found is None:
            if len(self._selected) >= _TOPICS_MAX:
                self._selected.clear()
            found = []
            if not (self.settings.ignore_sys_message and topic.startswith("$SYS/")):
                found = [each for each in self._enabled() if any(matches(name, topic) for name in each.filters)]
            self._selected[topic] = found
        return found

    def change_settings(self, settings: Settings) -> None:
        """Other settings hold from now on."""
        self.settings = settings
        self._changed()

    # --- running them -------------------------------------------------------------------------------------------------

    def published(self, message: Message, client: Client | None, now: float) -> None:
        """A message is to be routed: its rules run now."""
        found = self._not_seen(self.selecting(message.topic), message.trail)
        if found:
            columns = self.columns.published(message, client, now)
            for each in found:
                self.run(each, columns, message.trail, now)

    def _not_seen(self, rules: list[Running], trail: tuple[str, ...]) -> list[Running]:
        if not trail:
            return rules
        if len(trail) >= DEPTH_MAX:
            return []
        return [each for each in rules if each.rule.id not in trail]

    def happened(self, topic: str, columns: dict[str, Any], now: float, trail: tuple[str, ...] = ()) -> None:
        """A source has brought something, on `$bridges/type:name`: its rules run soon."""
        name = events.channel(topic)
        found = [each for each in self._enabled() if name is not None and name in each.channels]
        self.enqueue(found, partial(self.columns.bridged, topic, columns, now), trail)

    def told(self, topic: str, make: Callable[[], dict[str, Any]], trail: tuple[str, ...] = ()) -> None:
        """Something of the list of events has happened: its rules run soon, on columns that are made now."""
        self.enqueue([each for each in self._enabled() if topic in each.happenings], make, trail)

    def enqueue(self, rules: list[Running], make: Callable[[], dict[str, Any]], trail: tuple[str, ...]) -> None:
        """Puts rules on the list for `work`, but those that have seen it."""
        found = self._not_seen(rules, trail)
        if not found:
            return
        if len(self._waiting) >= WAITING_MAX:
            for each in found:
                each.metrics.match(self.clock())
                each.metrics.fail("exception")
            return
        if not self._waiting:
            self.wake()
        self._waiting.append((found, make(), trail))

    def work(self) -> None:
        """Runs rules on what has happened; called from the loop."""
        now = self.clock()
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            rules, columns, trail = self._waiting.popleft()
            for each in rules:
                self.run(each, columns, trail, now)
        if self._waiting:
            self.wake()

    def run(
        self, running: Running, columns: dict[str, Any], trail: tuple[str, ...], now: float
    ) -> list[dict[str, Any]] | None:
        """Runs one rule on columns, and its actions on what it selects, which it returns; None if there is nothing."""
        metrics, rule_id = running.metrics, running.rule.id
        metrics.match(now)
        # What the rule leaves out of its SELECT must not make a message forget which brokers it has been through.
        trail = join_trail(trail, columns.get("pub_props"))
        try:
            outputs = running.select.run(columns, self.surroundings)
        except Exception as error:
            metrics.fail("exception")
            self._report(rule_id, error, columns, columns)
            return None
        if not outputs:
            metrics.fail("no_result")
            self._tell(rule_id, "SQL_yielded_no_result", columns, columns)
            return None
        metrics.count["passed"] += 1
        self._tell(rule_id, "SQL_yielded_result", outputs, columns)
        if not self._depth:
            self._acted = 0
        self._depth += 1
        try:
            for output in outputs:
                for plan in running.plans:
                    self._act(running, plan, output, columns, trail, now)
        finally:
            self._depth -= 1
        return outputs

    def rehearse(self, running: Running, columns: dict[str, Any]) -> list[dict[str, Any]] | None:
        """What a rule selects, after everything its actions would do was made of it and thrown away. Raises Invalid."""
        outputs = running.select.run(columns, Surroundings())
        for output in outputs or ():
            for plan in running.plans:
                if not isinstance(plan.action, Reference):
                    plan.make(running.rule.id, output, columns, (), self.clock())
        return outputs

    def _report(self, rule_id: str, error: Exception, details: Any, columns: dict[str, Any]) -> None:
        message = error.message if isinstance(error, FolkmootError) else repr(error)
        if not isinstance(error, FolkmootError):
            log.error("the rule %s failed", rule_id, exc_info=error)
        self._tell(rule_id, message, details, columns)

    def _tell(self, rule_id: str, message: str, details: Any, columns: dict[str, Any]) -> None:
        topic = columns.get("topic")
        if isinstance(topic, str) and topic.startswith("spaces/"):
            # Whoever reads traces need not be somebody who may read what is said in a space.
            details = {"topic": topic}
        self.note(rule_id, message, details)

    def _act(
        self,
        running: Running,
        plan: Plan,
        output: dict[str, Any],
        columns: dict[str, Any],
        trail: tuple[str, ...],
        now: float,
    ) -> None:
        metrics, rule = running.metrics, running.rule
        metrics.begin()
        self._acted += 1
        if self._acted > ACTIONS_MAX:
            metrics.settle(Outcome.DISCARDED)
            return
        try:
            if isinstance(plan.action, Reference):
                self.actions.run(plan.action.action_id, output, (*trail, rule.id), metrics.settle)
                return
            made = plan.make(rule.id, output, columns, trail, now)
            if isinstance(made, Entry):
                self.make_post(rule, made, (*trail, rule.id), metrics.settle)
                return
            if isinstance(made, Line):
                _console.info("rule", rule=rule.id, selected=made.output)
            else:
                self._publish(made, now)
        except Exception as error:
            metrics.settle(Outcome.UNKNOWN)
            self._report(rule.id, error, output, columns)
        else:
            metrics.settle(Outcome.SUCCESS)

    def _publish(self, draft: Draft, now: float) -> None:
        message, broker = draft.message, self.broker
        # The law of the community stands above rules; of the broker's own, none does.
        client = Client(client_id=message.from_client, is_superuser=True)
        # Also later.
        topic = broker.delayed.target(message.topic, now)
        wish = Wish("publish", topic, message.qos, message.retain)
        # A rule on what was judged must not hear of this, or it would never end.
        self.is_judging = True
        try:
            refused = broker.gate.takes(topic) or broker.gate.judge(client, wish) is Verdict.DENY
        finally:
            self.is_judging = False
        if refused:
            raise Invalid("rule.topic", f"Nothing may be published to {message.topic[:100]!r} by a rule.")
        if topic.startswith("$SYS/"):
            raise Invalid("rule.topic", "What is below $SYS is the broker's own.")
        if len(message.payload) + len(message.topic) + len(message.fields) > broker.limits.max_packet_size:
            raise Invalid("rule.large", "The message is too large.")
        if draft.is_direct:
            broker.route_message(message, None, now)
        else:
            broker.publish(message, now)


def _no_post(rule: Rule, entry: Entry, trail: tuple[str, ...], settle: Settle) -> None:
    settle(Outcome.OUT_OF_SERVICE)


def _nothing() -> None:
    pass


def _no_note(rule_id: str, message: str, details: Any) -> None:
    pass
