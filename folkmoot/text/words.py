"""The word filter: one regular expression of the operator's (lemmy §3.4)."""

from __future__ import annotations

import re

from folkmoot.errors import Invalid

_MASK = "*removed*"


class Words:
    """What may not be said. An empty pattern forbids nothing. Raises Invalid for a pattern that is none."""

    def __init__(self, pattern: str = "") -> None:
        try:
            self._pattern = re.compile(pattern, re.IGNORECASE) if pattern else None
        except re.error as error:
            raise Invalid("forum.word_filter", f"The word filter is no regular expression: {error}.") from error

    def require_none(self, *texts: str | None) -> None:
        """Raises Invalid naming the forbidden words of the texts, sorted by code point."""
        if self._pattern is None:
            return
        found = {match.group(0) for text in texts if text for match in self._pattern.finditer(text) if match.group(0)}
        if found:
            raise Invalid("forum.words", f"No slurs - {', '.join(sorted(found))}")

    def mask(self, text: str) -> str:
        """The text with every forbidden word replaced."""
        return text if self._pattern is None else self._pattern.sub(lambda match: _MASK if match.group(0) else "", text)
