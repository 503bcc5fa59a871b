"""A short run of the fuzz target for requests; `make fuzz` runs it for longer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.requests import SEEDS, run


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(SEEDS) | st.binary(max_size=12), max_size=4))
def test_any_bytes(parts: list[bytes]) -> None:
    run(b"".join(parts))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_damaged_requests(seed: bytes, data: st.DataObject) -> None:
    raw = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    run(bytes(raw))
