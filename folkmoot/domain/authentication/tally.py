"""How often an authenticator was asked, and what it said."""

from __future__ import annotations

from folkmoot.domain.broker import Pace


class Tally:
    """Counts since the start, and how many per second lately; the clock is passed in."""

    def __init__(self) -> None:
        self.success = 0
        self.failed = 0
        self.nomatch = 0
        """It had nothing to say."""
        self.errors = 0
        """It could not be asked, which is also counted as having nothing to say."""
        self.pace = Pace()

    @property
    def total(self) -> int:
        """How often it was asked."""
        return self.success + self.failed + self.nomatch

    def note(self, answer: str, now: float) -> None:
        """It was asked and said `success`, `failed` or `nomatch`."""
        setattr(self, answer, getattr(self, answer) + 1)
        self.pace.note(now)
