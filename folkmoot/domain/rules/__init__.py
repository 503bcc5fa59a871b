"""The rules: what is published and what happens is matched, selected from by SQL, and handed to actions.

`Engine` runs them in memory; what is kept of them is read and written with a transaction.
"""

from .acting import Draft, Entry, Line, Plan
from .actions import change, create, delete, drop_action, require_sense
from .engine import Engine, MakePost, Running, Settings
from .events import BRIDGED_TYPE, EVENTS, PUBLISHED_TYPE
from .model import (
    Action,
    Actions,
    Columns,
    Console,
    NoActions,
    Outcome,
    Post,
    Reference,
    Republish,
    Rule,
    Settle,
    Wanted,
)
from .queries import find_rule, get_rule, list_rules
from .samples import EXAMPLES, Example
from .trying import example_columns, require_heard, try_out

__all__ = [
    "BRIDGED_TYPE",
    "EVENTS",
    "EXAMPLES",
    "PUBLISHED_TYPE",
    "Action",
    "Actions",
    "Columns",
    "Console",
    "Draft",
    "Engine",
    "Entry",
    "Example",
    "Line",
    "MakePost",
    "NoActions",
    "Outcome",
    "Plan",
    "Post",
    "Reference",
    "Republish",
    "Rule",
    "Running",
    "Settings",
    "Settle",
    "Wanted",
    "change",
    "create",
    "delete",
    "drop_action",
    "example_columns",
    "find_rule",
    "get_rule",
    "list_rules",
    "require_heard",
    "require_sense",
    "try_out",
]
