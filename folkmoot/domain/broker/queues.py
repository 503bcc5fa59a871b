"""The order in which messages wait for a session: by the priority of their topics, then as they came (contract §3.2).

A queue is a plain deque. Without priorities, which is usual, all of it is one row.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque

from .model import Delivery
from .options import Limits

#: Above all priorities that can be given.
_HIGHEST = 256


def priority(delivery: Delivery, limits: Limits) -> int:
    """Of the message's topic; higher ones are sent first."""
    default = _HIGHEST if limits.mqueue_default_priority == "highest" else 0
    return limits.mqueue_priorities.get(delivery.message.topic, default)


def put(queue: deque[Delivery], delivery: Delivery, limits: Limits) -> Delivery | None:
    """Puts a delivery in its place; returns the oldest of the same priority if there are too many of those now."""
    if not limits.mqueue_priorities:
        dropped = queue.popleft() if len(queue) >= limits.max_mqueue_len > 0 else None
        queue.append(delivery)
        return dropped

    def key(one: Delivery) -> int:
        return -priority(one, limits)

    wanted = key(delivery)
    first, behind = bisect_left(queue, wanted, key=key), bisect_right(queue, wanted, key=key)
    queue.insert(behind, delivery)
    if not 0 < limits.max_mqueue_len <= behind - first:
        return None
    dropped = queue[first]
    del queue[first]
    return dropped


def sort(queue: deque[Delivery], limits: Limits) -> None:
    """Puts a queue in order whose deliveries came in the order of time, or under other priorities."""
    if limits.mqueue_priorities and len(queue) > 1:
        ordered = sorted(queue, key=lambda one: -priority(one, limits))
        queue.clear()
        queue.extend(ordered)
