"""Durations and sizes."""

from __future__ import annotations

import pytest

from folkmoot.errors import Invalid
from folkmoot.text.amounts import parse_duration, parse_size


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
