"""What rules are made of: the rule, what it does with what it selects, and what became of that.

A rule's SQL is a language of its own (`text/rulesql`); here it is only text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct, field

#: What a rule has selected, by the names of its columns; a value may itself be a map or a list.
Columns = Mapping[str, Any]


class Outcome(StrEnum):
    """What became of one action; the words of the metrics (contract §2.13)."""

    SUCCESS = "success"
    OUT_OF_SERVICE = "failed.out_of_service"
    """Its connector is not there, switched off or not connected, and nothing waits."""
    UNKNOWN = "failed.unknown"
    DISCARDED = "discarded"
    """It was given up on purpose: switched off, queue full, too late."""


#: Told once what became of an action, at once or later.
Settle = Callable[[Outcome], None]


class Actions(Protocol):
    """The actions of connectors, named `type:name`, that rules refer to. Nothing here waits."""

    def knows(self, action_id: str) -> bool:
        """Whether there is such an action, switched on or not."""
        ...

    def run(self, action_id: str, columns: Columns, trail: tuple[str, ...], settle: Settle) -> None:
        """Begins the action with what a rule selected; `settle` is called once, on the loop, at once or later.

        `trail` names the rules the columns came through; a message that is published in this broker because of them carries
        it as `Message.trail`, so that no rule loops.
        """
        ...


class NoActions:
    """Where there are no connectors."""

    def knows(self, action_id: str) -> bool:
        """None."""
        return False

    def run(self, action_id: str, columns: Columns, trail: tuple[str, ...], settle: Settle) -> None:
        """It cannot."""
        settle(Outcome.OUT_OF_SERVICE)


class Console(Struct, frozen=True, tag="console"):
    """Writes what was selected to the log."""


class Republish(Struct, frozen=True, tag="republish"):
    """Publishes a message made of what was selected; every text may hold placeholders."""

    topic: str
    qos: int | str = "${qos}"
    retain: bool | str = "${retain}"
    payload: str = "${payload}"
    mqtt_properties: dict[str, str | int] = field(default_factory=dict)
    user_properties: str = "${user_properties}"
    direct_dispatch: bool | str = False
    """Only to who is subscribed: no rule sees it, and nothing is retained."""


class Post(Struct, frozen=True, tag="post"):
    """Makes a post in a space, as the rule's owner and with that account's rights."""

    space: str
    title: str
    body: str = "${payload}"


class Reference(Struct, frozen=True, tag="reference"):
    """An action of a connector, `type:name`."""

    action_id: str


Action = Console | Republish | Post | Reference


class Wanted(Struct, frozen=True):
    """A rule as somebody writes it."""

    sql: str
    name: str = ""
    actions: tuple[Action, ...] = ()
    enable: bool = True
    description: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


class Rule(Struct, frozen=True):
    """A rule as it is kept. Its owner is the account that wrote it last: what that may not do, the rule may not."""

    id: str
    name: str
    sql: str
    actions: tuple[Action, ...]
    enable: bool
    description: str
    owner_id: int | None
    owner_name: str | None
    metadata: dict[str, Any]
    created_at: datetime
    changed_at: datetime
