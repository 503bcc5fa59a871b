"""What a page says of itself."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.text.previews import LONGEST_PAGE, Preview, read_preview

URL = "https://example.org/a/b"
HTML = "text/html; charset=utf-8"

CASES = [
    ("<title> A &amp; b\n c</title>", Preview("A & b c")),
    ("<TITLE>x</TITLE><META NAME=description CONTENT='d'>", Preview("x", "d")),
    ("<title>x</title><meta property='og:title' content='y'>", Preview("y")),
    ("<meta property=og:description content=y><meta name=description content=x>", Preview(None, "y")),
    ("<meta property=og:image content='../i.png?a=b'>", Preview(None, None, "https://example.org/i.png?a=b")),
    ("<meta property=og:image content='//cdn.example/i'>", Preview(None, None, "https://cdn.example/i")),
    ("<meta property=og:image content='javascript:alert(1)'>", Preview()),
    ("<meta property=og:image content='data:image/png;base64,AA'>", Preview()),
    ("<meta property=og:image content='http://[x'>", Preview()),
    ("<meta property=og:image content='/a b'>", Preview()),
    (f"<meta property=og:image content='/{'a' * 2000}'>", Preview()),
    (f"<title>{'a' * 400}</title>", Preview("a" * 300)),
    (f"<meta name=description content='{'a' * 1400}'>", Preview(None, "a" * 1000)),
    ("<title>a\N{RIGHT-TO-LEFT OVERRIDE}b</title>", Preview("a\N{REPLACEMENT CHARACTER}b")),
    ("<title></title>", Preview()),
    ("<script>'</head><title>no</title>'</script><title>yes</title>", Preview("yes")),
    ("<!-- </head> <title>no</title> --><title>yes</title>", Preview("yes")),
    ("<svg><title>no</title></svg><title>yes</title>", Preview("yes")),
    ("<title>yes</title></head><body><meta property=og:title content=no>", Preview("yes")),
    ("<title>yes</title><body><title>no</title>", Preview("yes")),
    ("<title>yes</title><![<!", Preview("yes")),
    ("", Preview()),
]


@pytest.mark.parametrize(("html", "preview"), CASES)
def test_a_page(html: str, preview: Preview) -> None:
    assert read_preview(html.encode(), HTML, URL) == preview


def test_charsets() -> None:
    page = "<title>ä</title>"
    assert read_preview(page.encode("latin-1"), "text/html; charset=iso-8859-1", URL) == Preview("ä")
    named = b"<meta charset=iso-8859-1>" + page.encode("latin-1")
    assert read_preview(named, "text/html", URL) == Preview("ä")
    for odd in ("nonsense", "base64"):
        assert read_preview(page.encode(), f"text/html; charset={odd}", URL) == Preview("ä")


def test_what_is_no_page() -> None:
    assert read_preview(b"x", "image/png", URL) == Preview(image_url=URL)
    for kind in ("application/pdf", "", "text/plain"):
        assert read_preview(b"<title>x</title>", kind, URL) is None


@pytest.mark.parametrize(
    "unit", ["<", "<!", "<!--", "<a ", "<![", "<?", "<script>", "<meta content='", "&", "<title>", "</"]
)
def test_a_page_made_to_be_slow_is_read_quickly(unit: str) -> None:
    data = (unit * LONGEST_PAGE)[:LONGEST_PAGE].encode()
    # Its share of the processor, not the machine's time.
    began = time.thread_time()
    read_preview(data, HTML, URL)
    assert time.thread_time() - began < 2


@given(st.lists(st.sampled_from(["<", "!", "[", "-", ">", "/", "title", "meta ", "a=", "'", "script", "&#", "x", "?"])))
def test_nothing_breaks_it(pieces: list[str]) -> None:
    read_preview("".join(pieces).encode(), HTML, URL)
    read_preview(("<title>" + "".join(pieces)).encode(), HTML, URL)
