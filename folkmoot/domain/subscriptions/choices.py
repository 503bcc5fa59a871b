"""All of an account's subscriptions in one place, on every channel: what there is to choose, and choosing.

For the holder of an account, or of a link that stands for it; whoever calls has made sure of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from folkmoot.domain.accounts import Account, Actor, get_account
from folkmoot.domain.spaces import Rights, SpaceEntry, get_space, list_directory, list_entries, rights
from folkmoot.domain.subscriptions.actions import end, start, start_membership
from folkmoot.domain.subscriptions.queries import find_membership, find_subscription, list_memberships, list_of_account
from folkmoot.errors import Forbidden
from folkmoot.events import SubscriptionEnded, SubscriptionStarted
from folkmoot.store import Transaction

# A page shows at most this many spaces somebody subscribes to, and this many more.
_MOST_OWN = 200
_MOST_OTHERS = 50


class Choice(msgspec.Struct, frozen=True):
    """One channel of one space: is it on, and may it be switched on? `status` is a membership's, or empty."""

    space: SpaceEntry
    channel: str
    is_on: bool
    may_start: bool
    status: str = ""


def list_choices(tx: Transaction, account_id: int, now: datetime) -> list[Choice]:
    """Every channel of the spaces an account subscribes to, then of others that are open to all.

    Raises NotFound for an unknown account.
    """
    account = get_account(tx, account_id)
    held = {(each.space_id, each.channel) for each in list_of_account(tx, account_id)}
    statuses = list_memberships(tx, account_id)
    own = list(dict.fromkeys(space_id for space_id, _ in sorted(held)))[:_MOST_OWN]
    entries = list_entries(tx, own) | {each.space_id: each for each in list_directory(tx, _MOST_OTHERS)}
    found: list[Choice] = []
    for entry in sorted(entries.values(), key=lambda each: (each.space_id not in own, each.title.casefold())):
        may_start = _may_start(tx, account, entry.space_id, now)
        for channel in _channels(entry):
            status = statuses.get(entry.space_id, "") if channel == "newsletter" else ""
            is_on = (entry.space_id, channel) in held and status != "unsubscribed"
            # listmonk §6: a private list is joined by those who run it, not by its members
            startable = may_start and (channel != "newsletter" or entry.newsletter_type != "private")
            if is_on or startable or status:
                found.append(Choice(entry, channel, is_on, startable, status))
    return found


def choose(
    tx: Transaction, account_id: int, wanted: Mapping[tuple[int, str], bool], now: datetime
) -> list[tuple[int, str, bool]]:
    """Switch channels of spaces on and off; those that changed, as (space id, channel, on).

    Raises Forbidden for one that may not be switched on, NotFound for an unknown account.
    """
    offered = {(each.space.space_id, each.channel): each for each in list_choices(tx, account_id, now)}
    changed: list[tuple[int, str, bool]] = []
    for (space_id, channel), is_on in wanted.items():
        choice = offered.get((space_id, channel))
        if choice is None or choice.is_on == is_on:
            continue
        if not is_on:
            unsubscribe(tx, account_id, space_id, channel, now)
        elif not choice.may_start:
            raise Forbidden("subscription.closed", "That cannot be subscribed to from here.")
        else:
            _begin(tx, account_id, space_id, channel, now)
        changed.append((space_id, channel, is_on))
    return changed


def unsubscribe(tx: Transaction, account_id: int, space_id: int, channel: str, now: datetime) -> bool:
    """End what an account receives through one channel of a space; false when it received nothing.

    A newsletter remembers who left it (listmonk §6), so that nobody is put back on it by an import.
    """
    if channel != "newsletter":
        return end(tx, account_id, space_id, channel)
    membership = find_membership(tx, account_id, space_id)
    if membership is None or membership.status == "unsubscribed":
        return False
    set_membership_status(tx, account_id, space_id, "unsubscribed", now)
    tx.record(SubscriptionEnded(account_id, space_id, channel))
    return True


def unsubscribe_all(tx: Transaction, account_id: int, now: datetime) -> int:
    """End everything an account receives; how many subscriptions that were."""
    return sum(
        unsubscribe(tx, account_id, each.space_id, each.channel, now) for each in list_of_account(tx, account_id)
    )


def unsubscribe_some(tx: Transaction, account_id: int, before: datetime, now: datetime, most: int = 100) -> bool:
    """End the next of what an account has received since before an instant; whether there may be more."""
    ended = 0
    for each in list_of_account(tx, account_id):
        if each.created_at <= before:
            ended += unsubscribe(tx, account_id, each.space_id, each.channel, now)
        if ended == most:
            return True
    return False


def set_membership_status(tx: Transaction, account_id: int, space_id: int, status: str, now: datetime) -> None:
    """Give a membership another opt-in status, and the counts with it. Nothing happens without a membership."""
    membership = find_membership(tx, account_id, space_id)
    if membership is None or membership.status == status:
        return
    tx.run(
        "UPDATE memberships SET status = :status WHERE subscription_id = :id",
        status=status,
        id=membership.subscription_id,
    )
    tx.run("UPDATE subscriptions SET updated_at = :now WHERE id = :id", now=now, id=membership.subscription_id)
    for counted, change in ((membership.status, -1), (status, +1)):
        tx.run(
            "INSERT INTO newsletter_counts (space_id, status, members) VALUES (:space, :status, :change)"
            " ON CONFLICT (space_id, status) DO UPDATE SET members = newsletter_counts.members + :change",
            space=space_id,
            status=counted,
            change=change,
        )


def _begin(tx: Transaction, account_id: int, space_id: int, channel: str, now: datetime) -> None:
    if channel != "newsletter":
        start(tx, account_id, space_id, channel, now)
        return
    # Who chooses here has shown to be who they are, so nothing is left to confirm.
    existing = find_subscription(tx, account_id, space_id, channel)
    if existing is None:
        start_membership(tx, account_id, space_id, "confirmed", now)
        return
    set_membership_status(tx, account_id, space_id, "confirmed", now)
    tx.record(SubscriptionStarted(existing.id, account_id, space_id, channel))


def _may_start(tx: Transaction, account: Account, space_id: int, now: datetime) -> bool:
    if account.suspended_at is not None:
        return False
    space = get_space(tx, space_id)
    actor = Actor(account.id, account.label, account.is_admin, account.is_banned(now))
    return space.is_open and bool(rights(tx, actor, space, now) & Rights.BROWSE)


def _channels(entry: SpaceEntry) -> Iterable[str]:
    if entry.forum_name is not None:
        yield "forum"
    if entry.list_name is not None:
        yield "mail"
    if entry.newsletter_name is not None:
        yield "newsletter"
