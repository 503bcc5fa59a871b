"""Every benchmark in one run: `make bench`. `python -m bench NAME …` runs some; `--seconds N` sets each measurement's time,
`--only WORDS` leaves out the measurements (of `mqtt` and `forum`) without these words in their names.
"""

from __future__ import annotations

import argparse
import importlib

NAMES = ("start", "mqtt", "forum", "rooms", "mail", "mbox")


def main() -> None:
    """Run the named benchmarks, or all, one after the other."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="which; default: all")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each measurement takes")
    parser.add_argument("--only", default="", help="part of the names of what is measured (mqtt, forum)")
    arguments = parser.parse_args()
    choice = {"only": arguments.only} if arguments.only else {}
    for name in arguments.names or NAMES:
        module = importlib.import_module(f"bench.{name}")
        print(f"\n== {name}: {(module.__doc__ or name).strip().splitlines()[0]}\n", flush=True)
        module.show(arguments.seconds, **choice)


if __name__ == "__main__":
    main()
