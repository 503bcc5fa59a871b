"""The rules in our own tables, in memory, so that judging waits for nothing (contract §2.12, built_in_database).

They are many, and few are needed at a time: a client's rules are made ready when it is first asked about.
"""

from __future__ import annotations

from collections.abc import Iterable

from folkmoot.domain.broker import Client, Wish
from folkmoot.text.acl import read_item

from .model import Entry
from .rules import Ready, ask, prepare

_READY_MAX = 2000


class Stock:
    """All entries by kind and name, in the order they were made."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Entry] = {}
        self._ready: dict[tuple[str, str], Ready] = {}

    def load(self, entries: Iterable[Entry]) -> None:
        """These and no others."""
        self.entries = {(entry.kind, entry.name): entry for entry in entries}
        self._ready.clear()

    def put(self, entry: Entry) -> None:
        """Adds an entry, or takes it in the place of the one before."""
        self.entries[entry.kind, entry.name] = entry
        self._ready.clear()

    def drop(self, kind: str, name: str) -> None:
        """Forgets an entry, if there is one."""
        self.entries.pop((kind, name), None)
        self._ready.clear()

    def of_kind(self, kind: str) -> list[Entry]:
        """All of a kind."""
        return [entry for entry in self.entries.values() if entry.kind == kind]

    def ask(self, client: Client, wish: Wish, levels: list[str]) -> tuple[bool | None, bool]:
        """What they say (see `rules.ask`): first those for the client, then those for the user, then those for all."""
        once = False
        for key in (("client", client.client_id), ("user", client.username or ""), ("all", "")):
            rules = self._ready.get(key) or self._prepare(key)
            if rules is not None:
                answer, depends = ask(rules, client, wish, levels)
                once = once or depends
                if answer is not None:
                    return answer, once
        return None, once

    def _prepare(self, key: tuple[str, str]) -> Ready | None:
        entry = self.entries.get(key)
        if entry is None:
            # Not remembered: there is no end to names that have none.
            return None
        if len(self._ready) >= _READY_MAX:
            self._ready.clear()
        rules = self._ready[key] = prepare(read_item(item) for item in entry.rules)
        return rules
