"""The relay's address as it stands in the configuration."""

from __future__ import annotations

import pytest

from folkmoot.errors import Invalid
from folkmoot.net.smtp import Relay, parse_relay
from folkmoot.wire.smtp import Login


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://127.0.0.1:2525", Relay("127.0.0.1", 2525)),
        ("smtp://mail.example.org", Relay("mail.example.org", 25)),
        ("smtp://mail.example.org/", Relay("mail.example.org", 25)),
        ("smtps://mail.example.org", Relay("mail.example.org", 465, "tls")),
        ("smtp+starttls://mail.example.org", Relay("mail.example.org", 587, "starttls")),
        ("SMTPS://a:b@MAIL.example.org:1", Relay("mail.example.org", 1, "tls", Login("a", "b"))),
        ("smtp://me%40x:p%3A%2Fw%40@h", Relay("h", 25, "none", Login("me@x", "p:/w@"))),
        ("smtp://[::1]:2525", Relay("::1", 2525)),
        ("lmtp://localhost:24", Relay("localhost", 24, lmtp=True)),
    ],
)
def test_relay(url: str, relay: Relay) -> None:
    assert parse_relay(url) == relay


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example.org:25",
        "http://x",
        "smtp://",
        "smtp://:25",
        "smtp://x:0",
        "smtp://x:65536",
        "smtp://x:port",
        "smtp://x/path",
        "smtp://x?a=b",
        "smtp://[::1",
        "smtp://a b",
        "smtp://u%00:secret@x",
    ],
)
def test_no_relay(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_relay(url)
    assert "secret" not in str(refused.value)


def test_a_password_is_not_shown() -> None:
    relay = parse_relay("smtp://me:secret@[::1]:25")
    assert "secret" not in repr(relay)
    assert str(relay) == "[::1]:25"
