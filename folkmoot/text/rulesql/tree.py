"""What a statement is made of once it is read; nothing here knows how it is evaluated."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

#: A step of an alias: a key, or an index of a list (see `values.put`).
Step = str | int
#: Where a selected value goes; None for all columns at once (`*`).
Alias = tuple[Step, ...]


class Const(Struct, frozen=True):
    """A literal."""

    value: Any


class Name(Struct, frozen=True):
    """A column, or what an alias has named before."""

    name: str


class Key(Struct, frozen=True):
    """`of.key`"""

    of: Node
    key: str


class Item(Struct, frozen=True):
    """`of[index]`, from 1, or from the end with a minus."""

    of: Node
    index: Node


class Slice(Struct, frozen=True):
    """`of[first..last]`, both included."""

    of: Node
    first: Node
    last: Node


class Items(Struct, frozen=True):
    """`[a, b]`"""

    items: tuple[Node, ...]


class Range(Struct, frozen=True):
    """`[first..last]`"""

    first: Node
    last: Node


class Call(Struct, frozen=True):
    """`name(arguments)`"""

    name: str
    arguments: tuple[Node, ...]


class Operation(Struct, frozen=True):
    """An operator with one or two operands."""

    operator: str
    operands: tuple[Node, ...]


class Among(Struct, frozen=True):
    """`of IN (choices)`"""

    of: Node
    choices: tuple[Node, ...]


class Case(Struct, frozen=True):
    """`CASE [subject] WHEN … THEN … ELSE … END`"""

    subject: Node | None
    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node


Node = Const | Name | Key | Item | Slice | Items | Range | Call | Operation | Among | Case


class Field(Struct, frozen=True):
    """One selected value; without a node it is everything (`*`)."""

    node: Node | None
    alias: Alias
    is_own: bool = False
    """Without an alias: a path goes to its own place, anything else under what it is called."""


class Statement(Struct, frozen=True):
    """A whole statement. `each` is what FOREACH goes through; then `fields` are those before it, and `does` the DO."""

    topics: tuple[str, ...]
    fields: tuple[Field, ...]
    each: Field | None
    does: tuple[Field, ...]
    in_case: Node | None
    where: Node | None
