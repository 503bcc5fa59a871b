"""MQTT against Mosquitto: the same load, from the same process, in one run; both figures and their ratio.

The load generator only moves prepared bytes, so that the brokers are measured. Both run as processes of their own: the whole
program with permissions, counters, sessions and its other surfaces, and Mosquitto; the subscribers of both use wildcards.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple, TypeVar

import uvloop

from . import amounts, rates
from .brokers import Broker, folkmoot, mosquitto
from .rates import Figure, Measurement

T = TypeVar("T")

_TURNS = 5
#: Below this many seconds for each measurement the large ones are a fifth of their size.
_WHOLE_SECONDS = 3.0


class Row(NamedTuple):
    """One line of the table; `theirs` is None for what Mosquitto does not do, the costs are a processor's µs for each."""

    name: str
    unit: str
    ours: float
    theirs: float | None = None
    budget: str = ""
    less_is_better: bool = False
    our_cost: float | None = None
    their_cost: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times as good we are."""
        if not self.theirs or not self.ours:
            return None
        return self.theirs / self.ours if self.less_is_better else self.ours / self.theirs


RATES: list[tuple[str, str, Measurement]] = [
    ("one to one, QoS 0, pipelined", "≥ 4x", partial(rates.pipelined, receivers=1, topics=[rates.TOPIC])),
    ("  the same, 100 topics in turn", "", partial(rates.pipelined, receivers=1, topics=rates.MANY)),
    ("fan-out 1 to 100, QoS 0", "≥ 12x", partial(rates.pipelined, receivers=100, topics=[rates.TOPIC])),
    ("  the same, 100 topics in turn", "", partial(rates.pipelined, receivers=100, topics=rates.MANY)),
    ("10,000 wildcard filters, 100 topics", "", partial(rates.wildcards, new=False)),
    ("  the same, always new topics", "", partial(rates.wildcards, new=True)),
    ("10 into a shared group of 10", "", rates.shared),
    ("QoS 1, sliding window 50", "≥ 4x", rates.acknowledged),
    ("closed loop, 1 client", "≥ 0.9x", partial(rates.closed_loop, clients=1)),
    ("closed loop, 50 clients", "≥ 0.9x", partial(rates.closed_loop, clients=50)),
    ("closed loop, 1,000 clients", "≥ 0.9x", partial(rates.closed_loop, clients=1000)),
    ("connections", "", rates.connections),
]
#: Mosquitto acknowledges before it has written.
DURABLE = "durable QoS 1 to offline sessions"


def run(seconds: float, only: str = "") -> Iterator[Row]:
    """Measures everything with `only` in its name, for that many seconds each where it is a rate; the rows as they are found."""
    yield from _measure_rates(seconds, only)
    for name, measure in _AMOUNTS.items():
        if only in name:
            yield from measure(seconds)


def _measure_rates(seconds: float, only: str) -> Iterator[Row]:
    """In turns of both brokers; the median turn counts."""
    wanted = [each for each in RATES if only in each[0]]
    if not wanted and only not in DURABLE:
        return
    with ExitStack() as stack:
        brokers = [stack.enter_context(start()) for start in (folkmoot, mosquitto)]
        for name, budget, measurement in wanted:
            turns = [[_run(measurement, broker, seconds / _TURNS) for broker in brokers] for _ in range(_TURNS)]
            ours, theirs = ([turn[side] for turn in turns] for side in (0, 1))
            yield Row(name, "/s", _rate(ours), _rate(theirs), budget, our_cost=_cost(ours), their_cost=_cost(theirs))
        if only in DURABLE:
            found = [_run(rates.durable, brokers[0], seconds)]
            yield Row(DURABLE, "/s", _rate(found), our_cost=_cost(found))


def _rate(figures: list[Figure]) -> float:
    return statistics.median(figure.per_second for figure in figures)


def _cost(figures: list[Figure]) -> float:
    return sum(figure.cpu_seconds for figure in figures) / sum(figure.number for figure in figures) * 1e6


def _measure_idle(seconds: float) -> Iterator[Row]:
    """On brokers of its own, as all that follows: what was before would be in their memory."""
    ours, theirs = _on_both(partial(amounts.idle, connections=4000, subscribes=False))
    yield Row("4,000 idle connections", "KB each", ours, theirs, budget="≤ 10", less_is_better=True)
    ours, theirs = _on_both(partial(amounts.idle, connections=4000, subscribes=True))
    yield Row("  the same, each subscribed", "KB each", ours, theirs, less_is_better=True)


def _measure_retained(seconds: float) -> Iterator[Row]:
    many = 500_000 if seconds >= _WHOLE_SECONDS else 100_000
    ours, theirs = _on_both(partial(amounts.retained, messages=50_000))
    yield Row("50,000 retained, then #", "s", ours, theirs, less_is_better=True)
    ours, theirs = _on_both(partial(amounts.retained_growth, messages=many, subscribers=10, seconds=seconds))
    yield Row(f"{many:,} retained, ten times #", "MB more", ours, theirs, less_is_better=True)


def _measure_crowd(seconds: float) -> Iterator[Row]:
    crowd = 5000 if seconds >= _WHOLE_SECONDS else 1000
    (all_read, one_stuck), (their_all, their_stuck) = _on_both(
        partial(amounts.crowd, subscribers=crowd, seconds=seconds)
    )
    yield Row(f"{crowd:,} subscribers", "/s", all_read, their_all)
    yield Row("  the same, one of them stuck", "/s", one_stuck, their_stuck)


#: By their names.
_AMOUNTS: dict[str, Callable[[float], Iterator[Row]]] = {
    "idle connections": _measure_idle,
    "retained": _measure_retained,
    "subscribers": _measure_crowd,
}


def _run(measurement: Measurement, broker: Broker, seconds: float) -> Figure:
    async def work() -> Figure:
        return await measurement(broker, seconds)

    return uvloop.run(work())


def _on_both(measure: Callable[[Broker], Awaitable[T]]) -> tuple[T, T]:
    async def work(broker: Broker) -> T:
        return await measure(broker)

    with folkmoot() as broker:
        ours = uvloop.run(work(broker))
    with mosquitto() as broker:
        return ours, uvloop.run(work(broker))


def show(seconds: float, only: str = "") -> None:
    """Print the table; the last two columns are what each message or connection takes of a processor."""
    print(f"{'':38}{'folkmoot':>12}{'mosquitto':>12} {'':8}{'better':>8}{'budget':>9}{'µs CPU':>9}{'theirs':>8}")
    for row in run(seconds, only):
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}x"
        costs = "".join("" if cost is None else f"{cost:8.2f}" for cost in (row.our_cost, row.their_cost))
        print(
            f"{row.name:38}{_figure(row.ours):>12}{_figure(row.theirs):>12} {row.unit:8}{ratio:>8}{row.budget:>9} {costs}",
            flush=True,
        )


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
