"""Markdown and foreign HTML made safe to show. Everything that leaves here went through one allow-list.

Raw HTML in Markdown is shown as text. Links lead out with nofollow and only to web and mail addresses.
"""

from __future__ import annotations

import html
import re
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

SOURCE_LIMIT = 50_000

_TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "hr", "i", "ins"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strong"),
    *("sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "td": {"align"}, "th": {"align"}, "abbr": {"title"}}
_IMAGE = {"img": {"src", "alt", "title"}}
_SCHEMES = {"http", "https", "mailto"}
_ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s]", re.IGNORECASE)
_BARE_LINK = re.compile(r"\bhttps?://[^\s<>\"'`]{1,2000}", re.IGNORECASE)


def render(source: str) -> str:
    """Render Markdown (CommonMark, tables, strike-through, bare web addresses as links) to safe HTML."""
    source = _clean(source)
    if len(source) > SOURCE_LIMIT:
        # The renderer is not linear on every input; a text this long is shown as it is.
        return f"<pre>{html.escape(source)}</pre>\n"
    try:
        made = _renderer().render(source)
    except (RecursionError, ValueError, IndexError):
        made = f"<pre>{html.escape(source)}</pre>\n"
    return _sanitised(made, with_images=True)


def sanitise(source: str) -> str:
    """Make foreign HTML, such as a mail's, safe to show; images go, for they tell the sender who is reading."""
    return _sanitised(_clean(source), with_images=False)


def plain(source: str, limit: int = 200) -> str:
    """Give the beginning of a Markdown text as plain text of at most `limit` characters, in one line.

    The result is text, not HTML: whoever shows it escapes it.
    """
    # Ten times the limit is enough for markup that takes more room than what it says.
    made = render(source[: limit * 10 + 1000])
    text = html.unescape(nh3.clean(re.sub(r"<(?=/?(?:p|br|li|h[1-6]|t[dhr]|pre|div)\b)", " <", made), tags=set()))
    text = " ".join(_clean(text).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


@cache
def _renderer() -> MarkdownIt:
    renderer = MarkdownIt("commonmark", {"html": False, "typographer": False}).enable(["table", "strikethrough"])
    # After `inline`, so that code spans and existing links are already tokens of their own.
    renderer.core.ruler.after("inline", "bare_links", _link_bare_addresses)
    return renderer


def _link_bare_addresses(state: StateCore) -> None:
    for block in state.tokens:
        if block.type == "inline" and block.children and "://" in block.content:
            block.children = _linked(block.children)


def _linked(tokens: list[Token]) -> list[Token]:
    made: list[Token] = []
    inside_links = 0
    for token in tokens:
        inside_links += {"link_open": 1, "link_close": -1}.get(token.type, 0)
        if token.type == "text" and not inside_links and "://" in token.content:
            made += _split_text(token.content)
        else:
            made.append(token)
    return made


def _split_text(content: str) -> list[Token]:
    made: list[Token] = []
    position = 0
    for found in _BARE_LINK.finditer(content):
        address = found[0].rstrip(".,;:!?*_~")
        if address.endswith(")") and "(" not in address:
            address = address.rstrip(").,;:!?*_~")
        if address.endswith("/") and address.count("/") == 2:
            continue
        made += (
            _text(content[position : found.start()]),
            Token("link_open", "a", 1, attrs={"href": address}),
            _text(address),
            Token("link_close", "a", -1),
        )
        position = found.start() + len(address)
    return [*made, _text(content[position:])]


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _sanitised(source: str, with_images: bool) -> str:
    return nh3.clean(
        source,
        tags=_TAGS | {"img"} if with_images else _TAGS,
        attributes=_ATTRIBUTES | _IMAGE if with_images else _ATTRIBUTES,
        attribute_filter=_only_full_addresses,
        url_schemes=_SCHEMES,
        link_rel="nofollow noopener",
        strip_comments=True,
    )


def _only_full_addresses(tag: str, attribute: str, value: str) -> str | None:
    """Drop addresses without a scheme too: they would lead into whatever site shows them."""
    if attribute in ("href", "src"):
        fits = _ADDRESS.match(value.strip())
        return value if fits and not (tag == "img" and value.strip().lower().startswith("mailto")) else None
    return value


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")
