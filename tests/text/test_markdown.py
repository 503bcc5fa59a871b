"""Markdown and foreign HTML come out safe: a corpus of attacks, and what must still work."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.text.markdown import plain, render, sanitise

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='JaVaScRiPt&#58;alert(1)'>x</a>",
    "<a href=' &#14; javascript:alert(1)'>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='//evil.example/x'>x</a>",
    "<a href='/logout'>x</a>",
    "<a href='file:///etc/passwd'>x</a>",
    "<iframe src='https://evil.example'></iframe>",
    "<object data='x'></object><embed src='x'>",
    "<form action='https://evil.example'><input name=a><button formaction=x>go</button></form>",
    "<style>body{background:url(https://evil.example)}</style>",
    "<p style='background:url(javascript:1)'>x</p>",
    "<base href='https://evil.example'><link rel=stylesheet href=x><meta http-equiv=refresh content=0>",
    "<math><mi//xlink:href='data:x,<script>alert(1)</script>'>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<div id=x class=y onclick=alert(1) data-x=1>x</div>",
    "<a href='https://a.example' target=_top onmouseover=alert(1)>x</a>",
    "<details open ontoggle=alert(1)>x</details>",
    "<x onclick=alert(1)>x",
    "\0<scr\0ipt>alert(1)</scr\0ipt>",
    "[x](javascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](//evil.example)",
    "[x](/relative)",
    "[x]: javascript:alert(1)\n\n[x]",
    "<javascript:alert(1)>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zz4=)",
    "![x](mailto:a@b.c)",
    '![x](https://a.example/x.png"onerror="alert(1))',
    '[x](https://a.example/"onclick="alert(1))',
    "https://a.example/\"onclick='alert(1)'",
    "`<script>alert(1)</script>`",
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "| <script> |\n|---|\n| <img src=x onerror=1> |",
    '[a]: https://a.example "\'><script>alert(1)</script>"\n\n[a]',
]
TAGS = {
    *("a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "details", "div", "dl", "dt", "em", "hr", "i", "ins"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "img", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small", "span"),
    *("strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul"),
}


class Audit(HTMLParser):
    """Fails on any element, attribute or address that could act."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        names = {name for name, _ in attrs}
        assert names <= {"href", "src", "alt", "title", "rel", "start", "align"}, names
        for name, value in attrs:
            if name in ("href", "src"):
                schemes = ("http://", "https://") + (("mailto:",) if name == "href" else ())
                assert (value or "").lower().startswith(schemes), value
        if tag == "a":
            assert dict(attrs)["rel"] == "nofollow noopener"

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)


def audit(made: str) -> None:
    assert "\0" not in made
    made.encode("utf-8")
    Audit().feed(made)


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_come_out_harmless(attack: str) -> None:
    for source in (attack, f"text {attack} text", f"> {attack}", f"- {attack}", f"# {attack}", f"*{attack}*"):
        audit(render(source))
        audit(sanitise(source))


@given(st.lists(st.sampled_from(ATTACKS) | st.text(max_size=20), max_size=4).map("".join))
def test_combined_attacks_come_out_harmless(source: str) -> None:
    audit(render(source))
    audit(sanitise(source))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Hello *there*", "<p>Hello <em>there</em></p>\n"),
        ("~~no~~ **yes**", "<p><s>no</s> <strong>yes</strong></p>\n"),
        ("a <b>raw</b>", "<p>a &lt;b&gt;raw&lt;/b&gt;</p>\n"),
        (
            "see https://example.org/a_(b), ok",
            '<p>see <a href="https://example.org/a_(b)" rel="nofollow noopener">https://example.org/a_(b)</a>, ok</p>\n',
        ),
        (
            "(https://example.org/x)",
            '<p>(<a href="https://example.org/x" rel="nofollow noopener">https://example.org/x</a>)</p>\n',
        ),
        (
            "[t](https://example.org)",
            '<p><a href="https://example.org" rel="nofollow noopener">t</a></p>\n',
        ),
        (
            "[https://a.example](https://b.example)",
            '<p><a href="https://b.example" rel="nofollow noopener">https://a.example</a></p>\n',
        ),
        ("`https://example.org`", "<p><code>https://example.org</code></p>\n"),
        ("<me@example.org>", '<p><a href="mailto:me@example.org" rel="nofollow noopener">me@example.org</a></p>\n'),
        ("![x](https://example.org/x.png)", '<p><img src="https://example.org/x.png" alt="x"></p>\n'),
        ("", ""),
    ],
)
def test_render(source: str, expected: str) -> None:
    assert render(source) == expected


def test_tables() -> None:
    assert "<td>1</td>" in render("| a |\n|---|\n| 1 |")


def test_sanitise_keeps_text_and_drops_images() -> None:
    made = sanitise('<p>Hi <b>there</b><img src="https://t.example/pixel.gif"><script>x</script></p>')
    assert made == "<p>Hi <b>there</b></p>"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("# Title\n\nSome *text* & more.\n\n- one\n- two", "Title Some text & more. one two"),
        ("[link](https://example.org) `code <b>`", "link code <b>"),
        ("a" * 50, "a" * 19 + "…"),
        ("", ""),
        ("a\ud800b", "a?b"),
    ],
)
def test_plain(source: str, expected: str) -> None:
    assert plain(source, 20 if len(source) == 50 else 200) == expected


@pytest.mark.parametrize(
    "source",
    [
        "[" * 50_000,
        "*a_" * 16_000,
        "> " * 25_000,
        "`" * 49_999,
        "![" * 25_000,
        "<" * 50_000,
        "https://a(" * 5_000,
        "- " * 25_000,
        "x" * 300_000,
    ],
)
def test_hostile_sources_cost_little(source: str) -> None:
    started = time.process_time()
    render(source)
    assert time.process_time() - started < 5
