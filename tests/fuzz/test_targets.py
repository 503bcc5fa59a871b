"""Every fuzz target, for a moment and from a fixed seed; `make fuzz` gives each of them a minute."""

from __future__ import annotations

import random
import sys

import pytest

from tests.fuzz.__main__ import mutated, targets

INPUTS = 150


@pytest.mark.parametrize("name", sorted(targets()))
def test_a_target_holds(name: str) -> None:
    run = targets()[name]
    kept = list[bytes](getattr(sys.modules[f"tests.fuzz.{name}"], "SEEDS", ()))
    chance = random.Random(name)
    for _ in range(getattr(sys.modules[f"tests.fuzz.{name}"], "FEW_INPUTS", INPUTS)):
        data = mutated(chance, kept)
        run(data)
        kept.append(data)
        del kept[:-100]


def test_there_is_a_target_for_every_parser() -> None:
    assert {"addresses", "frames", "mail", "markup", "mbox", "mqtt", "proxy", "requests", "smtp"} <= set(targets())
