"""Topics and filters that are written anew before the broker uses them (contract §3.4), and the rules for that.

Exactly one rule counts: the last one for the action whose source filter matches. Whoever calls has asked already whether the
client may; that was about what the client wrote.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from folkmoot.errors import Invalid, TooLarge
from folkmoot.text.captures import Capturing

from .topics import DELAYED, EXCLUSIVE, is_filter, is_reserved, is_special_by_value, is_topic, is_wild, matches

RULES_MAX = 20
#: What rules found is remembered for so many topics; beyond that it starts again.
_REMEMBERED_MAX = 4096
_LONGEST_TOPIC = 65_535
#: Beginnings that mean something.
_SPECIAL = ("$SYS/", "$share/", "$queue/", DELAYED, EXCLUSIVE)


class RewriteRule(Struct, frozen=True):
    """`action` is publish, subscribe or all; `re` is searched in topics inside `source_topic`, and its groups are `$1`, `$2`, …
    in `dest_topic`."""

    action: str
    source_topic: str
    dest_topic: str
    re: str


class Rewriting:
    """The rules, and what they make of topics."""

    def __init__(self) -> None:
        self.rules: list[RewriteRule] = []
        self._patterns: list[Capturing] = []
        self._publishing: list[int] = []
        self._subscribing: list[int] = []
        self._remembered: dict[tuple[int, str], list[str] | None] = {}

    def replace(self, rules: Sequence[RewriteRule]) -> None:
        """These are the rules from now on; call `Broker.forget_routes` then. Raises Invalid, and TooLarge for too many."""
        patterns = check(rules)
        self.rules, self._patterns = list(rules), patterns
        # The last one counts, so it is looked at first.
        order = range(len(self.rules) - 1, -1, -1)
        self._publishing = [at for at in order if self.rules[at].action != "subscribe"]
        self._subscribing = [at for at in order if self.rules[at].action != "publish"]
        self._remembered.clear()

    def concerns(self, topic: str) -> bool:
        """Whether a rule is about what is published to the topic."""
        return self._find(self._publishing, topic) is not None

    def topic(self, topic: str, client_id: str, username: str | None) -> str:
        """Where a message that was published to a topic goes."""
        # The community's topics and the broker's own are not written anew, nor is anything else made one of them.
        if not self._publishing or is_reserved(topic):
            return topic
        new = self._rewrite(self._publishing, topic, client_id, username)
        return new if _is_right(new, is_topic(new, len(new) + 1)) and not is_reserved(new) else topic

    def filter(self, topic_filter: str, client_id: str, username: str | None) -> str:
        """What a client is subscribed to, or unsubscribed from; of a shared subscription give the inner filter."""
        if not self._subscribing:
            return topic_filter
        new = self._rewrite(self._subscribing, topic_filter, client_id, username)
        return new if _is_right(new, is_filter(new)) and (new == topic_filter or not is_reserved(new)) else topic_filter

    def _find(self, order: list[int], topic: str) -> int | None:
        for at in order:
            if matches(self.rules[at].source_topic, topic):
                return at
        return None

    def _rewrite(self, order: list[int], topic: str, client_id: str, username: str | None) -> str:
        at = self._find(order, topic)
        if at is None:
            return topic
        groups = self._groups(at, topic)
        if groups is None:
            return topic
        template = self.rules[at].dest_topic
        new = _filled(template, groups, client_id, "undefined" if username is None else username)
        # What a client is called, or wrote, is a level like any other: whether it may was asked of something else.
        is_astray = new.startswith(_SPECIAL) and is_special_by_value(new, template) and not topic.startswith("$")
        if is_astray or any(is_wild(value) for value in _named(template, client_id, username)):
            return topic
        return new

    def _groups(self, at: int, topic: str) -> list[str] | None:
        key = (at, topic)
        if key in self._remembered:
            return self._remembered[key]
        if len(self._remembered) >= _REMEMBERED_MAX:
            self._remembered.clear()
        found = self._remembered[key] = self._patterns[at].search(topic)
        return found


def check(rules: Sequence[RewriteRule]) -> list[Capturing]:
    """The patterns of rules that make sense. Raises Invalid, and TooLarge for too many."""
    if len(rules) >= RULES_MAX:
        # EMQX: twenty are too many already
        raise TooLarge("rewrite.full", f"There can be fewer than {RULES_MAX} rules.")
    patterns: list[Capturing] = []
    for at, rule in enumerate(rules):
        if not is_filter(rule.source_topic):
            raise Invalid("rewrite.source", "This is no topic filter.", f"[{at}].source_topic")
        if not rule.dest_topic:
            raise Invalid("rewrite.destination", "The destination is empty.", f"[{at}].dest_topic")
        if rule.action != "subscribe" and ("+" in rule.dest_topic or "#" in rule.dest_topic):
            raise Invalid("rewrite.destination", "Nothing can be published to wildcards.", f"[{at}].dest_topic")
        try:
            patterns.append(Capturing(rule.re))
        except Invalid as error:
            raise Invalid(error.code, error.message, f"[{at}].re") from error
    return patterns


def _is_right(topic: str, is_legal: bool) -> bool:
    return is_legal and "\0" not in topic and len(topic.encode()) <= _LONGEST_TOPIC


def _named(template: str, client_id: str, username: str | None) -> list[str]:
    """The names in a destination that are the client's."""
    named = (("${clientid}", client_id), ("${username}", username or ""))
    return [value for placeholder, value in named if placeholder in template]


def _filled(template: str, groups: list[str], client_id: str, username: str) -> str:
    """A destination with its values; they are not looked at again, so nobody smuggles a placeholder in."""
    out: list[str] = []
    at = 0
    while at < len(template):
        if template[at] != "$":
            end = template.find("$", at)
            end = len(template) if end < 0 else end
            out.append(template[at:end])
            at = end
            continue
        for placeholder, value in (("${clientid}", client_id), ("${username}", username)):
            if template.startswith(placeholder, at):
                out.append(value)
                at += len(placeholder)
                break
        else:
            end = at + 1
            while (
                end < len(template) and template[end] in "0123456789" and int(template[at + 1 : end + 1]) <= len(groups)
            ):
                end += 1
            number = int(template[at + 1 : end] or 0)
            out.append(groups[number - 1] if number else template[at:end])
            at = end
    return "".join(out)
