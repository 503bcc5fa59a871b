from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.text.quantities import (
    format_duration,
    format_size,
    parse_duration,
    parse_rate,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("15s", 15),
        ("5m", 300),
        ("2h", 7200),
        ("1d", 86_400),
        ("1h30m", 5400),
        (2500, 2.5),
        ("100", 0.1),
    ],
)
def test_durations(written: Any, seconds: float) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize("written", ["", "s", "-1s", "1 s", "1y", "15ss", None, True, -1, 1.5, [], "9" * 400 + "s"])
def test_what_is_no_duration(written: Any) -> None:
    with pytest.raises(ValueError):
        parse_duration(written)


@given(st.integers(0, 10**10))
def test_a_written_duration_reads_the_same(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(("written", "size"), [("1MB", 1 << 20), ("32kb", 32 << 10), (5, 5), ("7", 7), ("3B", 3)])
def test_sizes(written: Any, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize("written", ["", "MB", "-1", "1.5MB", None, False, -1, "9" * 19 + "GB"])
def test_what_is_no_size(written: Any) -> None:
    with pytest.raises(ValueError):
        parse_size(written)


@given(st.integers(0, 1 << 40))
def test_a_written_size_reads_the_same(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(("written", "share"), [("80%", 0.8), ("0%", 0), ("62.5%", 0.625), (0.5, 0.5), (1, 1)])
def test_shares(written: Any, share: float) -> None:
    assert parse_share(written) == share


@pytest.mark.parametrize("written", ["80", "101%", "%", 2, None, True, -0.1])
def test_what_is_no_share(written: Any) -> None:
    with pytest.raises(ValueError):
        parse_share(written)


@pytest.mark.parametrize(
    ("written", "rate"),
    [("1000/s", 1000), ("100MB/10s", 10 * (1 << 20)), ("60/m", 1), ("1KB/s", 1024), ("5/500ms", 10)],
)
def test_rates(written: str, rate: float) -> None:
    assert parse_rate(written) == rate


@pytest.mark.parametrize("written", ["1000", "/s", "0/s", "1/0s", "1/y", 5, None, "1.5/s"])
def test_what_is_no_rate(written: Any) -> None:
    with pytest.raises(ValueError):
        parse_rate(written)
