"""Changes of the configuration: each makes a new one of the old. Whoever asked for it keeps it and tells the gate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec.structs import replace

from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.text.acl import read_item

from .model import BUILT_IN, BuiltInSource, Configuration, Entry, FileSource, HttpSource, Source, type_of

_LONGEST_NAME = 65_535


def find_source(configuration: Configuration, kind: str) -> Source | None:
    """The source of a type, None if it is not configured."""
    return next((each for each in configuration.sources if type_of(each) == kind), None)


def get_source(configuration: Configuration, kind: str) -> Source:
    """The source of a type. Raises NotFound."""
    source = find_source(configuration, kind)
    if source is None:
        raise NotFound("source.unknown", f"Not found: {kind}")
    return source


def require_built_in(configuration: Configuration) -> BuiltInSource:
    """The source with rules in our own tables. Raises NotFound while it is not configured."""
    source = get_source(configuration, BUILT_IN)
    assert isinstance(source, BuiltInSource)
    return source


def add_source(configuration: Configuration, source: Source) -> Configuration:
    """A new source, before all others. Raises Invalid for a second one of its type, or for rules that cannot be read."""
    if find_source(configuration, type_of(source)) is not None:
        raise Invalid("source.duplicate", f"There is a source of the type {type_of(source)} already.", "type")
    _check(source)
    return replace(configuration, sources=(source, *configuration.sources))


def change_source(configuration: Configuration, kind: str, source: Source) -> Configuration:
    """Another configuration for a source, in its place. Raises NotFound, and Invalid for another type or bad rules."""
    get_source(configuration, kind)
    if type_of(source) != kind:
        raise Invalid("source.type", f"The source is of the type {kind} and stays so.", "type")
    _check(source)
    return replace(
        configuration, sources=tuple(source if type_of(each) == kind else each for each in configuration.sources)
    )


def remove_source(configuration: Configuration, kind: str) -> Configuration:
    """One source less. Raises NotFound."""
    gone = get_source(configuration, kind)
    return replace(configuration, sources=tuple(each for each in configuration.sources if each is not gone))


def move_source(configuration: Configuration, kind: str, position: str) -> Configuration:
    """A source `front`, `rear`, `before:TYPE` or `after:TYPE`. Raises NotFound, and Invalid for no such position."""
    source = get_source(configuration, kind)
    rest = [each for each in configuration.sources if each is not source]
    where, _, other = position.partition(":")
    if position == "front":
        at = 0
    elif position == "rear":
        at = len(rest)
    elif where in ("before", "after") and other:
        names = [type_of(each) for each in rest]
        if other not in names:
            raise Invalid("source.position", f"There is no other source of the type {other}.", "position")
        at = names.index(other) + (where == "after")
    else:
        raise Invalid("source.position", "A position is front, rear, before:TYPE or after:TYPE.", "position")
    return replace(configuration, sources=(*rest[:at], source, *rest[at:]))


def order_sources(configuration: Configuration, kinds: Sequence[str]) -> Configuration:
    """The sources in another order. Raises Invalid when it does not name each of them once."""
    if sorted(kinds) != sorted(type_of(each) for each in configuration.sources):
        raise Invalid("source.order", "An order names each configured source once.")
    return replace(configuration, sources=tuple(get_source(configuration, kind) for kind in kinds))


def make_entry(kind: str, name: str, rules: Sequence[dict[str, Any]], max_rules: int | None) -> Entry:
    """The rules of a client, a user or all. Raises Invalid for rules that are none, and for too many."""
    if max_rules is not None and len(rules) > max_rules:
        raise Invalid("rules.too_many", f"There are at most {max_rules} rules for one {kind}.", "rules")
    if (not name) is not (kind == "all") or len(name) > _LONGEST_NAME or "\0" in name:
        raise Invalid("rules.name", f"This is no name of a {kind}.")
    for item in rules:
        read_item(item)
    return Entry(kind, name, tuple(rules))


def require_new(entries: Sequence[Entry], known: dict[tuple[str, str], Entry]) -> None:
    """Raises Conflict when one of the entries is there already, or twice among them."""
    seen = set(known)
    for each in entries:
        if (each.kind, each.name) in seen:
            raise Conflict("rules.duplicate", f"There are rules for the {each.kind} {each.name} already.")
        seen.add((each.kind, each.name))


def _check(source: Source) -> None:
    if isinstance(source, FileSource):
        source.parse()
    elif isinstance(source, HttpSource) and not _is_address(source.url):
        raise Invalid("source.url", "This is no address of a web server.", "url")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    # A client's name may be part of the path, never of the host.
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "$" not in parts.netloc
