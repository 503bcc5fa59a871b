"""All parts of monitoring of one broker together, and what of them is in the database.

Plain: whoever has a clock calls `tick` about once a second, and then writes `take()` to the database with `save`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from typing import TypeVar

import msgspec
from msgspec import Struct

from folkmoot.domain.broker import Alarm, Broker, Link, Session, read_setting, save_setting
from folkmoot.store import Transaction

from .alarms import Alarms, list_alarms, save_alarms
from .announcer import Announcer
from .counting import Gauges
from .machine import Machine
from .model import PrometheusSettings, Sample, Sources
from .outlet import Outlet
from .overseer import Overseer
from .samples import Sampler, save_samples, thin_samples
from .slow import SlowSettings, SlowSubscriptions
from .traces import Trace, Traces, list_traces

T = TypeVar("T", bound=Struct)

PROMETHEUS = "prometheus"
SLOW_SUBSCRIPTIONS = "slow_subscriptions"

#: Listener and reason of disconnections counted apart; of more, the rest is counted together.
_REASONS_MAX = 1000
_THINNED_SECONDS = 60


class Kept(Struct):
    """What the last run left in the database."""

    alarms: list[Alarm]
    traces: list[Trace]
    prometheus: PrometheusSettings
    slow: SlowSettings


class Unsaved(Struct):
    """What is to be written: changed alarms, new samples, and whether it is time to thin them."""

    alarms: list[Alarm]
    samples: list[Sample]
    thin: bool = False

    def __bool__(self) -> bool:
        return bool(self.alarms or self.samples or self.thin)


class Monitoring:
    """See above; `clock` is the broker's, in seconds since 1970. Make it before clients connect, then `start` it."""

    def __init__(
        self,
        broker: Broker,
        node: str,
        directory: Path,
        clock: Callable[[], float] = time,
        machine: Machine | None = None,
    ) -> None:
        now = self.started_at = clock()
        self.broker = broker
        self.node = node
        self.sources = Sources()
        self.machine = machine or Machine()
        self.outlet = Outlet(broker, node, clock)
        self.gauges = Gauges(broker)
        self.alarms = Alarms(broker, self.outlet)
        self.sampler = Sampler(broker, self.gauges, now)
        self.traces = Traces(broker, directory)
        self.slow = SlowSubscriptions(broker)
        self.prometheus = PrometheusSettings()
        self.left: Counter[tuple[str, str]] = Counter()
        """Disconnections by listener and reason."""
        self._announcer = Announcer(broker, self.outlet, self.gauges, now)
        self._overseer = Overseer(broker, self.alarms, self.machine, now)
        self._thin_at = now
        self._clock = clock
        broker.happenings.disconnected.append(self._count_reason)

    def start(self, kept: Kept, version: str, description: str) -> None:
        """Goes on where the last run ended, and says on the topics who we are."""
        now = self._clock()
        self.alarms.restore(kept.alarms, now)
        self.slow.set(kept.slow)
        self.prometheus = kept.prometheus
        for trace in kept.traces:
            self.traces.all[trace.name] = trace
        self.traces.tick(datetime.fromtimestamp(now, UTC))
        self._announcer.start(self.node, version, description)

    def tick(self, now: float) -> None:
        """Does what is due in every part."""
        self.sampler.tick(now)
        self._overseer.tick(now)
        self._announcer.tick(now)
        self.traces.tick(datetime.fromtimestamp(now, UTC))

    def take(self, now: float) -> Unsaved:
        """What is to be written now; `give_back` it when that fails."""
        thin = now - self._thin_at >= _THINNED_SECONDS
        if thin:
            self._thin_at = now
            self.alarms.expire(now)
        return Unsaved(self.alarms.take(), self.sampler.take(), thin)

    def give_back(self, unsaved: Unsaved) -> None:
        """It could not be written; it is part of the next."""
        self.alarms.give_back(unsaved.alarms)
        self.sampler.give_back(unsaved.samples)

    def save(self, tx: Transaction, unsaved: Unsaved, now: datetime) -> None:
        """Write what was taken."""
        options = self.broker.options.alarm
        if unsaved.alarms or unsaved.thin:
            oldest = now - timedelta(seconds=options.validity_period)
            save_alarms(tx, unsaved.alarms, oldest, options.size_limit)
        if unsaved.samples:
            save_samples(tx, unsaved.samples)
        if unsaved.thin:
            thin_samples(tx, now)

    def _count_reason(self, session: Session, link: Link, reason: str, now: float) -> None:
        key = link.client.listener, reason
        if key not in self.left and len(self.left) >= _REASONS_MAX:
            key = "", "other"
        self.left[key] += 1


def read_kept(tx: Transaction) -> Kept:
    """What the last run left."""
    return Kept(
        list_alarms(tx),
        list_traces(tx),
        read_setting(tx, PROMETHEUS, PrometheusSettings),
        read_setting(tx, SLOW_SUBSCRIPTIONS, SlowSettings),
    )


def save_settings(tx: Transaction, name: str, settings: Struct, now: datetime) -> None:
    """Keep what an operator has set."""
    save_setting(tx, name, msgspec.json.encode(settings).decode(), now)
