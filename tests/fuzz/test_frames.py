"""A short run of the fuzz target for frames of the forum; `make fuzz` runs it for longer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.frames import SEEDS, run


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds(seed: bytes) -> None:
    run(seed)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.tuples(st.sampled_from(SEEDS), st.binary(max_size=20)).map(b"".join)))
def test_any_bytes(data: bytes) -> None:
    run(data)
