"""Any text as Markdown or HTML: nothing that acts comes out."""

from __future__ import annotations

import re

from folkmoot.text import markdown
from tests.fuzz.seeds import SEEDS

__all__ = ["SEEDS", "run"]

_ACTS = re.compile(r"<(?:script|iframe|style|svg|math|form|object)|<[^>]*\s(?:on\w+|style|class|id)\s*=", re.IGNORECASE)


def run(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for made in (markdown.render(text), markdown.sanitise(text)):
        # Attribute values may say anything; they are quoted, so they are taken out before looking.
        assert not _ACTS.search(re.sub(r'="[^"]*"', "=x", made)), made
    assert len(markdown.plain(text, 100)) <= 100
