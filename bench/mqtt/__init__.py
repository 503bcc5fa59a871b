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
from .rates import Measurement

T = TypeVar("T")

_TURNS = 5
#: Below this many seconds for each measurement the large ones are a fifth of their size.
_WHOLE_SECONDS = 3.0


class Row(NamedTuple):
    """One line of the table; `theirs` is None for what Mosquitto does not do."""

    name: str
    unit: str
    ours: float
    theirs: float | None = None
    budget: str = ""
    less_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """How many times as good we are."""
        if not self.theirs or not self.ours:
            return None
        return self.theirs / self.ours if self.less_is_better else self.ours / self.theirs


RATES: list[tuple[str, str, Measurement]] = [
    ("one to one, QoS 0, pipelined", "≥ 4x", lambda port, s: rates.pipelined(port, s, 1, [rates.TOPIC])),
    ("  the same, 100 topics in turn", "", lambda port, s: rates.pipelined(port, s, 1, rates.MANY)),
    ("fan-out 1 to 100, QoS 0", "≥ 12x", lambda port, s: rates.pipelined(port, s, 100, [rates.TOPIC])),
    ("  the same, 100 topics in turn", "", lambda port, s: rates.pipelined(port, s, 100, rates.MANY)),
    ("10,000 wildcard filters, 100 topics", "", lambda port, s: rates.wildcards(port, s, new=False)),
    ("  the same, always new topics", "", lambda port, s: rates.wildcards(port, s, new=True)),
    ("10 into a shared group of 10", "", rates.shared),
    ("QoS 1, sliding window 50", "≥ 4x", rates.acknowledged),
    ("closed loop, 1 client", "≥ 0.9x", lambda port, s: rates.closed_loop(port, s, 1)),
    ("closed loop, 50 clients", "≥ 0.9x", lambda port, s: rates.closed_loop(port, s, 50)),
    ("closed loop, 1,000 clients", "≥ 0.9x", lambda port, s: rates.closed_loop(port, s, 1000)),
    ("connections", "", rates.connections),
]


def run(seconds: float) -> Iterator[Row]:
    """Measures everything, for that many seconds each where it is a rate; the rows as they are found."""
    yield from _measure_rates(seconds)
    yield from _measure_amounts(seconds)


def _measure_rates(seconds: float) -> Iterator[Row]:
    """In turns of both brokers; the median turn counts."""
    with ExitStack() as stack:
        ports = [stack.enter_context(start()).port for start in (folkmoot, mosquitto)]
        for name, budget, measurement in RATES:
            turns = [[_run(measurement, port, seconds / _TURNS) for port in ports] for _ in range(_TURNS)]
            ours, theirs = (statistics.median(turn[side] for turn in turns) for side in (0, 1))
            yield Row(name, "/s", ours, theirs, budget)
        # Mosquitto acknowledges before it has written.
        yield Row("durable QoS 1 to offline sessions", "/s", _run(rates.durable, ports[0], seconds))


def _measure_amounts(seconds: float) -> Iterator[Row]:
    """Each on brokers of its own, for what was before would be in their memory."""
    is_whole = seconds >= _WHOLE_SECONDS
    many = 500_000 if is_whole else 100_000
    ours, theirs = _on_both(partial(amounts.idle, connections=4000, subscribes=False))
    yield Row("4,000 idle connections", "KB each", ours, theirs, budget="≤ 10", less_is_better=True)
    ours, theirs = _on_both(partial(amounts.idle, connections=4000, subscribes=True))
    yield Row("  the same, each subscribed", "KB each", ours, theirs, less_is_better=True)
    ours, theirs = _on_both(partial(amounts.retained, messages=50_000))
    yield Row("50,000 retained, then #", "s", ours, theirs, less_is_better=True)
    ours, theirs = _on_both(partial(amounts.retained_growth, messages=many, subscribers=10, seconds=seconds))
    yield Row(f"{many:,} retained, ten times #", "MB more", ours, theirs, less_is_better=True)
    crowd = 5000 if is_whole else 1000
    (all_read, one_stuck), (their_all, their_stuck) = _on_both(
        partial(amounts.crowd, subscribers=crowd, seconds=seconds)
    )
    yield Row(f"{crowd:,} subscribers", "/s", all_read, their_all)
    yield Row("  the same, one of them stuck", "/s", one_stuck, their_stuck)


def _run(measurement: Measurement, port: int, seconds: float) -> float:
    async def work() -> float:
        return await measurement(port, seconds)

    return uvloop.run(work())


def _on_both(measure: Callable[[Broker], Awaitable[T]]) -> tuple[T, T]:
    async def work(broker: Broker) -> T:
        return await measure(broker)

    with folkmoot() as broker:
        ours = uvloop.run(work(broker))
    with mosquitto() as broker:
        return ours, uvloop.run(work(broker))


def show(seconds: float) -> None:
    """Print the table."""
    print(f"{'':38}{'folkmoot':>12}{'mosquitto':>12} {'':8}{'better':>8}{'budget':>9}")
    for row in run(seconds):
        ratio = "" if row.ratio is None else f"{row.ratio:.1f}x"
        print(
            f"{row.name:38}{_figure(row.ours):>12}{_figure(row.theirs):>12} {row.unit:8}{ratio:>8}{row.budget:>9}",
            flush=True,
        )


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
