"""The SQL that reads subscriptions."""

from __future__ import annotations

from folkmoot.domain.subscriptions.model import MailRecipient, Membership, Subscription
from folkmoot.errors import NotFound
from folkmoot.store import Transaction

_SUBSCRIPTION = "b.id, b.account_id, b.space_id, b.channel, b.created_at, b.updated_at"


def find_subscription(tx: Transaction, account_id: int, space_id: int, channel: str) -> Subscription | None:
    """An account's subscription to a space through a channel, or None."""
    return tx.one(
        Subscription,
        f"SELECT {_SUBSCRIPTION} FROM subscriptions b"
        " WHERE b.account_id = :account AND b.space_id = :space AND b.channel = :channel",
        account=account_id,
        space=space_id,
        channel=channel,
    )


def get_subscription(tx: Transaction, subscription_id: int) -> Subscription:
    """The subscription with this id; raises NotFound."""
    subscription = tx.one(
        Subscription, f"SELECT {_SUBSCRIPTION} FROM subscriptions b WHERE b.id = :id", id=subscription_id
    )
    if subscription is None:
        raise NotFound("subscription.unknown", "There is no such subscription.")
    return subscription


def is_subscribed(tx: Transaction, account_id: int, space_id: int, channel: str) -> bool:
    """Does an account subscribe to a space through a channel?"""
    return find_subscription(tx, account_id, space_id, channel) is not None


def find_membership(tx: Transaction, account_id: int, space_id: int) -> Membership | None:
    """An account's membership of a newsletter's list, or None."""
    return tx.one(
        Membership,
        "SELECT w.subscription_id, w.status FROM subscriptions b JOIN memberships w ON w.subscription_id = b.id"
        " WHERE b.account_id = :account AND b.space_id = :space AND b.channel = 'newsletter'",
        account=account_id,
        space=space_id,
    )


def list_memberships(tx: Transaction, account_id: int) -> dict[int, str]:
    """The status of each of an account's memberships, by space."""
    rows = tx.rows(
        "SELECT b.space_id, w.status FROM subscriptions b JOIN memberships w ON w.subscription_id = b.id"
        " WHERE b.account_id = :account",
        account=account_id,
    )
    return dict(rows)


def list_of_account(tx: Transaction, account_id: int) -> list[Subscription]:
    """All subscriptions of an account, in the order they were made."""
    return tx.all(
        Subscription,
        f"SELECT {_SUBSCRIPTION} FROM subscriptions b WHERE b.account_id = :account ORDER BY b.id",
        account=account_id,
    )


def list_recipients(tx: Transaction, space_id: int) -> list[MailRecipient]:
    """Where a list's mails go: the primary address of each subscriber who is not suspended."""
    return tx.all(
        MailRecipient,
        "SELECT b.account_id, d.address, d.address_key FROM subscriptions b"
        " JOIN accounts a ON a.id = b.account_id"
        " JOIN addresses d ON d.account_id = b.account_id AND d.is_primary"
        " WHERE b.space_id = :space AND b.channel = 'mail' AND a.suspended_at IS NULL ORDER BY b.id",
        space=space_id,
    )
