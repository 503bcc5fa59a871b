"""A short run of the fuzz target for MQTT; `make fuzz` runs it for longer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.mqtt import SEEDS, run


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 255), st.lists(st.sampled_from(SEEDS) | st.binary(max_size=12), max_size=12))
def test_any_bytes(choice: int, parts: list[bytes]) -> None:
    run(bytes([choice]) + b"".join(parts))


@settings(max_examples=600, deadline=None)
@given(st.integers(0, 255), st.lists(st.sampled_from(SEEDS), min_size=1, max_size=6), st.data())
def test_damaged_packets(choice: int, parts: list[bytes], data: st.DataObject) -> None:
    raw = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    run(bytes([choice]) + bytes(raw))
