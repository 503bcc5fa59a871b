"""Mail in: one envelope from LMTP or SMTP becomes, for each recipient, one domain call and one reply (contract §5).

The protocol and the sockets are elsewhere. A positive reply is given only after the commit of what it promises; letters
that answer a mail are put into the outbox in the same transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from folkmoot.domain import accounts, conversations, outbox, spaces, subscriptions
from folkmoot.domain.accounts import ANONYMOUS, Account
from folkmoot.domain.spaces import MailingList, Rights
from folkmoot.errors import Conflict, FolkmootError, Forbidden, Invalid, NotFound, Unavailable
from folkmoot.house import House
from folkmoot.ids import new_hex
from folkmoot.net.smtp import Envelope, Reply
from folkmoot.store import Transaction
from folkmoot.surfaces.lists import render
from folkmoot.text import mail
from folkmoot.text.mail import Mail, Problem, Recipient

# Larger mails are read on a worker thread, so that nobody else waits.
_LARGE_BYTES = 256 * 1024
# contract §5.3
_ROBOTS = ("auto-generated", "auto-replied")
# What mail of ours comes from: what comes back there has nowhere to go.
_OWN = ("bounces", "mailer")
# RFC 5321 §4.5.1
_POSTMASTER = "postmaster"

_TAKEN = Reply(250, "2.0.0", "Taken")
_DROPPED = Reply(250, "2.0.0", "Seen")
_UNREADABLE = Reply(550, "5.6.0", "This is not a mail that can be read")
_FAILED = Reply(451, "4.3.0", "Something went wrong here, try again later")

_logger = structlog.get_logger("lists")


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A mail for one recipient, with what the handling of it needs."""

    sender: str
    recipient: str
    data: bytes
    parsed: Mail
    domain: str
    web_origin: str
    now: datetime

    @property
    def from_address(self) -> str:
        return self.parsed.from_.address if self.parsed.from_ else ""

    @property
    def from_name(self) -> str:
        return self.parsed.from_.name if self.parsed.from_ else ""


class Mailroom:
    """Takes in what the mail listeners receive."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def deliver(self, envelope: Envelope) -> Sequence[Reply]:
        """One reply per recipient, each recipient dealt with on its own; two spellings of one list count once."""
        try:
            if len(envelope.data) > _LARGE_BYTES:
                parsed = await asyncio.to_thread(mail.parse, envelope.data)
            else:
                parsed = mail.parse(envelope.data)
        except Invalid:
            return [_UNREADABLE] * len(envelope.recipients)
        # contract §5.3: robots and bounces are taken and dropped; nothing ever answers them.
        if not envelope.sender or parsed.auto_submitted in _ROBOTS:
            return [_DROPPED] * len(envelope.recipients)
        domain, origin, now = self._house.config.mail.domain, self._house.origins["web"], self._house.now()
        each = [
            _Incoming(envelope.sender, recipient, envelope.data, parsed, domain, origin, now)
            for recipient in envelope.recipients
        ]
        replies = [await self._deliver_one(take, incoming) for incoming in each]
        return replies if "LMTP" in envelope.protocol else await self._as_one(each, replies)

    async def _deliver_one(self, act: Callable[..., Reply], incoming: _Incoming, *more: str) -> Reply:
        try:
            return await self._house.db.write(act, incoming, *more)
        except FolkmootError as error:
            return _reply(error)
        except Exception:
            # The other recipients have nothing to do with it.
            _logger.exception("a mail could not be dealt with", recipient=incoming.recipient)
            return _FAILED

    async def _as_one(self, each: Sequence[_Incoming], replies: Sequence[Reply]) -> Sequence[Reply]:
        """What SMTP can say with one reply after DATA.

        When somebody is to be tried again all are: who has the mail already drops its duplicate. When some took it, the
        sender hears of the others by a mail of ours, since a 250 makes them our affair (RFC 5321 §6.1).
        """
        later = next((reply for reply in replies if reply.temporary), None)
        if later is not None:
            return [later] * len(replies)
        if not any(reply.positive for reply in replies):
            return replies
        return [
            reply if reply.positive else await self._deliver_one(_tell_refused, incoming, reply.text)
            for incoming, reply in zip(each, replies, strict=True)
        ]


def _reply(error: FolkmootError) -> Reply:
    """What an error means to the peer; permission is refused while it listens (contract §5.4)."""
    if isinstance(error, Conflict) and error.code == "message.duplicate":
        return _DROPPED
    if isinstance(error, Unavailable):
        return Reply(451, "4.3.0", error.message)
    if isinstance(error, Forbidden) or error.code == "message.gone":
        return Reply(550, "5.7.1", error.message)
    return Reply(550, "5.6.0", error.message)


# --- in the transaction -----------------------------------------------------------------------------------------------


def _find(tx: Transaction, incoming: _Incoming) -> tuple[Recipient, MailingList] | None:
    """The list at an address and what is wanted of it.

    None when there is none, also for a private list of which the sender is no part and which it does not want to leave
    (contract §2.8, §5.8).
    """
    try:
        recipient = mail.parse_recipient(_local_part(incoming.recipient))
    except Invalid:
        return None
    face = spaces.find_mailing_list(tx, recipient.owner, recipient.name)
    if face is None:
        return None
    if face.visibility == "PRIVATE" and not _has_part(tx, incoming.from_address, face, incoming.now):
        return None
    return recipient, face


def _has_part(tx: Transaction, sender: str, face: MailingList, now: datetime) -> bool:
    account = accounts.find_account_of_address(tx, sender)
    if _rights(tx, account, face, now):
        return True
    return account is not None and subscriptions.is_subscribed(tx, account.id, face.id, "mail")


def _local_part(address: str) -> str:
    return address.rpartition("@")[0] or address


def take(tx: Transaction, incoming: _Incoming) -> Reply:
    """Deal with a mail to one recipient: a post, a command, or a mistake. Raises Forbidden when it is refused."""
    own = _local_part(incoming.recipient).lower()
    if own in _OWN:
        return _DROPPED
    if own == _POSTMASTER:
        return _pass_on(tx, incoming)
    found = _find(tx, incoming)
    if found is None:
        # contract §5.1, §5.2
        return _write(tx, incoming, render.unknown_list(incoming.recipient, incoming.domain))
    recipient, face = found
    # contract §5.3: our own mail has come back.
    if f"{face.path}.{incoming.domain}".lower() in incoming.parsed.list_ids:
        return _DROPPED
    if recipient.command == "post":
        return _take_post(tx, incoming, face)
    if not recipient.is_known_command:
        return _write(tx, incoming, render.unknown_command(recipient.command, face, incoming.domain))
    if incoming.parsed.from_ is None:
        return _DROPPED
    return _take_command(tx, incoming, face, recipient)


def _pass_on(tx: Transaction, incoming: _Incoming) -> Reply:
    """Give a mail to whoever runs the site; from the null sender, so that it ends when it comes back (§5.3)."""
    owner = _site_owner(tx, incoming.domain)
    if _local_part(owner).lower() != _POSTMASTER:
        outbox.enqueue(tx, incoming.data, "", [owner], incoming.now)
    return _TAKEN


def _take_post(tx: Transaction, incoming: _Incoming, face: MailingList) -> Reply:
    parsed = incoming.parsed
    problem = mail.check(parsed, mail.split_globs(face.permit_mime), mail.split_globs(face.reject_mime))
    if problem is not None:
        return _refuse(tx, incoming, face, problem)
    arrival = conversations.read_arrival(parsed, incoming.data, incoming.now)
    account = accounts.sender(tx, incoming.from_address, incoming.from_name, incoming.now)
    made = conversations.receive(tx, account, spaces.get_space(tx, face.id), arrival)
    # contract §5.6: a duplicate is taken and dropped.
    return _DROPPED if made is None else _TAKEN


def _refuse(tx: Transaction, incoming: _Incoming, face: MailingList, problem: Problem) -> Reply:
    """Answer a mail that is not as the list wants it; who may not write here at all hears only that (contract §5.4)."""
    if incoming.from_address:
        held = _rights(tx, accounts.find_account_of_address(tx, incoming.from_address), face, incoming.now)
        answers = conversations.message_of_mail_id(tx, face.id, incoming.parsed.in_reply_to) is not None
        if not held & (Rights.POST | Rights.REPLY if answers else Rights.POST):
            raise Forbidden("space.not_permitted", f"You may not {'reply' if answers else 'post'} to this list.")
    return _write(tx, incoming, render.refused_mail(problem, face, incoming.domain))


def _rights(tx: Transaction, account: Account | None, face: MailingList, now: datetime) -> Rights:
    space = spaces.get_space(tx, face.id)
    if account is None:
        return spaces.rights(tx, ANONYMOUS, space, now)
    return spaces.rights_of_address(tx, account, space, now)


def _take_command(tx: Transaction, incoming: _Incoming, face: MailingList, recipient: Recipient) -> Reply:
    account = accounts.find_account_of_address(tx, incoming.from_address)
    subscribes = account is not None and subscriptions.is_subscribed(tx, account.id, face.id, "mail")
    match recipient.command:
        case "subscribe":
            return _subscribe(tx, incoming, face, account, subscribes)
        case "unsubscribe":
            return _unsubscribe(tx, incoming, face, account, subscribes)
        case _:
            return _confirm(tx, incoming, face)


def _subscribe(
    tx: Transaction, incoming: _Incoming, face: MailingList, account: Account | None, subscribes: bool
) -> Reply:
    held = _rights(tx, account, face, incoming.now)
    if not held & Rights.BROWSE:
        return _write_back(tx, incoming, render.refused_subscription(face, incoming.domain, bool(held & Rights.POST)))
    if subscribes and account is not None:
        return _greet(tx, incoming, render.already_subscribed(face, incoming.domain), face, account)
    return _ask(tx, incoming, face, "subscribe")


def _unsubscribe(
    tx: Transaction, incoming: _Incoming, face: MailingList, account: Account | None, subscribes: bool
) -> Reply:
    if account is None or not subscribes:
        return _write_back(tx, incoming, render.not_subscribed(face))
    key = accounts.address_key(incoming.from_address)
    verified = any(
        accounts.address_key(each.address) == key and each.verified_at is not None
        for each in accounts.list_addresses(tx, account.id)
    )
    if account.name is None or not verified:
        return _ask(tx, incoming, face, "unsubscribe")
    subscriptions.end(tx, account.id, face.id, "mail")
    return _write_back(tx, incoming, render.confirmed(face, "unsubscribe", incoming.domain))


def _ask(tx: Transaction, incoming: _Incoming, face: MailingList, command: str) -> Reply:
    """Ask the holder of the address; the answer comes back to the confirm address."""
    token = subscriptions.request(tx, face.id, incoming.from_address, command, incoming.now)
    address = f"{face.path}+confirm-{command}@{incoming.domain}"
    return _write_back(tx, incoming, render.please_confirm(face, command, token), address)


def _confirm(tx: Transaction, incoming: _Incoming, face: MailingList) -> Reply:
    # contract §5.8: the last word of the subject, whatever a mailer put in front of it.
    token = (incoming.parsed.subject.split() or [""])[-1]
    try:
        found = subscriptions.confirm(tx, face.id, incoming.from_address, token)
    except NotFound:
        return _write_back(tx, incoming, render.unknown_confirmation(face))
    account = accounts.sender(tx, incoming.from_address, incoming.from_name, incoming.now)
    # Who has the token reads the mail of this address.
    accounts.verify_address(tx, incoming.from_address, incoming.now)
    if found.command == "unsubscribe":
        subscriptions.end(tx, account.id, face.id, "mail")
        return _write_back(tx, incoming, render.confirmed(face, found.command, incoming.domain))
    if not _rights(tx, account, face, incoming.now) & Rights.BROWSE:
        return _write_back(tx, incoming, render.refused_subscription(face, incoming.domain, False))
    if not subscriptions.is_subscribed(tx, account.id, face.id, "mail"):
        subscriptions.start(tx, account.id, face.id, "mail", incoming.now)
    return _greet(tx, incoming, render.confirmed(face, found.command, incoming.domain), face, account)


# --- letters ----------------------------------------------------------------------------------------------------------


def _write(tx: Transaction, incoming: _Incoming, letter: render.Letter) -> Reply:
    """Tell whoever sent a mail that something was wrong with it; the mail itself is done with."""
    return _post_letter(tx, incoming, letter, incoming.sender, "")


def _write_back(tx: Transaction, incoming: _Incoming, letter: render.Letter, confirm_address: str = "") -> Reply:
    """Answer the address a command is about."""
    return _post_letter(tx, incoming, letter, incoming.from_address, confirm_address)


def _greet(tx: Transaction, incoming: _Incoming, letter: render.Letter, face: MailingList, account: Account) -> Reply:
    """Answer a subscriber, with the links that end this subscription at once (RFC 8058) and show all of them."""
    secret = accounts.keep_secret(tx, subscriptions.LINK_SECRET)
    ending = subscriptions.unsubscribe_url(incoming.web_origin, secret, account.id, face.id, "mail")
    managing = subscriptions.manage_url(incoming.web_origin, secret, account.id)
    fields = subscriptions.one_click_fields(ending)
    return _post_letter(tx, incoming, render.with_links(letter, ending, managing), incoming.from_address, "", fields)


def _post_letter(
    tx: Transaction,
    incoming: _Incoming,
    letter: render.Letter,
    to: str,
    confirm_address: str,
    fields: Sequence[tuple[str, str]] = (),
) -> Reply:
    subject, text = letter
    parsed = incoming.parsed
    reply_to = confirm_address or _site_owner(tx, incoming.domain)
    answered = parsed.message_id if parsed.message_id.isascii() and len(parsed.message_id) <= 250 else ""
    try:
        data = mail.compose(
            from_=mail.Address("", confirm_address) if confirm_address else _mailer(incoming.domain),
            to=[mail.Address("", to)],
            subject=mail.single_line(subject),
            text=text,
            message_id=mail.new_message_id(new_hex(24), incoming.domain),
            date=incoming.now,
            in_reply_to=answered,
            references=[answered] if answered else [],
            headers=[("Reply-To", reply_to), *fields],
            auto_submitted="auto-replied",
        )
    except Invalid:
        # An address that cannot stand in a header gets no answer.
        return _DROPPED
    outbox.enqueue(tx, data, "", [to], incoming.now)
    return _DROPPED


def _tell_refused(tx: Transaction, incoming: _Incoming, reason: str) -> Reply:
    """Tell the sender that one of several recipients refused the mail."""
    return _write(tx, incoming, render.refused_recipient(incoming.recipient, reason))


def _mailer(domain: str) -> mail.Address:
    return mail.Address("Mailing lists", f"mailer@{domain}")


def _site_owner(tx: Transaction, domain: str) -> str:
    """Where a person answers: the first administrator who has an address."""
    for account in accounts.list_admins(tx):
        address = accounts.primary_address(tx, account.id)
        if address:
            return address
    return f"postmaster@{domain}"
