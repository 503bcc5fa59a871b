"""The header section of a message: finding it, splitting it into fields, RFC 2047 words in both directions.

Works on the bytes as they are, with CRLF or LF line ends. What a field means is decided elsewhere.
"""

from __future__ import annotations

import base64
import binascii
import re

from folkmoot.errors import Invalid
from folkmoot.text.mail.charset import clean, decode

HEADER_LIMIT_BYTES = 512 * 1024
FIELD_LIMIT = 2000

_FIELD = re.compile(r"^([!-9;-~]{1,200})[ \t]*:(.*)", re.MULTILINE)
_RAW_FIELD = re.compile(rb"^([!-9;-~]{1,200})[ \t]*:(.*)", re.MULTILINE)
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")
_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?([^?]{0,4000}(?:\?(?!=)[^?]{0,1000}){0,20})\?=")
_UNSAFE = re.compile("[\r\n\0]")


def split(data: bytes, start: int = 0, end: int | None = None) -> tuple[int, int]:
    """Find where the header section ends and where the body starts, as two offsets; without a blank line, no body."""
    stop = len(data) if end is None else end
    if data.startswith((b"\n", b"\r\n"), start, stop):
        return start, data.index(b"\n", start) + 1
    bare = data.find(b"\n\n", start, stop)
    full = data.find(b"\n\r\n", start, stop if bare < 0 else bare)
    if full >= 0:
        return full + 1, full + 3
    return (bare + 1, bare + 2) if bare >= 0 else (stop, stop)


def fields(data: bytes, start: int, end: int, limit_bytes: int = HEADER_LIMIT_BYTES) -> list[tuple[str, str]]:
    """Give the (name, value) pairs of a header section in order, unfolded and decoded leniently.

    Only the first `limit_bytes` and `FIELD_LIMIT` fields are looked at, lines that are no field are skipped; all that
    stays in the bytes, unseen.
    """
    if end - start > limit_bytes:
        end = data.rfind(b"\n", start, start + limit_bytes) + 1 or start + limit_bytes
    # RFC 5322 §2.2.3: unfolding removes the line end and keeps the white space after it.
    block = data[start:end].replace(b"\r\n", b"\n").replace(b"\n ", b" ").replace(b"\n\t", b"\t").replace(b"\r", b" ")
    if block.isascii():
        found = _FIELD.findall(block.decode("ascii"))[:FIELD_LIMIT]
        return [(name, value.replace("\0", "").strip(" \t")) for name, value in found]
    raw = _RAW_FIELD.findall(block)[:FIELD_LIMIT]
    return [(name.decode("ascii"), decode(value).strip(" \t")) for name, value in raw]


def single_line(text: str) -> str:
    """Put a space in the place of every control character and line separator, and trim."""
    if not text.isprintable():
        text = _CONTROL.sub(" ", clean(text))
    return text.strip()


def decode_words(value: str) -> str:
    """Decode the RFC 2047 encoded words in a field value; what is not one stays as it is."""
    if "=?" not in value:
        return value
    out: list[str] = []
    held: list[tuple[str, bytes]] = []
    position = 0
    for found in _WORD.finditer(value):
        between = value[position : found.start()]
        # RFC 2047 §6.2: white space between adjacent encoded words is not shown.
        if not held or between.strip(" \t"):
            out += (_join(held), between)
            held = []
        held.append((found[1].split("*")[0].lower(), _word_bytes(found[2], found[3])))
        position = found.end()
    return "".join((*out, _join(held), value[position:]))


def _join(words: list[tuple[str, bytes]]) -> str:
    """Decode a run of words; mailers split characters across words of one charset, so their bytes are joined first."""
    text = ""
    index = 0
    while index < len(words):
        charset = words[index][0]
        run = bytearray()
        while index < len(words) and words[index][0] == charset:
            run += words[index][1]
            index += 1
        text += decode(bytes(run), charset)
    return text


def _word_bytes(kind: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    if kind in "qQ":
        return binascii.a2b_qp(raw, header=True)
    return unbase64(raw)


def unbase64(data: bytes) -> bytes:
    """Decode base64 leniently: foreign characters skipped, missing padding made up, a cut-off tail dropped."""
    try:
        return binascii.a2b_base64(data + b"===")
    except binascii.Error:
        kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
        kept = kept[: len(kept) - (len(kept) % 4 == 1)]
        return binascii.a2b_base64(kept + b"==")


def require_plain(name: str, value: str) -> None:
    """Raise Invalid when a value would end its line: that is how a field nobody meant gets into a message."""
    if _UNSAFE.search(value):
        raise Invalid("mail.header_injection", f"The {name} field must not contain line breaks or NUL.", name)


def field_line(name: str, value: str, line_end: bytes = b"\r\n") -> bytes:
    """Make one unfolded field from a value ready for the wire; raises Invalid for injection and over-long lines."""
    require_plain(name, value)
    if not re.fullmatch(r"[!-9;-~]+", name) or _CONTROL.search(value):
        raise Invalid("mail.bad_header", "A header field has a name or value that cannot be sent.", name)
    line = f"{name}: {clean(value)}".encode()
    # RFC 5322 §2.1.1
    if len(line) > 998:
        raise Invalid("mail.long_header", f"The {name} field is too long to be sent.", name)
    return line + line_end


def text_field(name: str, text: str) -> bytes:
    """Make a field of free text (a subject): folded, with encoded words when it is not plain ASCII. Raises Invalid."""
    require_plain(name, text)
    text = clean(text).strip(" \t")
    chunks = re.findall(r"[ \t]*[^ \t]+", text)
    plain = text.isascii() and "=?" not in text and not _CONTROL.search(text.replace("\t", " "))
    if not plain or max(map(len, chunks), default=0) > 900:
        return f"{name}: ".encode() + encode_words(text, len(name) + 2).encode() + b"\r\n"
    return fold(name, chunks)


def fold(name: str, chunks: list[str]) -> bytes:
    """Join chunks, each bringing its leading white space, into a field with line breaks where they do not fit."""
    lines = [f"{name}:"]
    for index, chunk in enumerate(chunks):
        chunk = chunk if index else " " + chunk.lstrip(" \t")
        # The first chunk stays on the line of the name: a line of white space alone is not allowed.
        if index and len(lines[-1]) + len(chunk) > 76:
            lines.append(chunk)
        else:
            lines[-1] += chunk
    return "\r\n".join(lines).encode() + b"\r\n"


def encode_words(text: str, used: int) -> str:
    """Encode text as folded RFC 2047 words, the first of which follows `used` characters on its line."""
    words: list[str] = []
    run = b""
    # RFC 2047 §2: a line with an encoded word has at most 76 characters; 12 of them are the word's own frame.
    room = (76 - min(used, 40) - 12) // 4 * 3
    for character in text:
        piece = character.encode("utf-8")
        if len(run) + len(piece) > room:
            words.append(_word(run))
            run, room = b"", 45
        run += piece
    words.append(_word(run))
    return "\r\n ".join(words)


def _word(data: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(data).decode('ascii')}?="
