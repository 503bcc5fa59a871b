"""Every benchmark in one run: `make bench`. `python -m bench NAME …` runs some; `--seconds N` sets each measurement's time."""

from __future__ import annotations

import argparse
import importlib

NAMES = ("start", "mqtt", "forum", "rooms", "mail", "mbox")


def main() -> None:
    """Run the named benchmarks, or all, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which; default: all")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measurement takes")
    arguments = parser.parse_args()
    for name in arguments.names or NAMES:
        module = importlib.import_module(f"bench.{name}")
        print(f"\n== {name}: {module.__doc__.strip().splitlines()[0]}\n", flush=True)
        module.show(arguments.seconds)


if __name__ == "__main__":
    main()
