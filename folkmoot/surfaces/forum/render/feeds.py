"""RSS 2.0 (lemmy §8.1); pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from urllib.parse import quote
from xml.etree import ElementTree

from folkmoot.domain.conversations import AnswerView, ThreadView
from folkmoot.store import moment
from folkmoot.surfaces.forum.render.views import content
from folkmoot.text import markdown

# What XML 1.0 cannot hold.
_NO_XML = {number: None for number in range(32) if number not in (9, 10, 13)} | {0xFFFE: None, 0xFFFF: None}


@dataclass(frozen=True, slots=True)
class Item:
    """One entry; `link` None leaves the element out."""

    title: str
    link: str | None
    author: str
    community: str | None
    url: str
    published_at: datetime
    description: str


def feed(title: str, link: str, description: str, host: str, items: Sequence[Item]) -> bytes:
    """A whole feed; the same items always give the same bytes."""
    root = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(root, "channel")
    for name, text in (("title", title), ("link", link), ("description", description)):
        _put(channel, name, text)
    for each in items:
        element = ElementTree.SubElement(channel, "item")
        _put(element, "title", each.title)
        if each.link is not None:
            _put(element, "link", each.link)
        _put(element, "author", _linked("u", each.author, host))
        if each.community is not None:
            _put(element, "category", _linked("c", each.community, host)).set("domain", host)
        _put(element, "comments", each.url)
        _put(element, "guid", each.url).set("isPermaLink", "true")
        _put(element, "pubDate", format_datetime(each.published_at.astimezone(UTC)))
        _put(element, "description", each.description)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data


def post_item(thread: ThreadView, host: str) -> Item:
    """A post in a feed."""
    url = f"https://{host}/post/{thread.id}"
    line = (
        f"submitted by {_anchor('u', thread.author_label, host)} to {_anchor('c', thread.space_name, host)}<br>"
        f'{thread.score} points | <a href="{url}">{thread.replies} comments</a>'
    )
    body = "" if not thread.body else markdown.render(content(thread.body, thread.origin))
    return Item(
        thread.title,
        thread.url,
        thread.author_label,
        thread.space_name,
        url,
        moment(thread.created_at),
        line + body,
    )


def answer_item(answer: AnswerView, host: str) -> Item:
    """An answer or a mention in the inbox's feed."""
    url = f"https://{host}/post/{answer.thread_id}/comment/{answer.id}"
    text = markdown.render(content(answer.body, answer.origin))
    title = f"Reply from {answer.author_label}"
    return Item(title, url, answer.author_label, None, url, moment(answer.created_at), text)


def _put(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, name)
    element.text = text.translate(_NO_XML)
    return element


def _anchor(kind: str, name: str, host: str) -> str:
    return f'<a href="https://{host}/{kind}/{quote(name)}">{escape(name)}</a>'


def _linked(kind: str, name: str, host: str) -> str:
    return f'/{kind}/{escape(name)} <a href="https://{host}/{kind}/{quote(name)}">(link)</a>'
