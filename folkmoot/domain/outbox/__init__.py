"""The outbox: mail on its way out, one body for many recipients, kept until each has been dealt with."""

from folkmoot.domain.outbox.actions import claim, enqueue, forget, reclaim, settle, withdraw_some
from folkmoot.domain.outbox.model import MailView, Outcome, Outgoing, OutgoingView
from folkmoot.domain.outbox.queries import (
    count_by_state,
    get_body,
    list_copies,
    list_mails,
    list_newest,
    next_due_at,
)

__all__ = [
    "MailView",
    "Outcome",
    "Outgoing",
    "OutgoingView",
    "claim",
    "count_by_state",
    "enqueue",
    "forget",
    "get_body",
    "list_copies",
    "list_mails",
    "list_newest",
    "next_due_at",
    "reclaim",
    "settle",
    "withdraw_some",
]
