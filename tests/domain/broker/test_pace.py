from __future__ import annotations

from folkmoot.domain.broker import Pace


def test_what_never_happened() -> None:
    assert Pace().read(1000.0) == (0.0, 0.0, 0.0)


def test_lately_over_five_minutes_and_at_most() -> None:
    pace = Pace()
    for _ in range(50):
        pace.note(1000.9)
    assert pace.read(1000.9) == (10.0, 10.0, 10.0)
    pace.note(1001)
    pace.note(1004)
    # The first second is still among the last five, and then it is not.
    assert pace.read(1004.5) == (10.4, 10.4, 10.4)
    assert pace.read(1005) == (0.4, 8.67, 10.4)
    assert pace.read(1099) == (0.0, 0.52, 10.4)
    assert pace.read(1299) == (0.0, 0.17, 10.4)
    # After five minutes the first fifty are forgotten.
    assert pace.read(1300) == (0.0, 0.01, 10.4)
    pace.note(2000)
    assert pace.read(2000) == (0.2, 0.0, 10.4)


def test_it_keeps_no_more_than_five_minutes() -> None:
    pace = Pace()
    for second in range(1000):
        pace.note(second)
    assert len(pace._seconds) == 300
    assert pace.read(999) == (1.0, 1.0, 1.0)
