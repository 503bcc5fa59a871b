"""Bytes to text for mail: every charset a mail may name, decoded leniently and without surprises.

The result never holds a lone surrogate or a NUL, so that it can be stored and sent on as UTF-8 anywhere.
"""

from __future__ import annotations

import re
from encodings import normalize_encoding
from encodings.aliases import aliases

_SURROGATE = re.compile("[\ud800-\udfff]")

# Only names Python already knows are looked up: a failed look-up is remembered for ever.
_KNOWN = frozenset(aliases) | frozenset(aliases.values())

# Not charsets, or decoders whose cost grows with the square of the input.
_REFUSED = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})

# What mailers write, and what they mean by it.
_MEANT = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "iso_8859_1": "cp1252",
    "latin1": "cp1252",
    "latin_1": "cp1252",
    "iso_8859_8_i": "iso8859_8",
    "unicode_1_1_utf_7": "utf_7",
}


def clean(text: str) -> str:
    """Remove NUL and put U+FFFD in the place of lone surrogates."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return _SURROGATE.sub("\ufffd", text).replace("\0", "")


def decode(data: bytes, charset: str = "") -> str:
    """Decode as the named charset; without one, or with a wrong one, as UTF-8 or else Windows-1252."""
    if data.isascii() and not charset:
        return data.decode("ascii").replace("\0", "")
    name = normalize_encoding(charset.strip(" \t'\"").lower()) if len(charset) <= 40 else ""
    name = _MEANT.get(name, name)
    if name in ("utf_8", "utf8"):
        return clean(data.decode("utf-8", "replace"))
    if name not in ("", "us_ascii", "ascii") and name in _KNOWN and name not in _REFUSED:
        try:
            return clean(data.decode(name, "replace"))
        except (LookupError, ValueError):
            pass
    try:
        return clean(data.decode("utf-8"))
    except UnicodeDecodeError:
        return clean(data.decode("cp1252", "replace"))
