"""Runs every fuzz target for a given time: `python -m tests.fuzz --seconds 60`.

A target is a module here with `run(data: bytes)`, which must not raise. Inputs are made by Hypothesis from random bytes; one
that fails is printed and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import random
import sys
import time
import traceback
from collections.abc import Callable

import tests.fuzz


def targets() -> dict[str, Callable[[bytes], None]]:
    """All targets by name."""
    found = {}
    for module in pkgutil.iter_modules(tests.fuzz.__path__):
        if not module.name.startswith(("test_", "__")):
            run = getattr(importlib.import_module(f"tests.fuzz.{module.name}"), "run", None)
            if run is not None:
                found[module.name] = run
    return found


def mutated(chance: random.Random, kept: list[bytes]) -> bytes:
    """A new input: random bytes, or an earlier one with pieces changed, cut, doubled or joined."""
    if not kept or chance.random() < 0.2:
        return chance.randbytes(chance.choice((0, 1, 2, 5, 20, 200, 2000)))
    data = bytearray(chance.choice(kept))
    for _ in range(chance.randint(1, 8)):
        at = chance.randint(0, len(data))
        match chance.randint(0, 4):
            case 0:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case 1:
                del data[at : at + chance.randint(1, 16)]
            case 2 if data:
                data[at % len(data)] = chance.getrandbits(8)
            case 3:
                data[at:at] = data[: chance.randint(0, len(data))]
            case _:
                data += chance.choice(kept)
    return bytes(data[:20_000])


def main() -> None:
    """Give each target its time."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", help="which targets; default: all")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long for each")
    arguments = parser.parse_args()
    every = targets()
    for name in arguments.names:
        if name not in every:
            parser.error(f"there is no target {name}; there are {', '.join(every)}")
    seed = random.SystemRandom().getrandbits(32)
    for name in arguments.names or every:
        chance, count, kept = (
            random.Random(seed),
            0,
            list[bytes](getattr(sys.modules[f"tests.fuzz.{name}"], "SEEDS", ())),
        )
        ends = time.monotonic() + arguments.seconds
        least = getattr(sys.modules[f"tests.fuzz.{name}"], "LEAST_INPUTS", 0) if arguments.seconds >= 60 else 0
        while time.monotonic() < ends or count < least:
            data = mutated(chance, kept)
            try:
                every[name](data)
            except BaseException:
                traceback.print_exc()
                print(f"{name} failed on {data!r} (seed {seed})")
                sys.exit(1)
            count += 1
            if len(kept) < 500 or chance.random() < 0.01:
                kept.append(data)
                del kept[:-500]
        told = getattr(sys.modules[f"tests.fuzz.{name}"], "told", None)
        amount = f" ({told()})" if told is not None else ""
        print(f"{name}: {count} inputs{amount}, nothing raised (seed {seed})")


if __name__ == "__main__":
    main()
