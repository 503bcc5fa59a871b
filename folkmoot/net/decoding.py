"""From bytes of a request to typed values: JSON, query strings, urlencoded and multipart forms. Pure.

What all of them promise: values have exactly the declared types; unknown keys are ignored; text is UTF-8, without lone
surrogates and (unless asked for) without NUL; integers fit 64 bits; the number of fields and the depth are bounded.
Whatever breaks that is Invalid with the path of the value (`items[2].topic`) as its field.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import inspect
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from folkmoot.errors import Invalid

# It warns about every malformed form; whoever sends one is told, the log need not be.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

MAX_FIELDS = 1000
EXACT_BOOLEANS: Mapping[str, bool] = {"true": True, "false": False}

Pairs = list[tuple[str, str]]

_AT_PATH = re.compile(r"^(?P<what>.*) - at `\$\.?(?P<path>[^`]*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]*)`$")
_LONG_DIGITS = re.compile(rb"\d{19}")
_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Upload:
    """One file of a multipart form, whole in memory; its size is bounded by the body's limit."""

    field: str
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """A decoded form: its text fields in order, and its files."""

    fields: Pairs
    files: list[Upload]


@lru_cache(maxsize=4096)
def _json_decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode_json(body: bytes, kind: Any, *, allow_nul: bool = False) -> Any:
    """Decode a JSON body into `kind` (any type msgspec knows), strictly; an empty body counts as `{}`.

    Raises Invalid.
    """
    try:
        text = body.decode() or "{}"
        value = _json_decoder(kind).decode(text)
        # Both need a walk through the value, so look for a reason first.
        if b"\\u0000" in body or _LONG_DIGITS.search(body):
            # What is still undecoded (a frame's data) has its own turn later.
            _refuse_unstorable(msgspec.to_builtins(value, enc_hook=lambda raw: None), "", allow_nul)
        return value
    except UnicodeDecodeError as error:
        raise Invalid("body.encoding", "The body is not UTF-8.") from error
    except RecursionError as error:
        raise Invalid("body.deep", "The body is nested too deeply.") from error
    except msgspec.ValidationError as error:
        raise invalid_value(error) from error
    except msgspec.DecodeError as error:
        raise Invalid("body.json", f"The body is not JSON: {error}") from error


def invalid_value(error: msgspec.ValidationError) -> Invalid:
    """The Invalid that says what msgspec says, with the path of the value as its field."""
    text, path = str(error), ""
    at = _AT_PATH.match(text)
    if at:
        text, path = at["what"], at["path"]
    missing = _MISSING.match(text)
    if missing:
        path = f"{path}.{missing['name']}" if path else missing["name"]
        return Invalid("request.missing", f"missing field `{missing['name']}`", path)
    return Invalid("request.value", text, path or None)


def _refuse_unstorable(value: Any, path: str, allow_nul: bool) -> None:
    if isinstance(value, str):
        if "\0" in value and not allow_nul:
            raise Invalid("request.nul", "A text contains a NUL character.", path or None)
    elif isinstance(value, int):
        if value not in _INT64:
            raise Invalid("request.value", "A number is too large.", path or None)
    elif isinstance(value, dict):
        for key, each in value.items():
            _refuse_unstorable(key, path, allow_nul)
            _refuse_unstorable(each, f"{path}.{key}" if path else str(key), allow_nul)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            _refuse_unstorable(each, f"{path}[{place}]", allow_nul)


def parse_query(raw: bytes) -> Pairs:
    """The pairs of a query string or of an urlencoded body, decoded, in order. Raises Invalid."""
    if not raw:
        return []
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS)
    except UnicodeDecodeError as error:
        raise Invalid("request.encoding", "A field is not UTF-8.") from error
    except ValueError as error:
        raise Invalid("request.fields", "There are too many fields.") from error
    return pairs


def parse_form(body: bytes, content_type: str) -> Form:
    """The fields and files of an urlencoded or multipart body. Raises Invalid."""
    if media_type(content_type) == "multipart/form-data":
        return _parse_multipart(body, content_type)
    return Form(parse_query(body), [])


def media_type(content_type: str) -> str:
    """The type without its parameters, in lower case: `application/json` for `Application/JSON; charset=utf-8`."""
    return content_type.partition(";")[0].strip().lower()


def is_form(content_type: str) -> bool:
    """Whether `parse_form` reads bodies of this type."""
    return media_type(content_type) in ("application/x-www-form-urlencoded", "multipart/form-data")


def _parse_multipart(body: bytes, content_type: str) -> Form:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary or len(boundary) > 200:
        raise Invalid("body.form", "The form has no usable boundary.")
    reader = _PartReader()
    try:
        parser = MultipartParser(boundary, reader.callbacks())  # type: ignore[arg-type]
        parser.write(body)
        parser.finalize()
        if not reader.ended:
            raise Invalid("body.form", "The form ends too early.")
        return Form(reader.fields, reader.files)
    except FormParserError as error:
        raise Invalid("body.form", "The form cannot be read.") from error
    except UnicodeDecodeError as error:
        raise Invalid("body.encoding", "A field of the form is not UTF-8.") from error


class _PartReader:
    """Collects what the multipart parser reports, part by part."""

    def __init__(self) -> None:
        self.fields: Pairs = []
        self.files: list[Upload] = []
        self.ended = False
        self._headers: dict[bytes, bytes] = {}
        self._name = b""
        self._value = b""
        self._data = bytearray()

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_name,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_part_data": self._part_data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.fields) + len(self.files) >= MAX_FIELDS:
            raise Invalid("request.fields", "The form has too many parts.")
        self._headers, self._name, self._value, self._data = {}, b"", b"", bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _part_end(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        if b"name" not in options:
            raise Invalid("body.form", "A part of the form has no name.")
        name = options[b"name"].decode()
        if b"filename" in options:
            kind = self._headers.get(b"content-type", b"application/octet-stream").decode()
            self.files.append(Upload(name, options[b"filename"].decode(), kind, bytes(self._data)))
        else:
            self.fields.append((name, self._data.decode()))

    def _end(self) -> None:
        self.ended = True


@dataclass(frozen=True, slots=True)
class _Reading:
    """How the text of one field becomes a value."""

    many: bool
    words: frozenset[str]  # of "bool", "int", "float", "text"

    def value(self, text: str, booleans: Mapping[str, bool]) -> Any:
        if "bool" in self.words and text in booleans:
            return booleans[text]
        if "int" in self.words and _INTEGER.fullmatch(text) and int(text) in _INT64:
            return int(text)
        if "float" in self.words and _FLOAT.fullmatch(text) and math.isfinite(float(text)):
            return float(text)
        return text


@lru_cache(maxsize=1024)
def _readings(kind: Any) -> dict[str, _Reading]:
    info = inspect.type_info(kind)
    if not isinstance(info, inspect.StructType):
        raise TypeError(f"a query or a form is decoded into a struct, not into {kind!r}")
    return {each.encode_name: _reading(each.type) for each in info.fields}


def _reading(kind: inspect.Type) -> _Reading:
    many, words = False, set[str]()
    for each in _alternatives(kind):
        if isinstance(each, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
            many = True
            words.update(*(_words(item) for item in _alternatives(each.item_type)))
        else:
            words.update(_words(each))
    return _Reading(many, frozenset(words))


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.Metadata):
        yield from _alternatives(kind.type)
    elif isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _alternatives(each)
    else:
        yield kind


def _words(kind: inspect.Type) -> set[str]:
    if isinstance(kind, inspect.NoneType):
        return set()
    if isinstance(kind, inspect.BoolType):
        return {"bool"}
    if isinstance(kind, inspect.IntType):
        return {"int"}
    if isinstance(kind, inspect.FloatType):
        return {"int", "float"}
    if isinstance(kind, inspect.LiteralType):
        return {"int" if isinstance(each, int) else "text" for each in kind.values}
    if isinstance(kind, inspect.EnumType):
        return {"int" if isinstance(each.value, int) else "text" for each in kind.cls}
    return {"text"}


def decode_pairs(
    pairs: Iterable[tuple[str, str]],
    kind: Any,
    *,
    booleans: Mapping[str, bool] = EXACT_BOOLEANS,
    absent: Collection[str] = (),
    allow_nul: bool = False,
) -> Any:
    """Decode the pairs of a query or form into the struct `kind`. Raises Invalid.

    Numbers are decimal text; booleans are the words of `booleans`. A list field takes every occurrence of its key, and
    of its key with `[]` after it; of any other field the first occurrence counts. Empty text counts as absent for a
    field that takes no text.
    """
    readings = _readings(kind)
    found: dict[str, Any] = {}
    for key, text in pairs:
        name = key if key in readings else key.removesuffix("[]")
        reading = readings.get(name)
        if reading is None or (name != key and not reading.many) or (name in found and not reading.many):
            continue
        if "text" not in reading.words and (not text or text in absent):
            continue
        if "\0" in text and not allow_nul:
            raise Invalid("request.nul", "A text contains a NUL character.", name)
        value = reading.value(text, booleans)
        if reading.many:
            found.setdefault(name, []).append(value)
        else:
            found[name] = value
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise invalid_value(error) from error
