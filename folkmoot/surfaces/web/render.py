"""Domain values as words for the pages, and the pages themselves; pure but for reading the templates once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from folkmoot.domain.conversations import MessageView
from folkmoot.domain.outbox import MailView
from folkmoot.domain.spaces import Site, SpaceEntry, list_address
from folkmoot.domain.subscriptions import Choice
from folkmoot.errors import FolkmootError
from folkmoot.house import House
from folkmoot.net.pages import html_page, template_environment
from folkmoot.text import mail

_TEMPLATES = template_environment(Path(__file__).parent / "templates")
_EXCERPT = 220
_PATCH_BEGINS = re.compile(r"^(?:---|diff --git .*)$", re.MULTILINE)
_MOST_TEXT = 200_000
_PRIVATE = {"cache-control": "no-store", "x-robots-tag": "noindex"}
_ORIGIN_WORDS = {"forum": "in the forum", "mail": "by mail", "mqtt": "over MQTT", "web": "on the web"}
_CHANNEL_WORDS = {"forum": "Follow in the forum", "mail": "Every message by mail", "newsletter": "The newsletter"}
_RECEIVED_WORDS = {
    "forum": "what you follow in the forum",
    "mail": "the messages by mail",
    "newsletter": "the newsletter",
}


def page(
    template: str, *, private: bool = False, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> Response:
    """A page; a private one is kept out of caches and search engines."""
    more = {**(_PRIVATE if private else {"cache-control": "no-cache"}), **(headers or {})}
    return html_page(_TEMPLATES.get_template(template), values, status=status, headers=more)


def notice(title: str, text: str, *, status: int, headers: Mapping[str, str]) -> Response:
    """A page of one sentence."""
    return page("notice.html", private=True, status=status, headers=headers, title=title, text=text)


# --- what runs here -------------------------------------------------------------------------------------------------


class SiteWords(msgspec.Struct, frozen=True):
    """How the community calls itself."""

    name: str
    description: str
    is_demo: bool


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One way in: what answers there, like what, and something to try."""

    name: str
    what: str
    address: str
    url: str = ""
    example: str


def site_words(site: Site | None, *, demo: bool) -> SiteWords:
    """The community's name and description, or ours before it has any."""
    if site is None:
        return SiteWords("Folkmoot", "One server for everything a community says.", demo)
    return SiteWords(site.name, site.description or "", demo)


def doors(addresses: Mapping[str, str], house: House, spaces: Sequence[SpaceEntry]) -> list[Door]:
    """The listeners that are on, in the order people look for them."""
    made = _http_doors(house) | _other_doors(addresses, house, spaces)
    return [door for name, door in made.items() if name in addresses]


def _http_doors(house: House) -> dict[str, Door]:
    forum, lists, newsletter, broker = (house.origins.get(n, "") for n in ("forum", "lists", "newsletter", "mqtt_api"))
    live = "ws" + forum.removeprefix("http")
    credential = "api_user:token" if house.demo else "USER:TOKEN"
    return {
        "forum": Door(
            name="Forum",
            what="Communities, posts, comments and votes, live over WebSocket. Speaks the Lemmy API.",
            address=forum,
            url=f"{forum}/api/v1/post/list?type_=All&sort=Hot",
            example=f"""echo '{{"op": "ListCategories"}}' | websocat {live}/api/v1/ws""",
        ),
        "lists": Door(
            name="Mailing lists",
            what="Archives, patches and a REST API. Speaks the API of lists.sr.ht.",
            address=lists,
            url=lists,
            example=f"curl -H 'Authorization: token TOKEN' {lists}/api/lists",
        ),
        "newsletter": Door(
            name="Newsletter",
            what="Lists, members and campaigns. Speaks the API of listmonk.",
            address=newsletter,
            url=f"{newsletter}/api/public/lists",
            example=f'curl -u "{credential}" {newsletter}/api/lists',
        ),
        "mqtt_api": Door(
            name="Broker management",
            what="Clients, topics and publishing over REST. Speaks the API of EMQX.",
            address=broker,
            url=f"{broker}/api-docs",
            example=f"curl {broker}/status",
        ),
    }


def _other_doors(addresses: Mapping[str, str], house: House, spaces: Sequence[SpaceEntry]) -> dict[str, Door]:
    site, domain = house.config.site, house.config.mail.domain
    at = {name: _reachable(address, site.hostname) for name, address in addresses.items()}
    path = next((each for each in spaces if each.list_name is not None), None)
    to = list_address(path.list_owner or "", path.list_name or "", domain) if path else f"~OWNER/LIST@{domain}"
    return {
        "mqtt": Door(
            name="MQTT",
            what="Everything said here, live, on spaces/NAME/messages; and topics of your own. MQTT 3.1 to 5.0.",
            address=f"mqtt://{_join(at.get('mqtt'))}",
            example=f"mosquitto_sub {_flags(at.get('mqtt'))} -v -t 'spaces/+/messages'",
        ),
        "mqtt_ws": Door(
            name="MQTT over WebSocket",
            what="The same broker for browsers.",
            address=f"ws://{_join(at.get('mqtt_ws'))}/mqtt",
            example=f"mqttx sub -l ws {_flags(at.get('mqtt_ws'))} --path /mqtt -t 'spaces/+/messages'",
        ),
        "smtp": Door(
            name="Mail in (SMTP)",
            what="A mail to a list's address is a post in the forum, or an answer below what it replies to.",
            address=f"smtp://{_join(at.get('smtp'))}",
            example=f"swaks --server {_join(at.get('smtp'))} --from you@example.org --to '{to}'",
        ),
        "lmtp": Door(
            name="Mail in (LMTP)",
            what="For a mail server in front that hands mail over.",
            address=f"lmtp://{_join(at.get('lmtp'))}",
            example=f"swaks --protocol LMTP --server {_join(at.get('lmtp'))} --from you@example.org --to '{to}'",
        ),
    }


def _reachable(address: str, hostname: str) -> tuple[str, str]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    return (hostname if host in ("", "0.0.0.0", "::") else host), port


def _join(at: tuple[str, str] | None) -> str:
    host, port = at or ("", "")
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _flags(at: tuple[str, str] | None) -> str:
    host, port = at or ("", "")
    return f"-h {host} -p {port}"


# --- spaces and messages --------------------------------------------------------------------------------------------


class SpaceWords(msgspec.Struct, frozen=True, kw_only=True):
    """A space with a link for each of its faces."""

    title: str
    description: str
    messages: int
    readers: int
    topic: str
    archive_url: str
    forum_url: str
    address: str
    newsletter: bool


class Voice(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the list of the latest shows it."""

    author: str
    space: str
    title: str
    excerpt: str
    origin: str
    iso: str
    ago: str
    archive_url: str
    forum_url: str


def space(entry: SpaceEntry, house: House) -> SpaceWords:
    """A space with where to find it."""
    path = entry.list_path
    forum = house.origins.get("forum", "")
    return SpaceWords(
        title=entry.title or entry.name,
        description=_excerpt(entry.description or ""),
        messages=entry.messages,
        readers=entry.followers + entry.mail_subscribers,
        topic=f"spaces/{entry.name}/messages",
        archive_url=f"{house.origins.get('lists', '')}/{quote(path, safe='~/')}" if path else "",
        forum_url=f"{forum}/api/v1/community?name={quote(entry.forum_name)}" if entry.forum_name else "",
        address=list_address(entry.list_owner or "", entry.list_name or "", house.config.mail.domain) if path else "",
        newsletter=entry.newsletter_name is not None,
    )


def voice(view: MessageView, entry: SpaceEntry | None, house: House, now: datetime) -> Voice:
    """A message with where to read it in full."""
    path = entry.list_path if entry else None
    archive = (
        f"{house.origins.get('lists', '')}/{quote(path, safe='~/')}/{quote(view.mail_id, safe='')}" if path else ""
    )
    in_forum = entry is not None and entry.forum_name is not None
    return Voice(
        author=view.author_display_name or view.from_name or view.author_label,
        space=view.space_title or view.space_name,
        title=view.subject or "(no subject)",
        excerpt=_excerpt(view.body),
        origin=_ORIGIN_WORDS[view.origin],
        iso=view.created_at.isoformat(),
        ago=ago(view.created_at, now),
        archive_url=archive,
        forum_url=f"{house.origins.get('forum', '')}/api/v1/post?id={view.thread_id}" if in_forum else "",
    )


def _excerpt(text: str) -> str:
    # What a patch changes is for the archive; here its description is enough.
    words = " ".join(_PATCH_BEGINS.split(text[: _EXCERPT * 4], 1)[0].split())
    return words if len(words) <= _EXCERPT else words[:_EXCERPT].rsplit(" ", 1)[0] + " …"


def ago(at: datetime, now: datetime) -> str:
    """How long ago, in a word or two; the date when it is longer than a month."""
    seconds = (now - at).total_seconds()
    if seconds < 60:
        return "just now"
    for size, word, most in ((60, "minute", 60), (3600, "hour", 24), (86400, "day", 31)):
        number = int(seconds // size)
        if number < most:
            return f"{number} {word}{'s' if number > 1 else ''} ago"
    return f"{at.astimezone(UTC):%d %b %Y}".lstrip("0")


# --- mail -----------------------------------------------------------------------------------------------------------


class MailRow(msgspec.Struct, frozen=True, kw_only=True):
    """An outgoing mail in a list."""

    id: int
    subject: str
    sender: str
    recipient: str
    others: int
    state: str
    iso: str
    ago: str


class MailWords(msgspec.Struct, frozen=True, kw_only=True):
    """An outgoing mail in full."""

    subject: str
    fields: list[tuple[str, str]]
    text: str
    is_cut: bool
    parts: list[str]


def mail_row(view: MailView, now: datetime) -> MailRow:
    """A mail by what its first bytes say."""
    subject, sender = "(no subject)", ""
    try:
        parsed = mail.parse(view.head)
        subject = parsed.subject or subject
        sender = (parsed.from_.name or parsed.from_.address) if parsed.from_ else ""
    except FolkmootError:
        subject = "(unreadable)"
    return MailRow(
        id=view.id,
        subject=subject,
        sender=sender,
        recipient=view.recipient,
        others=view.copies - 1,
        state=view.state,
        iso=view.created_at.isoformat(),
        ago=ago(view.created_at, now),
    )


def mail_words(data: bytes) -> MailWords:
    """A mail with its header fields and its text."""
    try:
        parsed = mail.parse(data)
    except FolkmootError:
        text = data[:_MOST_TEXT].decode("utf-8", "replace")
        return MailWords(subject="(unreadable)", fields=[], text=text, is_cut=len(data) > _MOST_TEXT, parts=[])
    return MailWords(
        subject=parsed.subject or "(no subject)",
        fields=[(name, value[:2000]) for name, value in parsed.headers[:200]],
        text=parsed.text[:_MOST_TEXT],
        is_cut=len(parsed.text) > _MOST_TEXT,
        parts=[f"{part.type}, {part.size_bytes} bytes {part.filename}".rstrip() for part in parsed.parts[:50]],
    )


def link_mail(address: str, url: str, community: str, domain: str, unique: str, now: datetime) -> bytes:
    """The mail with the link to one's subscriptions. Raises Invalid for an address that no mail can be written to."""
    name = " ".join(community.split())
    return mail.compose(
        from_=mail.Address(name, f"noreply@{domain}"),
        to=[mail.Address("", address)],
        subject=f"Your subscriptions at {name}",
        text=(
            f"Somebody, probably you, asked for the link to everything that {name} sends to this address.\n\n"
            f"{url}\n\n"
            "There you see and change all of it. Keep the link to yourself: whoever has it can do the same.\n"
            "If you did not ask, nothing has changed, and you can delete this mail.\n"
        ),
        message_id=mail.new_message_id(f"{unique}.link", domain),
        date=now,
        auto_submitted="auto-generated",
    )


# --- subscriptions --------------------------------------------------------------------------------------------------


class ChoiceWords(msgspec.Struct, frozen=True, kw_only=True):
    """One tick box."""

    value: str
    label: str
    note: str
    is_on: bool
    is_fixed: bool


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """The tick boxes of one space."""

    title: str
    description: str
    choices: list[ChoiceWords]


def groups(offered: Iterable[Choice]) -> list[Group]:
    """The choices, space by space."""
    made: list[Group] = []
    for _, found in groupby(offered, key=lambda each: each.space.space_id):
        channels = list(found)
        entry = channels[0].space
        made.append(
            Group(
                title=_title(entry),
                description=_excerpt(entry.description or ""),
                choices=[_choice(each) for each in channels],
            )
        )
    return made


def received(entry: SpaceEntry, channel: str) -> str:
    """What somebody gets through a channel of a space: `the newsletter of Town square`."""
    return f"{_RECEIVED_WORDS[channel]} of {_title(entry)}"


def _title(entry: SpaceEntry) -> str:
    # listmonk §6: what a private list is called is not its members' business
    alone = entry.forum_name is None and entry.list_name is None
    return "Private list" if alone and entry.newsletter_type == "private" else entry.title or entry.name


def _choice(offered: Choice) -> ChoiceWords:
    notes = {"unconfirmed": "waiting for your confirmation", "unsubscribed": "you left it"}
    fixed = not offered.is_on and not offered.may_start
    return ChoiceWords(
        value=f"{offered.space.space_id}:{offered.channel}",
        label=_CHANNEL_WORDS[offered.channel],
        note=notes.get(offered.status, "") + (", and only its owner can put you back" if fixed else ""),
        is_on=offered.is_on,
        is_fixed=fixed,
    )
