"""Finding the list a command is about, by the address people know it by."""

from __future__ import annotations

import click

from folkmoot.domain import spaces
from folkmoot.domain.spaces import Space
from folkmoot.errors import NotFound
from folkmoot.store import Transaction


class ListName(click.ParamType[tuple[str, str]]):
    """`~owner/name`, as a pair."""

    name = "~owner/name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        owner, separator, name = str(value).partition("/")
        if not separator or not owner.startswith("~") or not owner[1:] or not name:
            self.fail(f"{value!r} is not a list; write it as ~owner/name (in quotes, so that the shell leaves the ~).")
        return owner[1:], name


def find_list(tx: Transaction, owner: str, name: str) -> Space | None:
    """The space behind a list's name, or None."""
    found = spaces.find_mailing_list(tx, owner, name)
    return None if found is None else spaces.get_space(tx, found.id)


def get_list(tx: Transaction, owner: str, name: str, advice: str = "") -> Space:
    """The space behind a list's name; raises NotFound with a sentence that may end in advice."""
    space = find_list(tx, owner, name)
    if space is None:
        raise NotFound("space.unknown", f"There is no list ~{owner}/{name}.{advice and ' '}{advice}")
    return space
