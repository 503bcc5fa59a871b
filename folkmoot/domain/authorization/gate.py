"""The broker's gate: who may publish or subscribe what.

Theory. The first of these that has an answer gives it: the community's law for its topics, the client's being a superuser,
what it was answered lately, the rules of its own, the sources in their order, the setting for what nobody matched. The law
says no to whomever it says no, superusers included; where it says yes, others may still say no by a rule that matches.
Whatever is asked may be asked again: answers that hold until the rules change are remembered by the broker for the link
(`Verdict.ALLOW`), answers for the one wish (`ALLOW_ONCE`) only in the client's cache, and an answer from outside is of that
kind. Judging never waits: where a web server must be asked the verdict is ASK, and the surface follows `deliberate`.
Rules for changing it: whatever could change an answer must call `changed`.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from typing import NamedTuple

from msgspec import Struct

from folkmoot.domain.broker import Broker, Client, Happenings, Verdict, Wish
from folkmoot.text.acl import Carried, Topic

from .cache import Answer, Cache
from .community import CommunityLaw
from .model import BuiltInSource, Configuration, FileSource, HttpSource, Source, Tally, type_of
from .rules import Ready, ask, covers, prepare
from .stock import Stock

_DELAYED, _EXCLUSIVE = "$delayed/", "$exclusive/"


class Outcome(NamedTuple):
    """What a source said: None for nothing; `ignored` if it would not or could not say, and then what was wrong."""

    answer: bool | None
    ignored: bool = False
    error: str = ""


class _Own(NamedTuple):
    """The rules that came with a client's credential, ready."""

    rules: Ready
    expires_at: float


class Asked(Struct):
    """A source in use."""

    type: str
    source: Source
    tally: Tally
    rules: Ready = Ready()


#: Yields the web servers to be asked and takes what they said; returns the verdict.
Deliberation = Generator[HttpSource, Outcome, Verdict]


class RuleGate:
    """See above. `clock` is the broker's."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.community = CommunityLaw()
        self.may_receive = self.community.may_receive
        self.takes = self.community.takes
        self.stock = Stock()
        """The rules in our own tables."""
        self.clock = clock
        self.count: Counter[str] = Counter()
        self.happenings = Happenings()
        self.configuration = Configuration()
        self.sources: tuple[Asked, ...] = ()
        self._broker: Broker | None = None
        self._state = 0
        """Grows when answers given before hold no more."""
        self.configure(self.configuration)

    def serve(self, broker: Broker) -> None:
        """Counts and tells what is judged with the broker's, and sets what it must know of the settings."""
        self._broker, self.count, self.happenings = broker, broker.count, broker.happenings
        self.changed()

    def configure(self, configuration: Configuration) -> None:
        """Goes by another configuration from now on. Raises Invalid, and then nothing has changed."""
        known = {each.type: each.tally for each in self.sources}
        sources = list[Asked]()
        for source in configuration.sources:
            rules = prepare(source.parse()) if isinstance(source, FileSource) else Ready()
            sources.append(Asked(type_of(source), source, known.get(type_of(source)) or Tally(), rules))
        self.sources = tuple(sources)
        self.configuration = configuration
        self._excludes = [covers(Topic(each)) for each in configuration.settings.cache.excludes]
        self.changed()

    def changed(self) -> None:
        """Rules, sources or settings are others: nothing answered before holds any more."""
        self._state += 1
        if self._broker is not None:
            self._broker.limits.deny_disconnects = self.configuration.settings.deny_action == "disconnect"
            self._broker.forget_routes()

    def remembered(self, client: Client) -> list[tuple[Wish, Answer]]:
        """What a client was answered that still holds."""
        if not isinstance(client.cache, Cache):
            return []
        return client.cache.standing(self.clock(), self.configuration.settings.cache.ttl_seconds, self._state)

    def forget(self, client: Client) -> None:
        """Nothing a client was answered holds any more."""
        client.cache = None
        if self._broker is not None:
            session = self._broker.sessions.get(client.client_id)
            if session is not None and session.link is not None:
                session.link.granted.clear()
                session.link.again_size = -1

    def judge(self, client: Client, wish: Wish) -> Verdict:
        """Whether the client may; ASK when a web server has to be asked."""
        deliberation = self.deliberate(client, wish)
        try:
            next(deliberation)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict
        deliberation.close()
        return Verdict.ASK

    def deliberate(self, client: Client, wish: Wish) -> Deliberation:
        """The way to a verdict; nothing is counted or remembered before it is there."""
        wish = _inner(wish)
        if not wish.topic or self.community.forbids(wish):
            return self._tell(client, wish, Verdict.DENY, "community")
        if client.is_superuser:
            self.count["authorization.superuser"] += 1
            return self._tell(client, wish, Verdict.ALLOW, "superuser")
        levels, state = wish.topic.split("/"), self._state
        settings = self.configuration.settings.cache
        remembers = settings.enable
        if self._excludes:
            remembers = remembers and not any(each(client, wish.topic, levels) for each in self._excludes)
        if remembers and isinstance(client.cache, Cache):
            found = client.cache.find(wish, self.clock(), settings.ttl_seconds, state)
            if found is not None:
                self.count["authorization.cache_hit"] += 1
                return self._tell(client, wish, found, "cache")
        answer, once, by, passed = yield from self._ask(client, wish, levels)
        now = self.clock()
        if remembers:
            self.count["authorization.cache_miss"] += 1
        for asked, outcome in passed:
            asked.tally.note(outcome.answer, now, ignored=outcome.ignored, error=outcome.error)
        if answer is None:
            self.count["authorization.nomatch"] += 1
            answer = self._unmatched(wish)
        else:
            self.count["authorization.matched.allow" if answer else "authorization.matched.deny"] += 1
        verdict = (Verdict.ALLOW_ONCE if once else Verdict.ALLOW) if answer else Verdict.DENY
        if remembers and settings.max_size > 0 and state == self._state:
            if not isinstance(client.cache, Cache):
                client.cache = Cache()
            client.cache.keep(wish, verdict, now, settings.max_size, state)
        return self._tell(client, wish, verdict, by)

    def _ask(
        self, client: Client, wish: Wish, levels: list[str]
    ) -> Generator[HttpSource, Outcome, tuple[bool | None, bool, str, list[tuple[Asked, Outcome]]]]:
        """The first answer, whether it is for once only, who gave it, and everybody who was asked."""
        passed = list[tuple[Asked, Outcome]]()
        once = False
        carried = client.rules
        if isinstance(carried, Carried):
            carried = client.rules = _Own(prepare(carried.rules), carried.expires_at)
        if isinstance(carried, _Own):
            # Not for longer than the credential says.
            once = carried.expires_at > 0
            if once and self.clock() >= carried.expires_at:
                return False, True, "client_info", passed
            answer, depends = ask(carried.rules, client, wish, levels)
            once = once or depends
            if answer is not None:
                return answer, once, "client_info", passed
        for asked in self.sources:
            source = asked.source
            if not source.enable:
                continue
            if isinstance(source, HttpSource):
                outcome = yield source
                once = True
            elif isinstance(source, BuiltInSource):
                answer, depends = self.stock.ask(client, wish, levels)
                once, outcome = once or depends, Outcome(answer)
            else:
                answer, depends = ask(asked.rules, client, wish, levels)
                once, outcome = once or depends, Outcome(answer)
            passed.append((asked, outcome))
            if outcome.answer is not None:
                return outcome.answer, once, asked.type, passed
        return None, once, "default", passed

    def _unmatched(self, wish: Wish) -> bool:
        if wish.topic.startswith("spaces/"):
            # The law has allowed it.
            return True
        if wish.action == "publish" and wish.topic.startswith("$SYS/"):
            return False
        return self.configuration.settings.no_match == "allow"

    def _tell(self, client: Client, wish: Wish, verdict: Verdict, by: str) -> Verdict:
        if self.happenings.judged:
            self.happenings.tell(self.happenings.judged, client, wish, verdict, by, self.clock())
        return verdict


def _inner(wish: Wish) -> Wish:
    """The wish as rules see it (contract §2.12): a delayed message is one for the topic it will go to."""
    if wish.action == "publish" and wish.topic.startswith(_DELAYED):
        # Without one it is refused.
        return wish._replace(topic=wish.topic[len(_DELAYED) :].partition("/")[2])
    if wish.action == "subscribe" and wish.topic.startswith(_EXCLUSIVE):
        return wish._replace(topic=wish.topic[len(_EXCLUSIVE) :])
    return wish
