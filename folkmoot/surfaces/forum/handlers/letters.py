"""The mails that the forum itself writes: to who forgot a password, and to who wants to hear by mail of what is for him."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain import accounts, conversations, outbox, spaces, subscriptions
from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations import Message
from folkmoot.domain.inbox import PrivateMessage
from folkmoot.domain.spaces import Rights
from folkmoot.ids import new_hex
from folkmoot.store import Transaction
from folkmoot.surfaces.forum.handlers import Forum
from folkmoot.text import mail

_WHY = "\n\nYou asked in your settings to be told of this by mail.\n"


def send(tx: Transaction, forum: Forum, address: str, subject: str, text: str, now: datetime) -> None:
    """Write to an address."""
    domain = forum.house.config.mail.domain
    letter = mail.compose(
        from_=mail.Address("", forum.house.config.forum.mail_from or f"postmaster@{domain}"),
        to=[mail.Address("", address)],
        subject=subject,
        text=text,
        message_id=f"<{new_hex(24)}@{domain}>",
        date=now,
        auto_submitted="auto-generated",
    )
    outbox.enqueue(tx, letter, f"bounces@{domain}", [address], now)


def tell_of_comment(tx: Transaction, forum: Forum, actor: Actor, comment: Message, now: datetime) -> None:
    """Tell those a new comment is for, and who want it (lemmy §4.5); what it says is read where it stands."""
    wanting = accounts.list_notified(tx, conversations.list_recipients(tx, comment))
    if not wanting:
        return
    answered, space = conversations.answered_author(tx, comment.id), spaces.get_space(tx, comment.space_id)
    for account_id in wanting:
        reader = accounts.actor_of_account(tx, account_id, now)
        if not spaces.rights(tx, reader, space, now) & Rights.BROWSE:
            continue
        if subscriptions.is_subscribed(tx, account_id, comment.space_id, "mail"):
            # The comment itself comes to him.
            continue
        did = "answered" if account_id == answered else "named"
        link = f"https://{forum.hostname}/post/{comment.thread_id}/comment/{comment.id}"
        _tell(tx, forum, account_id, f"{actor.name} {did} you on {forum.hostname}", link, now)


def tell_of_private_message(tx: Transaction, forum: Forum, message: PrivateMessage, now: datetime) -> None:
    """Tell who gets a private message, if he wants it."""
    if message.author_id == message.recipient_id:
        return
    subject = f"{message.author_label} wrote to you on {forum.hostname}"
    for account_id in accounts.list_notified(tx, [message.recipient_id]):
        _tell(tx, forum, account_id, subject, f"https://{forum.hostname}/inbox", now)


def _tell(tx: Transaction, forum: Forum, account_id: int, subject: str, link: str, now: datetime) -> None:
    address = accounts.primary_address(tx, account_id)
    if address is not None:
        send(tx, forum, address, subject, f"{subject}:\n\n{link}{_WHY}", now)
