"""Starting and ending subscriptions, on request or at once, with the counters that go with them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from folkmoot.domain.accounts import Actor, address_key, require_unbanned
from folkmoot.domain.spaces import (
    NewsletterFilter,
    list_newsletter_faces,
    match_newsletters,
    remove_newsletter_face,
)
from folkmoot.domain.subscriptions.model import Confirmation, Subscription
from folkmoot.domain.subscriptions.queries import find_subscription, get_subscription
from folkmoot.errors import Conflict, NotFound
from folkmoot.events import SubscriptionEnded, SubscriptionStarted
from folkmoot.store import Transaction

_COUNTERS = {"forum": "followers", "mail": "mail_subscribers"}


def start(tx: Transaction, account_id: int, space_id: int, channel: str, now: datetime) -> Subscription:
    """Subscribe an account to a space through a channel. Raises Conflict when it is subscribed.

    Whether it may (browse the space) is the caller's to ask. For the newsletter use `start_membership`.
    """
    if find_subscription(tx, account_id, space_id, channel) is not None:
        raise Conflict("subscription.exists", "That subscription exists already.")
    subscription_id: int = tx.value(
        "INSERT INTO subscriptions (account_id, space_id, channel, created_at, updated_at)"
        " VALUES (:account, :space, :channel, :now, :now) RETURNING id",
        account=account_id,
        space=space_id,
        channel=channel,
        now=now,
    )
    _count(tx, space_id, channel, +1)
    tx.record(SubscriptionStarted(subscription_id, account_id, space_id, channel))
    return get_subscription(tx, subscription_id)


def start_membership(tx: Transaction, account_id: int, space_id: int, status: str, now: datetime) -> Subscription:
    """Put an account on a newsletter list with an opt-in status (listmonk §6). Raises Conflict when it is on it."""
    subscription = start(tx, account_id, space_id, "newsletter", now)
    tx.run("INSERT INTO memberships (subscription_id, status) VALUES (:id, :status)", id=subscription.id, status=status)
    tx.run(
        "INSERT INTO newsletter_counts (space_id, status, members) VALUES (:space, :status, 1)"
        " ON CONFLICT (space_id, status) DO UPDATE SET members = newsletter_counts.members + 1",
        space=space_id,
        status=status,
    )
    return subscription


def end(tx: Transaction, account_id: int, space_id: int, channel: str) -> bool:
    """End a subscription; false when there was none."""
    subscription = find_subscription(tx, account_id, space_id, channel)
    if subscription is None:
        return False
    if channel == "newsletter":
        status = tx.value("SELECT status FROM memberships WHERE subscription_id = :id", id=subscription.id)
        tx.run(
            "UPDATE newsletter_counts SET members = members - 1 WHERE space_id = :space AND status = :status",
            space=space_id,
            status=status,
        )
    tx.run("DELETE FROM subscriptions WHERE id = :id", id=subscription.id)
    _count(tx, space_id, channel, -1)
    tx.record(SubscriptionEnded(account_id, space_id, channel))
    return True


def close_newsletters(tx: Transaction, actor: Actor, space_ids: Sequence[int]) -> None:
    """Take spaces away from the newsletter with all their memberships; ids without a list do no harm.

    A space without another face is deleted. Raises Forbidden for a banned actor; other permission is the caller's to ask.
    """
    require_unbanned(actor)
    for space_id in space_ids:
        tx.run("DELETE FROM subscriptions WHERE space_id = :space AND channel = 'newsletter'", space=space_id)
        remove_newsletter_face(tx, space_id)


def close_newsletters_named(tx: Transaction, actor: Actor, text: str | None, permitted: frozenset[int] | None) -> None:
    """As `close_newsletters`, for the permitted lists with all words of a text in their names; for None, all permitted.

    Raises Invalid for more than 50 words.
    """
    if text is None:
        faces = list_newsletter_faces(tx, NewsletterFilter(permitted=permitted, order_by="id"))
        close_newsletters(tx, actor, [face.space_id for face in faces])
    else:
        close_newsletters(tx, actor, match_newsletters(tx, text, permitted))


def request(tx: Transaction, space_id: int, address: str, command: str, now: datetime) -> str:
    """Note a wish that the holder of an address has to confirm; the token to mail there.

    Asking again gives the same token (sourcehut-lists §5.8).
    """
    parameters = {"space": space_id, "key": address_key(address), "command": command}
    token: str | None = tx.value(
        "SELECT token FROM confirmations WHERE space_id = :space AND address_key = :key AND command = :command",
        **parameters,
    )
    if token is None:
        token = secrets.token_urlsafe(18)
        tx.run(
            "INSERT INTO confirmations (space_id, address, address_key, command, token, created_at)"
            " VALUES (:space, :address, :key, :command, :token, :now)",
            address=address,
            token=token,
            now=now,
            **parameters,
        )
    return token


def confirm(tx: Transaction, space_id: int, address: str, token: str) -> Confirmation:
    """Take back the note behind a token and give it to the caller to carry out.

    Raises NotFound unless it was made for this space and this address.
    """
    found = tx.one(
        Confirmation,
        "SELECT id, space_id, address, command, token, created_at FROM confirmations"
        " WHERE token = :token AND space_id = :space AND address_key = :key",
        token=token,
        space=space_id,
        key=address_key(address),
    )
    if found is None:
        raise NotFound("confirmation.unknown", "Nothing waits for that confirmation.")
    tx.run("DELETE FROM confirmations WHERE id = :id", id=found.id)
    return found


def withdraw_requests(tx: Transaction, account_id: int) -> None:
    """Forget the wishes that wait for a word from an account's addresses."""
    tx.run(
        "DELETE FROM confirmations WHERE address_key IN (SELECT address_key FROM addresses WHERE account_id = :id)",
        id=account_id,
    )


def _count(tx: Transaction, space_id: int, channel: str, change: int) -> None:
    counter = _COUNTERS.get(channel)
    if counter is not None:
        tx.run(
            f"UPDATE space_counts SET {counter} = {counter} + :change WHERE space_id = :id", change=change, id=space_id
        )
