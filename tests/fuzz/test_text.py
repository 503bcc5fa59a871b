"""A short run of the fuzz targets for documents; `make fuzz` runs them for longer."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import addresses, composing, links, mail, markup, mbox
from tests.fuzz.seeds import SEEDS

DATA = st.lists(st.sampled_from(SEEDS) | st.binary(max_size=8), max_size=20).map(b"".join)


@pytest.mark.parametrize(
    "target", [addresses, composing, links, mail, markup, mbox], ids=lambda target: target.__name__
)
@settings(max_examples=200, deadline=None)
@given(data=DATA)
def test_target(target: ModuleType, data: bytes) -> None:
    target.run(data)
