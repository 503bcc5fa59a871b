"""Who may publish and subscribe what over MQTT, and who may not connect.

The community's own law for its topics stands above everything an operator configures.
"""

from .bans import KINDS, Banned, Bans, make_ban, name_of, read_pattern
from .cache import Answer
from .community import CommunityLaw, messages_topic, open_spaces, posted_space, readable_spaces
from .configuring import (
    add_source,
    change_source,
    find_source,
    get_source,
    make_entry,
    move_source,
    order_sources,
    remove_source,
    require_built_in,
    require_new,
)
from .flapping import Flapping
from .gate import Asked, Outcome, RuleGate
from .model import (
    BUILT_IN,
    Ban,
    BuiltInSource,
    CacheSettings,
    Configuration,
    Entry,
    FileSource,
    HttpSource,
    Settings,
    Source,
    Tally,
    type_of,
)
from .queries import (
    delete_ban,
    delete_bans,
    delete_ended_bans,
    delete_entries,
    delete_entry,
    find_configuration,
    list_bans,
    list_entries,
    save_ban,
    save_configuration,
    save_entries,
)
from .rules import value_of

__all__ = [
    "BUILT_IN",
    "KINDS",
    "Answer",
    "Asked",
    "Ban",
    "Banned",
    "Bans",
    "BuiltInSource",
    "CacheSettings",
    "CommunityLaw",
    "Configuration",
    "Entry",
    "FileSource",
    "Flapping",
    "HttpSource",
    "Outcome",
    "RuleGate",
    "Settings",
    "Source",
    "Tally",
    "add_source",
    "change_source",
    "delete_ban",
    "delete_bans",
    "delete_ended_bans",
    "delete_entries",
    "delete_entry",
    "find_configuration",
    "find_source",
    "get_source",
    "list_bans",
    "list_entries",
    "make_ban",
    "make_entry",
    "messages_topic",
    "move_source",
    "name_of",
    "open_spaces",
    "order_sources",
    "posted_space",
    "read_pattern",
    "readable_spaces",
    "remove_source",
    "require_built_in",
    "require_new",
    "save_ban",
    "save_configuration",
    "save_entries",
    "type_of",
    "value_of",
]
