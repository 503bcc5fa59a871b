"""The rules: what is published and what happens is matched, selected from by SQL, and handed to actions."""

from .model import Action, Actions, Columns, Console, NoActions, Outcome, Post, Reference, Republish, Rule, Settle

__all__ = [
    "Action",
    "Actions",
    "Columns",
    "Console",
    "NoActions",
    "Outcome",
    "Post",
    "Reference",
    "Republish",
    "Rule",
    "Settle",
]
