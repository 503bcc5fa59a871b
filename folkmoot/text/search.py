"""What people search for: words in their order, and the little language of archive searches.

That one is of the lists.sr.ht contract, §6.3: words, quoted phrases, `key:value`, `!key:value`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from folkmoot.errors import Invalid

TERM_LIMIT = 32
QUERY_LIMIT = 1000

_KEYED = re.compile(r"(?P<not>!?)(?P<key>[A-Za-z][A-Za-z0-9-]*):(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `key` is in lower case, "" for words looked for in subject and body."""

    key: str
    value: str
    is_negated: bool = False


def has_in_order(text: str, words: Sequence[str]) -> bool:
    """Whether a text has all these words, one after the other and anywhere in it, whatever their case."""
    folded, at = text.casefold(), 0
    for word in map(str.casefold, words):
        found = folded.find(word, at)
        if found < 0:
            return False
        at = found + len(word)
    return True


def parse_search(query: str) -> tuple[Term, ...]:
    """Split a query like a shell does, all terms to be met. Raises Invalid for an unbalanced quote or too many terms."""
    if len(query) > QUERY_LIMIT:
        raise Invalid("search.long", f"A search has at most {QUERY_LIMIT} characters.", "search")
    try:
        words = shlex.split(query.replace("\0", " "))
    except ValueError as error:
        raise Invalid("search.quote", "The search has a quote without its partner.", "search") from error
    if len(words) > TERM_LIMIT:
        raise Invalid("search.long", f"A search has at most {TERM_LIMIT} terms.", "search")
    return tuple(_term(word) for word in words if word)


def _term(word: str) -> Term:
    keyed = _KEYED.fullmatch(word)
    if keyed is None:
        return Term("", word)
    return Term(keyed["key"].lower(), keyed["value"], bool(keyed["not"]))
