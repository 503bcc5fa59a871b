"""The rules of the outgoing queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.delivery import queue
from folkmoot.domain.outbox import Outgoing
from folkmoot.net import smtp

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def copy(
    number: int, *, body: int = 1, sender: str = "list@x", attempts: int = 0, created_at: datetime = NOW
) -> Outgoing:
    return Outgoing(number, body, sender, f"r{number}@x", attempts, created_at)


def test_copies_of_a_message_travel_together() -> None:
    copies = [copy(1), copy(2, body=2), copy(3), copy(4, sender="other@x"), copy(5)]
    assert [(each.body_id, each.sender, [one.id for one in each.copies]) for each in queue.bundle(copies)] == [
        (1, "list@x", [1, 3, 5]),
        (2, "list@x", [2]),
        (1, "other@x", [4]),
    ]


def test_a_bundle_holds_what_every_server_takes() -> None:
    sizes = [len(each.copies) for each in queue.bundle([copy(number) for number in range(250)])]
    assert sizes == [100, 100, 50]


def test_delays_grow_and_end_after_five_days() -> None:
    at, delays = NOW, []
    for attempt in range(1, 100):
        due_at = queue.retry_at(attempt, NOW, at, 0.5)
        if due_at is None:
            break
        delays.append((due_at - at).total_seconds() / 60)
        at = due_at
    assert delays[:7] == [1, 5, 30, 120, 240, 480, 480]
    # The last attempt comes when the five days are over, not later.
    assert at == NOW + timedelta(days=5)


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 54), (0.5, 60), (1.0, 66)])
def test_what_failed_together_is_not_tried_together(chance: float, seconds: float) -> None:
    assert queue.retry_at(1, NOW, NOW, chance) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("reply", "created_at", "state", "due_at"),
    [
        (smtp.Reply(250, "2.0.0", "OK"), NOW, "sent", NOW),
        (smtp.Reply(550, "5.1.1", "Nobody"), NOW, "failed", NOW),
        (smtp.Reply(451, "4.0.0", "Later"), NOW, "queued", NOW + timedelta(minutes=5)),
        (smtp.Reply(451, "4.0.0", "Later"), NOW - timedelta(days=5), "failed", NOW),
    ],
)
def test_what_becomes_of_a_copy(reply: smtp.Reply, created_at: datetime, state: str, due_at: datetime) -> None:
    # One attempt had been made when this one began.
    judged = queue.judge(copy(7, attempts=1, created_at=created_at), smtp.Outcome("r7@x", reply), NOW, lambda: 0.5)
    assert (judged.id, judged.state, judged.reply, judged.due_at) == (7, state, str(reply), due_at)


def test_a_copy_whose_turn_never_came_waits_for_nothing() -> None:
    outcome = smtp.Outcome("r1@x", smtp.Reply(451, "4.4.2", "gone"), True, True)
    judged = queue.judge(copy(1, attempts=9), outcome, NOW, lambda: 0.5)
    assert (judged.state, judged.due_at) == ("queued", NOW)


def test_every_line_ends_in_crlf() -> None:
    assert queue.with_crlf(b"a\r\nb\nc\rd\r\r\n\n") == b"a\r\nb\r\nc\r\nd\r\n\r\n\r\n"
