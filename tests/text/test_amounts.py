from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.text.amounts import (
    format_duration,
    format_size,
    parse_duration,
    parse_rate,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("500ms", 0.5),
        ("15s", 15),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1.5s", 1.5),
        (250, 0.25),
        ("250", 0.25),
        ("0s", 0),
    ],
)
def test_durations(value: str | int, seconds: float) -> None:
    assert parse_duration(value) == seconds


@pytest.mark.parametrize("value", ["", "s", "1x", "-1s", "1 s", "infinity", -1, "1.2.3s", "9" * 40])
def test_no_durations(value: str | int) -> None:
    with pytest.raises(Invalid) as refused:
        parse_duration(value, "ttl")
    assert refused.value.field == "ttl"


@pytest.mark.parametrize(
    ("value", "size"), [("32KB", 32768), ("256MB", 2**28), ("1gb", 2**30), (7, 7), ("7", 7), ("7B", 7)]
)
def test_sizes(value: str | int, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize("value", ["", "MB", "1TB", "-1", -1, "1.5MB"])
def test_no_sizes(value: str | int) -> None:
    with pytest.raises(Invalid):
        parse_size(value)


@given(st.integers(0, 10**10))
def test_a_written_duration_reads_the_same(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@given(st.integers(0, 1 << 40))
def test_a_written_size_reads_the_same(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(("value", "share"), [("80%", 0.8), ("0%", 0), ("62.5%", 0.625), (0.5, 0.5), (1, 1)])
def test_shares(value: str | float, share: float) -> None:
    assert parse_share(value) == share


@pytest.mark.parametrize("value", ["80", "101%", "%", 2, -0.1])
def test_no_shares(value: str | float) -> None:
    with pytest.raises(Invalid):
        parse_share(value)


@pytest.mark.parametrize(
    ("value", "rate"), [("1000/s", 1000), ("100MB/10s", 10 << 20), ("60/m", 1), ("1KB/s", 1024), ("5/500ms", 10)]
)
def test_rates(value: str, rate: float) -> None:
    assert parse_rate(value) == rate


@pytest.mark.parametrize("value", ["1000", "/s", "0/s", "1/0s", "1/y", "1.5/s"])
def test_no_rates(value: str) -> None:
    with pytest.raises(Invalid):
        parse_rate(value)
