"""Subscriptions: who receives what of a space, and how; one row per account, space and channel."""

from folkmoot.domain.subscriptions.actions import (
    close_newsletters,
    close_newsletters_named,
    confirm,
    end,
    request,
    start,
    start_membership,
)
from folkmoot.domain.subscriptions.model import CHANNELS, Confirmation, MailRecipient, Subscription
from folkmoot.domain.subscriptions.queries import (
    find_subscription,
    get_subscription,
    is_subscribed,
    list_of_account,
    list_recipients,
)

__all__ = [
    "CHANNELS",
    "Confirmation",
    "MailRecipient",
    "Subscription",
    "close_newsletters",
    "close_newsletters_named",
    "confirm",
    "end",
    "find_subscription",
    "get_subscription",
    "is_subscribed",
    "list_of_account",
    "list_recipients",
    "request",
    "start",
    "start_membership",
]
