"""Samples of the broker's numbers: taken every few seconds, kept for a week, and thinned as they grow old (contract §2.9).

A thinner sample covers several: what happened in them is added, of the gauges the highest value counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from folkmoot.domain.broker import Broker
from folkmoot.store import Transaction, microseconds

from .counting import Gauges, counts
from .model import Counts, Sample

_KEPT = timedelta(days=7)
#: From which age on, how many seconds one sample covers.
THINNING = (
    (timedelta(hours=1), 60),
    (timedelta(days=1), 300),
    (timedelta(days=3), 600),
)
_COLUMNS = Sample.__struct_fields__
_ADDED = ("received", "sent", "dropped", "persisted")
_HIGHEST = ("connections", "live_connections", "topics", "subscriptions")


class Sampler:
    """Takes the samples of one broker, as often as its options say."""

    def __init__(self, broker: Broker, gauges: Gauges, now: float) -> None:
        self._broker = broker
        self._gauges = gauges
        self._last = counts(broker)
        self._last_at = now
        self._span = broker.options.dashboard.sample_interval
        self._due = _next(now, self._span)
        self._meanwhile = dict.fromkeys(_HIGHEST, 0)
        self._unsaved: list[Sample] = []

    def tick(self, now: float) -> None:
        """Looks at the gauges, and takes a sample when one is due."""
        found = self._gauges.look()
        for name in _HIGHEST:
            self._meanwhile[name] = max(self._meanwhile[name], found[name])
        span = self._broker.options.dashboard.sample_interval
        if span != self._span:
            self._span, self._due = span, min(self._due, _next(now, span))
        if now < self._due:
            return
        # A sample is named for the moment it is due, so that those of one week fit into each other.
        taken_at = datetime.fromtimestamp(self._due if now - self._due < span else int(now), UTC)
        counted = counts(self._broker)
        done = self._since_last(counted)
        self._unsaved.append(Sample(taken_at, span, *msgspec.structs.astuple(done), **self._meanwhile))
        self._last, self._last_at, self._due = counted, now, _next(now, span)
        self._meanwhile = {name: found[name] for name in _HIGHEST}

    def rates(self, now: float) -> Counts:
        """What happened per second since the last sample, rounded down."""
        seconds = max(1.0, now - self._last_at)
        done = msgspec.structs.astuple(self._since_last(counts(self._broker)))
        return Counts(*(int(each / seconds) for each in done))

    def _since_last(self, found: Counts) -> Counts:
        before, after = msgspec.structs.astuple(self._last), msgspec.structs.astuple(found)
        return Counts(*(max(0, after[at] - before[at]) for at in range(len(after))))

    def take(self) -> list[Sample]:
        """What is not in the database yet."""
        unsaved, self._unsaved = self._unsaved, []
        return unsaved

    def give_back(self, samples: list[Sample]) -> None:
        """What was taken could not be written; the newest of an hour are tried again."""
        self._unsaved = (samples + self._unsaved)[-360:]


def _next(now: float, span: int) -> int:
    return (int(now) // span + 1) * span


def list_samples(tx: Transaction, since: datetime | None = None) -> list[Sample]:
    """The samples taken at or after `since`, or all, oldest first."""
    where, values = ("", {}) if since is None else (" WHERE taken_at >= :since", {"since": since})
    return tx.all(Sample, f"SELECT {', '.join(_COLUMNS)} FROM monitor_samples{where} ORDER BY taken_at", **values)


def save_samples(tx: Transaction, samples: Iterable[Sample]) -> None:
    """Keep samples; a second one of the same moment takes the place of the first."""
    names = ", ".join(_COLUMNS)
    marks = ", ".join(f":{name}" for name in _COLUMNS)
    again = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
    tx.run_many(
        f"INSERT INTO monitor_samples ({names}) VALUES ({marks}) ON CONFLICT (taken_at) DO UPDATE SET {again}",
        [_row(each) for each in samples],
    )


def _row(sample: Sample) -> dict[str, int]:
    return {**msgspec.structs.asdict(sample), "taken_at": microseconds(sample.taken_at)}


def thin_samples(tx: Transaction, now: datetime) -> None:
    """Put samples together as their age demands, and forget those older than a week."""
    tx.run("DELETE FROM monitor_samples WHERE taken_at < :oldest", oldest=now - _KEPT)
    for age, span in THINNING:
        # Only whole spans, so that none is put together twice.
        until = datetime.fromtimestamp((now - age).timestamp() // span * span, UTC)
        fine = tx.all(
            Sample,
            f"SELECT {', '.join(_COLUMNS)} FROM monitor_samples WHERE taken_at < :until AND span < :span",
            until=until,
            span=span,
        )
        if fine:
            tx.run("DELETE FROM monitor_samples WHERE taken_at < :until AND span < :span", until=until, span=span)
            save_samples(tx, _together(fine, span))


def _together(samples: Iterable[Sample], span: int) -> list[Sample]:
    found = dict[datetime, Sample]()
    for each in samples:
        at = datetime.fromtimestamp(each.taken_at.timestamp() // span * span, UTC)
        sofar = found.get(at)
        if sofar is None:
            found[at] = msgspec.structs.replace(each, taken_at=at, span=span)
            continue
        changed = {name: getattr(sofar, name) + getattr(each, name) for name in _ADDED}
        changed |= {name: max(getattr(sofar, name), getattr(each, name)) for name in _HIGHEST}
        found[at] = msgspec.structs.replace(sofar, **changed)
    return list(found.values())


def delete_samples(tx: Transaction) -> None:
    """Forget all samples."""
    tx.run("DELETE FROM monitor_samples")
