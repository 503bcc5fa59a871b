"""From the domain to the wire: JSON resources, page values, and the letters the lists write. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from markupsafe import Markup

from folkmoot.domain.accounts import Account
from folkmoot.domain.conversations import ArchivedMessage, MessageView
from folkmoot.domain.spaces import MailingList, Rights
from folkmoot.domain.subscriptions import Subscription
from folkmoot.net.pages import template_environment
from folkmoot.surfaces.lists import schema
from folkmoot.text import mail, markdown

T = TypeVar("T")

TEMPLATES = template_environment(Path(__file__).parent / "templates")
STYLE = (Path(__file__).parent / "templates" / "lists.css").read_bytes()

_DEEPEST = 6


# --- JSON -------------------------------------------------------------------------------------------------------------


def instant(at: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS+00:00` (contract §1.1)."""
    return at.astimezone(UTC).replace(microsecond=0).isoformat()


def short_user(name: str) -> schema.ShortUser:
    """A user where another resource names one."""
    return schema.ShortUser(f"~{name}", name)


def user(account: Account, address: str) -> schema.User:
    """A user in full."""
    return schema.User(f"~{account.label}", account.label, address)


def short_list(face: MailingList) -> schema.ShortList:
    """A mailing list where another resource names one."""
    return schema.ShortList(face.id, face.name, short_user(face.owner_name))


def mailing_list(face: MailingList) -> schema.List:
    """A mailing list in full."""
    return schema.List(
        face.id,
        face.name,
        short_user(face.owner_name),
        instant(face.created_at),
        instant(face.updated_at or face.created_at),
        face.description or None,
        schema.Permissions(words(face.nonsubscriber), words(face.subscriber), words(face.account)),
    )


def words(bits: int) -> list[str]:
    """The rights of an audience as words; never `moderate` (contract §2.2)."""
    return [word for word in ("browse", "reply", "post") if bits & Rights[word.upper()]]


def short_email(message: ArchivedMessage, face: MailingList) -> schema.ShortEmail:
    """An archived message."""
    return schema.ShortEmail(
        id=message.id,
        created=instant(message.created_at),
        subject=message.subject,
        message_id=message.mail_id,
        parent_id=message.parent_id,
        thread_id=message.thread_id,
        list=short_list(face),
        # contract §2.1: null when the From address is no account's address.
        sender=None if message.author_name is None else short_user(message.author_name),
        patchset=None,
    )


def email(message: ArchivedMessage, face: MailingList, data: bytes) -> schema.Email:
    """An archived message in full; `data` is the whole message."""
    return schema.Email(
        **msgspec.structs.asdict(short_email(message, face)),
        is_patch=message.is_patch,
        is_request_pull=message.is_request_pull,
        replies=message.replies,
        participants=message.participants,
        envelope=data.decode("utf-8", "replace"),
    )


def subscription(made: Subscription, face: MailingList) -> schema.Subscription:
    """A subscription to a list."""
    return schema.Subscription(made.id, instant(made.created_at), short_list(face))


def page(items: Sequence[Any], results: Sequence[T], total: int) -> schema.Page[T]:
    """A page of results, made of one item more than fits when there is a next page."""
    most = schema.RESULTS_PER_PAGE
    return schema.Page(str(items[most].id) if len(items) > most else None, list(results[:most]), total)


# --- pages ------------------------------------------------------------------------------------------------------------


def writer(message: ArchivedMessage) -> str:
    """Who wrote a message, for everybody to see: never the address."""
    return message.from_name or message.author_name or message.from_address.partition("@")[0]


def message_path(face: MailingList, mail_id: str) -> str:
    """Where a message is on the web."""
    return f"/{face.path}/{quote(mail_id, safe='')}"


def index_values(faces: Sequence[MailingList]) -> dict[str, Any]:
    """What the landing page shows."""
    return {"title": "Mailing lists", "lists": [_list_values(face) for face in faces]}


def list_values(
    face: MailingList,
    roots: Sequence[ArchivedMessage],
    number: int,
    pages: int,
    *,
    domain: str,
    may_browse: bool,
    csrf: str,
) -> dict[str, Any]:
    """What a list's page shows; without the right to browse, only what it is and how to write to it."""
    address = f"{face.path}@{domain}"
    return {
        "title": face.path,
        "list": _list_values(face),
        "description": Markup(markdown.render(face.description or "")),
        "address": address,
        "subscribe": f"mailto:{face.path}+subscribe@{domain}?subject=subscribe",
        "unsubscribe": f"mailto:{face.path}+unsubscribe@{domain}?subject=unsubscribe",
        "may_browse": may_browse,
        "threads": [_thread_values(face, root) for root in roots],
        "number": number,
        "pages": pages,
        "csrf": csrf,
    }


def _list_values(face: MailingList) -> dict[str, Any]:
    return {"path": face.path, "title": face.title, "excerpt": markdown.plain(face.description or "", 160)}


def _thread_values(face: MailingList, root: ArchivedMessage) -> dict[str, Any]:
    return {
        "path": message_path(face, root.mail_id),
        "subject": root.subject or "(no subject)",
        "writer": writer(root),
        "replies": root.replies,
        "participants": root.participants,
        "active_at": _shown(root.active_at),
    }


def thread_values(
    face: MailingList, thread: Sequence[ArchivedMessage], views: Mapping[int, MessageView], *, domain: str
) -> dict[str, Any]:
    """What a thread's page shows; `thread` is in the order of answers."""
    depths: dict[int, int] = {}
    messages = []
    for message in thread:
        depths[message.id] = min(depths.get(message.parent_id or 0, -1) + 1, _DEEPEST)
        visible, quoted = mail.split_reply(views[message.id].body if message.id in views else "")
        messages.append(
            {
                "mail_id": message.mail_id,
                "path": message_path(face, message.mail_id),
                "subject": message.subject or "(no subject)",
                "writer": writer(message),
                "at": _shown(message.created_at),
                "depth": depths[message.id],
                "visible": visible.rstrip(),
                "quoted": quoted.rstrip(),
                "reply": _reply_link(face, message, domain),
            }
        )
    root = thread[0]
    return {
        "title": root.subject or "(no subject)",
        "list": _list_values(face),
        "mbox": f"{message_path(face, root.mail_id)}/mbox",
        "messages": messages,
    }


def _reply_link(face: MailingList, message: ArchivedMessage, domain: str) -> str:
    subject = message.subject if message.subject[:3].casefold() == "re:" else f"Re: {message.subject}"
    fields = {"in-reply-to": message.mail_id, "subject": subject}
    return f"mailto:{face.path}@{domain}?{urlencode(fields, quote_via=quote)}"


def _shown(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


# --- letters ----------------------------------------------------------------------------------------------------------

Letter = tuple[str, str]
"""Subject and text."""


def unknown_list(address: str, domain: str) -> Letter:
    """There is no such list; both posting forms are named (contract §5.2)."""
    return (
        f"There is no list at {address}",
        f"You wrote to {address}, but there is no mailing list at this address.\n\n"
        f"A list's address looks like ~owner/name@{domain}\n"
        f"or, for programs that do not take these signs, u.owner.name@{domain}\n\n"
        "Please check the address and send your mail again.\n",
    )


def unknown_command(command: str, face: MailingList, domain: str) -> Letter:
    """The word after the plus sign says nothing to us."""
    return (
        f"{face.path} does not understand “{command}”",
        f"You wrote to {face.path}+{command}@{domain}, but a list only understands\n\n"
        f"  {face.path}@{domain}              to post\n"
        f"  {face.path}+subscribe@{domain}    to subscribe\n"
        f"  {face.path}+unsubscribe@{domain}  to unsubscribe\n",
    )


def refused_mail(problem: mail.Problem, face: MailingList, domain: str) -> Letter:
    """A mail was not taken for what it is."""
    return (
        f"Your mail to {face.path} was not taken",
        f"Your mail to {face.path}@{domain} did not reach the list:\n\n{problem.message}\n",
    )


def refused_recipient(address: str, reason: str) -> Letter:
    """One recipient of several refused a mail that others took."""
    return (
        f"Your mail to {address} was refused",
        f"Your mail reached its other recipients here, but not {address}:\n\n{reason}\n",
    )


def refused_subscription(face: MailingList, domain: str, may_post: bool) -> Letter:
    """Whoever may not read a list cannot subscribe to it."""
    hint = f"\nYou may still write to it, at {face.path}@{domain}.\n" if may_post else ""
    return (
        f"You cannot subscribe to {face.path}",
        f"The list {face.path} is not open for you to read, so you cannot subscribe to it.\n{hint}",
    )


def already_subscribed(face: MailingList, domain: str) -> Letter:
    """Nothing to do."""
    return (
        f"You subscribe to {face.path} already",
        f"Your address subscribes to {face.path} already; there is nothing to do.\n\n{_leaving(face, domain)}",
    )


def please_confirm(face: MailingList, command: str, token: str) -> Letter:
    """The holder of an address is asked; the token is the last word of the subject (contract §5.8)."""
    return (
        f"confirm {token}",
        f"Somebody, probably you, asked to {command} this address {'to' if command == 'subscribe' else 'from'} the mailing"
        f" list {face.path}.\n\n"
        "If that is what you want, answer this mail and leave its subject as it is.\n"
        "If it is not, do nothing: nothing will happen.\n",
    )


def confirmed(face: MailingList, command: str, domain: str) -> Letter:
    """Done."""
    if command == "subscribe":
        return (
            f"You now subscribe to {face.path}",
            f"Welcome! You now receive the mails of {face.path}.\n\n"
            f"To post, write to {face.path}@{domain}.\n{_leaving(face, domain)}",
        )
    return f"You no longer subscribe to {face.path}", f"You will get no more mails from {face.path}.\n"


def not_subscribed(face: MailingList) -> Letter:
    """Nothing to do."""
    return (
        f"You do not subscribe to {face.path}",
        f"Your address does not subscribe to {face.path}; there is nothing to do.\n\n"
        "If mails of the list reach you, they come through another address of yours.\n",
    )


def unknown_confirmation(face: MailingList) -> Letter:
    """The token is not, or no longer, known for this address."""
    return (
        f"Nothing to confirm at {face.path}",
        f"Your confirmation for {face.path} fits nothing that waits for one.\n\n"
        "It may have been confirmed before, or your answer came from another address than the question went to.\n",
    )


def with_links(letter: Letter, ending: str, managing: str) -> Letter:
    """A letter to a subscriber, with what ends this subscription and what shows all of them."""
    subject, text = letter
    return subject, f"{text}With one click: {ending}\nAll you receive from here: {managing}\n"


def _leaving(face: MailingList, domain: str) -> str:
    return f"To unsubscribe, write to {face.path}+unsubscribe@{domain}.\n"
