"""What a command works with: the configuration and, on demand, the databases it names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from folkmoot.config import Config, load
from folkmoot.store import Database


class Setting:
    """The configuration file given on the command line, read when first needed."""

    def __init__(self, path: Path | None) -> None:
        self.path = path

    def load(self) -> Config:
        """The configuration; raises Invalid naming the key that is wrong."""
        return load(self.path)

    @contextmanager
    def community(self) -> Iterator[Database]:
        """The community's database, brought up to date and open; works beside a running server."""
        from folkmoot.house import open_databases

        community, broker = open_databases(self.load())
        community.open()
        try:
            yield community
        finally:
            community.close()
            broker.close()
