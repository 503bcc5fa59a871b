"""Rules (contract §2.13)."""

from __future__ import annotations

from typing import Any

from folkmoot.net.http import Operation
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.handlers import rules


def _operation(name: str, method: str, path: str, handler: Any, summary: str, **more: Any) -> Operation:
    return Operation(name, method, path, handler, summary=summary, permission="any", tag="Rules", **more)


OPERATIONS = (
    _operation(
        "ListRules",
        "GET",
        "/rules",
        rules.list_rules,
        "The rules, page by page",
        request=schema.RuleQuery,
        response=schema.RulePage,
    ),
    _operation(
        "CreateRule",
        "POST",
        "/rules",
        rules.create_rule,
        "Make a rule",
        request=schema.RuleWish,
        response=schema.ShownRule,
        status=201,
    ),
    _operation("GetRule", "GET", "/rules/{id}", rules.get_rule, "One rule", response=schema.ShownRule),
    _operation(
        "ChangeRule",
        "PUT",
        "/rules/{id}",
        rules.change_rule,
        "Change a rule",
        request=schema.RuleWish,
        response=schema.ShownRule,
    ),
    _operation("DeleteRule", "DELETE", "/rules/{id}", rules.delete_rule, "End a rule", status=204),
    _operation(
        "GetRuleMetrics",
        "GET",
        "/rules/{id}/metrics",
        rules.get_rule_metrics,
        "How a rule fares",
        response=schema.RuleMetrics,
    ),
    _operation(
        "ResetRuleMetrics",
        "PUT",
        "/rules/{id}/metrics/reset",
        rules.reset_rule_metrics,
        "Begin a rule's metrics anew",
        status=204,
    ),
    _operation(
        "RunRule",
        "POST",
        "/rules/{id}/test",
        rules.run_rule,
        "Run a rule on columns made up, with or without its actions",
        request=schema.RuleRun,
        failures=(412,),
    ),
    _operation(
        "TryRule",
        "POST",
        "/rule_test",
        rules.try_rule,
        "What a statement selects from columns made up",
        request=schema.RuleTrial,
        failures=(412,),
    ),
    _operation(
        "ListRuleEvents",
        "GET",
        "/rule_events",
        rules.list_rule_events,
        "What rules can listen to, with examples",
        response=list[schema.RuleEvent],
    ),
    _operation(
        "GetRuleEngine",
        "GET",
        "/rule_engine",
        rules.get_rule_engine,
        "What is set for all rules",
        response=schema.RuleEngine,
    ),
    _operation(
        "SetRuleEngine",
        "PUT",
        "/rule_engine",
        rules.set_rule_engine,
        "Set something for all rules",
        request=schema.RuleEngine,
        response=schema.RuleEngine,
    ),
)
