"""What the broker has to do at a certain time."""

from __future__ import annotations

from folkmoot.domain.broker import Agenda


def test_work_is_done_when_it_is_due_and_the_alarm_knows_when() -> None:
    agenda, done, alarms = Agenda(), list[str](), list[float]()
    agenda.alarm = alarms.append
    assert agenda.next_at() is None
    agenda.add("b", 20.0, lambda now: done.append(f"b{now}"))
    agenda.add("a", 10.0, lambda now: done.append(f"a{now}"))
    agenda.add("a", 30.0, lambda now: done.append("too late"))
    agenda.add("b", 15.0, lambda now: done.append(f"earlier b{now}"))
    agenda.add("c", 12.0, lambda now: done.append("c"))
    agenda.remove("c")
    assert (alarms, agenda.next_at()) == ([20.0, 10.0], 10.0)
    agenda.run(9.0)
    assert done == []
    agenda.run(11.0)
    assert (done, agenda.next_at()) == (["a11.0"], 15.0)
    agenda.run(40.0)
    assert (done, agenda.next_at()) == (["a11.0", "earlier b40.0"], None)


def test_work_that_fails_or_asks_for_more_stops_nothing() -> None:
    agenda, done = Agenda(), list[float]()

    def again(now: float) -> None:
        done.append(now)
        agenda.add("again", now, again)

    agenda.add("fails", 1.0, lambda now: 1 // 0)  # type: ignore[arg-type]
    agenda.add("again", 1.0, again)
    agenda.run(5.0)
    assert done == [5.0]
    agenda.run(6.0)
    assert done == [5.0, 6.0]
