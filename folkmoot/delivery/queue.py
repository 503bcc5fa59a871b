"""The rules of the outgoing queue: what travels together, when a copy is tried again, and when it is given up.

No database, no sockets, no clock: `mail` has those.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from folkmoot.domain.outbox import Outcome, Outgoing
from folkmoot.net import smtp

# RFC 5321 §4.5.3.1.8: every server takes a hundred recipients at once.
RECIPIENTS_TOGETHER = 100
# RFC 5321 §4.5.4.1: give up after four or five days.
GIVE_UP_AFTER = timedelta(days=5)

_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 240, 480))
_LINE_END = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Bundle:
    """Copies of one message that leave in one transaction: same body, same envelope sender."""

    body_id: int
    sender: str
    copies: tuple[Outgoing, ...]


def bundle(copies: Sequence[Outgoing]) -> Iterator[Bundle]:
    """Put copies of the same message together, at most as many as every server takes; in the order they came."""
    groups: dict[tuple[int, str], list[Outgoing]] = {}
    for copy in copies:
        groups.setdefault((copy.body_id, copy.sender), []).append(copy)
    for (body_id, sender), members in groups.items():
        for start in range(0, len(members), RECIPIENTS_TOGETHER):
            yield Bundle(body_id, sender, tuple(members[start : start + RECIPIENTS_TOGETHER]))


def with_crlf(data: bytes) -> bytes:
    """The message with every line end as CRLF; what cannot be sent otherwise is mended rather than lost."""
    return _LINE_END.sub(b"\r\n", data)


def retry_at(attempts: int, created_at: datetime, now: datetime, chance: float) -> datetime | None:
    """When to try again after so many attempts; None when it has been tried for long enough.

    `chance`, between 0 and 1, spreads the attempts of many copies that failed together over a fifth of the delay.
    """
    last_at = created_at + GIVE_UP_AFTER
    if now >= last_at:
        return None
    delay = _DELAYS[min(max(attempts, 1), len(_DELAYS)) - 1]
    return min(now + delay * (0.9 + 0.2 * chance), last_at)


def judge(copy: Outgoing, outcome: smtp.Outcome, now: datetime, chance: Callable[[], float]) -> Outcome:
    """What becomes of a copy after an attempt: sent, failed, or queued for another."""
    reply = str(outcome.reply)
    if outcome.reply.positive:
        return Outcome(copy.id, "sent", reply, now)
    if outcome.untried:
        # The connection broke before its turn: no fault of this copy.
        return Outcome(copy.id, "queued", reply, now)
    # The attempt that is going on has not been counted in the copy we were given.
    due_at = retry_at(copy.attempts + 1, copy.created_at, now, chance()) if outcome.reply.temporary else None
    if due_at is None:
        return Outcome(copy.id, "failed", reply, now)
    return Outcome(copy.id, "queued", reply, due_at)
