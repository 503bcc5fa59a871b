"""The sender: scripts of replies and what it says to them, and both machines with nothing but a string between them."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.wire.smtp import (
    Broken,
    Connected,
    ConnectionEnded,
    Envelope,
    Login,
    Mail,
    MailSettled,
    MessageReceived,
    Outcome,
    PeerError,
    Receiver,
    RecipientOffered,
    Reply,
    Sender,
    TlsRequested,
    TlsWanted,
)
from folkmoot.wire.smtp.replies import ReplyReader

HELLO = b"250-there\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 1000\r\n"
MAIL = Mail("a@x", ("b@x",), b"Subject: x\r\n\r\n.dot\r\n")
OK = b"250 2.0.0 OK\r\n"


def connected(hello: bytes = HELLO, **options: object) -> Sender:
    """A sender ready for mails, its introduction already said."""
    sender = Sender(hostname="here", **options)  # type: ignore[arg-type]
    sender.receive(b"220 there ESMTP\r\n")
    assert sender.take_output() == (b"LHLO here\r\n" if options.get("lmtp") else b"EHLO here\r\n")
    sender.receive(hello)
    assert sender.take_events() == [Connected()]
    return sender


def settled(sender: Sender) -> list[tuple[int, str]]:
    """The code and text each recipient was left with."""
    return [
        (outcome.reply.code, outcome.reply.text)
        for event in sender.take_events()
        if isinstance(event, MailSettled)
        for outcome in event.outcomes
    ]


def test_pipelined_mails_take_one_round_trip_each() -> None:
    sender = connected()
    sender.submit(MAIL)
    sender.submit(Mail("", ("c@x", "d@x"), b"2\r\n"))
    assert sender.take_output() == b"MAIL FROM:<a@x> SIZE=20\r\nRCPT TO:<b@x>\r\nDATA\r\n"
    sender.receive(OK + OK + b"354 go\r\n")
    # The next mail follows the last one's dot in the same write.
    assert sender.take_output() == (
        b"Subject: x\r\n\r\n..dot\r\n.\r\nMAIL FROM:<> SIZE=3\r\nRCPT TO:<c@x>\r\nRCPT TO:<d@x>\r\nDATA\r\n"
    )
    sender.receive(b"250 2.0.0 Queued\r\n" + OK + OK + b"550 5.1.1 Nobody\r\n354 go\r\n")
    assert sender.take_events() == [MailSettled(MAIL, [Outcome("b@x", Reply(250, "2.0.0", "Queued"))])]
    assert sender.take_output() == b"2\r\n.\r\n"
    assert not sender.idle
    sender.receive(b"451 4.3.0 Later\r\n")
    assert settled(sender) == [(451, "Later"), (550, "Nobody")]
    sender.quit()
    assert (sender.idle, sender.take_output()) == (True, b"QUIT\r\n")
    sender.submit(MAIL)
    assert settled(sender) == [(451, "The connection has ended")]
    sender.receive(b"221 Bye\r\n")
    assert (sender.broken, sender.take_events()) == (True, [])
    sender.submit(MAIL)
    assert settled(sender) == [(451, "The connection has ended")]


def test_without_pipelining_one_command_at_a_time() -> None:
    sender = connected(b"250 there\r\n")
    sender.submit(Mail("a@x", ("b@x", "c@x"), b"x\r\n"))
    sender.submit(Mail("a@x", ("d@x",), b"y\r\n"))
    dialogue = [
        (b"MAIL FROM:<a@x>\r\n", b"250 OK\r\n"),
        (b"RCPT TO:<b@x>\r\n", b"550 No\r\n"),
        (b"RCPT TO:<c@x>\r\n", b"450 Later\r\n"),
        (b"RSET\r\n", b"250 OK\r\n"),
        (b"MAIL FROM:<a@x>\r\n", b"250 OK\r\n"),
        (b"RCPT TO:<d@x>\r\n", b"250 OK\r\n"),
        (b"DATA\r\n", b"354 Go\r\n"),
        (b"y\r\n.\r\n", b"250 OK\r\n"),
    ]
    for said, reply in dialogue:
        assert sender.take_output() == said
        sender.receive(reply)
    assert settled(sender) == [(550, "No"), (450, "Later"), (250, "OK")]


def test_without_pipelining_a_refused_sender_ends_the_mail() -> None:
    sender = connected(b"250 there\r\n")
    sender.submit(MAIL)
    sender.submit(Mail("b@x", ("d@x",), b"y\r\n"))
    sender.take_output()
    sender.receive(b"550 5.7.1 Not you\r\n")
    assert settled(sender) == [(550, "Not you")]
    assert sender.take_output() == b"MAIL FROM:<b@x>\r\n"


# The replies to MAIL, two RCPT and DATA, what is said to them, and how the recipients fare.
REFUSALS = {
    "sender": (b"550 a\r\n503 b\r\n503 c\r\n503 d\r\n", b"", [(550, "a"), (550, "a")]),
    "sender, later": (b"451 a\r\n503 b\r\n503 c\r\n503 d\r\n", b"", [(451, "a"), (451, "a")]),
    "all recipients": (OK + b"550 b\r\n450 c\r\n503 d\r\n", b"RSET\r\n", [(550, "b"), (450, "c")]),
    "data": (OK + OK + b"550 c\r\n451 d\r\n", b"RSET\r\n", [(451, "d"), (550, "c")]),
    "all recipients, yet it wants the message": (OK + b"550 b\r\n550 c\r\n354 d\r\n", b".\r\n", []),
    "sender, yet it wants the message": (b"550 a\r\n" + OK + OK + b"354 d\r\n", b".\r\n", []),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(name: str) -> None:
    replies, said, outcomes = REFUSALS[name]
    sender = connected()
    sender.submit(Mail("a@x", ("b@x", "c@x"), b"x\r\n"))
    sender.take_output()
    sender.receive(replies)
    assert (sender.take_output(), settled(sender)) == (said, outcomes)
    if said == b".\r\n":
        sender.receive(b"554 No recipients\r\n")
        assert [code for code, _ in settled(sender)] == [550, 550]
    sender.submit(MAIL)
    assert sender.take_output().startswith(b"MAIL FROM")


def test_lmtp_takes_a_reply_for_each_recipient_accepted() -> None:
    sender = connected(lmtp=True)
    sender.submit(Mail("a@x", ("b@x", "c@x", "d@x"), b"x\r\n"))
    sender.receive(OK + b"250 b\r\n550 c\r\n250 d\r\n354 go\r\n")
    sender.receive(b"250 stored\r\n")
    assert settled(sender) == []
    sender.receive(b"452 full\r\n")
    assert settled(sender) == [(250, "stored"), (550, "c"), (452, "full")]


EIGHT_BIT = "Subject: x\r\n\r\nä\r\n".encode()
UTF8_HEADER = "Subject: ä\r\n\r\nx\r\n".encode()


@pytest.mark.parametrize(
    ("sender", "data", "offered", "said"),
    [
        ("a@x", b"x\r\n", b"", b"MAIL FROM:<a@x>\r\n"),
        ("a@x", b"x", b"SIZE", b"MAIL FROM:<a@x> SIZE=3\r\n"),
        ("a@x", b"x\r\n", b"SIZE 0", b"MAIL FROM:<a@x> SIZE=3\r\n"),
        ("a@x", EIGHT_BIT, b"8BITMIME", b"MAIL FROM:<a@x> BODY=8BITMIME\r\n"),
        ("a@x", EIGHT_BIT, b"8BITMIME SMTPUTF8", b"MAIL FROM:<a@x> BODY=8BITMIME\r\n"),
        ("a@x", UTF8_HEADER, b"8BITMIME SMTPUTF8", b"MAIL FROM:<a@x> BODY=8BITMIME SMTPUTF8\r\n"),
        ("a@x", UTF8_HEADER, b"8BITMIME", b"MAIL FROM:<a@x> BODY=8BITMIME\r\n"),
        ("ä@x", b"x\r\n", b"SMTPUTF8", "MAIL FROM:<ä@x> SMTPUTF8\r\n".encode()),
        ("", b"x\r\n", b"", b"MAIL FROM:<>\r\n"),
        ('"a"@X', b"x\r\n", b"", b"MAIL FROM:<a@x>\r\n"),
    ],
)
def test_extensions_are_used_when_needed_and_offered(sender: str, data: bytes, offered: bytes, said: bytes) -> None:
    # SIZE stands with its limit on one line, the others each on their own.
    words = [offered] if offered.startswith(b"SIZE") else offered.split()
    machine = connected(b"250-there\r\n" + b"".join(b"250-" + word + b"\r\n" for word in words) + b"250 HELP\r\n")
    machine.submit(Mail(sender, ("b@x",), data))
    assert machine.take_output() == said


@pytest.mark.parametrize(
    ("mail", "offered", "status"),
    [
        (Mail("a@x", ("b@x",), b"a\nb\r\n"), b"HELP", "5.6.0"),
        (Mail("a@x", ("b@x",), b"a\rb\r\n"), b"HELP", "5.6.0"),
        (Mail("a@x", ("b@x",), b"a\0b\r\n"), b"HELP", "5.6.0"),
        (Mail("a@x", ("b@x",), b"x" * 100), b"SIZE 101", "5.3.4"),
        (Mail("a@x", ("b@x",), EIGHT_BIT), b"HELP", "5.6.3"),
        (Mail("ä@x", ("b@x",), b""), b"HELP", "5.6.7"),
        (Mail("a@x\r\nRSET", ("b@x",), b""), b"HELP", "5.1.3"),
        (Mail("a@x> SIZE=1", ("b@x",), b""), b"HELP", "5.1.3"),
        (Mail("a@x", ("b@x\r\nDATA",), b""), b"HELP", "5.1.3"),
        (Mail("a@x", ("b@x\0",), b""), b"HELP", "5.1.3"),
        (Mail("a@x", ("b",), b""), b"HELP", "5.1.3"),
        (Mail("a@x", ("",), b""), b"HELP", "5.1.3"),
    ],
)
def test_what_cannot_be_sent_is_our_fault_and_never_said(mail: Mail, offered: bytes, status: str) -> None:
    sender = connected(b"250-there\r\n250 " + offered + b"\r\n")
    sender.submit(mail)
    (event,) = sender.take_events()
    assert isinstance(event, MailSettled)
    (outcome,) = event.outcomes
    assert (outcome.reply.permanent, outcome.reply.status, outcome.ours) == (True, status, True)
    assert (sender.take_output(), sender.idle) == (b"", True)


def test_one_bad_address_does_not_stop_the_others() -> None:
    sender = connected()
    sender.submit(Mail("a@x", ("b@x", "bad\n@x", "c@x"), b"x\r\n"))
    assert sender.take_output() == b"MAIL FROM:<a@x> SIZE=3\r\nRCPT TO:<b@x>\r\nRCPT TO:<c@x>\r\nDATA\r\n"
    sender.receive(OK * 3 + b"354 go\r\n" + b"250 2.0.0 OK\r\n")
    assert [code for code, _ in settled(sender)] == [250, 550, 250]


def test_mails_are_settled_in_their_order() -> None:
    sender = connected()
    mails = [MAIL, Mail("a@x", ("bad",), b""), Mail("a@x", ("b@x",), b"\n"), MAIL, Mail("a@x", (), b""), MAIL]
    for mail in mails:
        sender.submit(mail)
    for _ in range(3):
        sender.receive(OK + OK + b"354 go\r\n")
        sender.receive(OK)
    events = sender.take_events()
    assert [event.mail for event in events if isinstance(event, MailSettled)] == mails
    assert sender.idle


def test_plain_helo_when_ehlo_is_unknown() -> None:
    sender = Sender(hostname="here")
    sender.receive(b"220 old\r\n")
    sender.take_output()
    sender.receive(b"500 What?\r\n")
    assert sender.take_output() == b"HELO here\r\n"
    sender.receive(b"250 old\r\n")
    assert (sender.take_events(), dict(sender.extensions)) == ([Connected()], {})


def test_starttls_then_everything_again() -> None:
    sender = Sender(hostname="here", starttls=True, login=Login("me", "secret"))
    sender.receive(b"220 x\r\n")
    sender.receive(b"250-x\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n")
    assert sender.take_output() == b"EHLO here\r\nSTARTTLS\r\n"
    sender.receive(b"220 go\r\n")
    assert sender.take_events() == [TlsWanted()]
    sender.tls_started()
    assert (sender.take_output(), dict(sender.extensions)) == (b"EHLO here\r\n", {})
    sender.receive(b"250-x\r\n250 AUTH PLAIN LOGIN\r\n")
    assert sender.take_output() == b"AUTH PLAIN " + b64encode(b"\0me\0secret") + b"\r\n"
    sender.receive(b"235 2.7.0 Welcome\r\n")
    assert sender.take_events() == [Connected()]


def test_auth_login() -> None:
    sender = Sender(hostname="here", login=Login("me", "sécret"))
    for heard, said in [
        (b"220 x\r\n", b"EHLO here\r\n"),
        (b"250-x\r\n250 AUTH LOGIN CRAM-MD5\r\n", b"AUTH LOGIN\r\n"),
        (b"334 VXNlcm5hbWU6\r\n", b64encode(b"me") + b"\r\n"),
        (b"334 UGFzc3dvcmQ6\r\n", b64encode("sécret".encode()) + b"\r\n"),
        (b"235 ok\r\n", b""),
    ]:
        sender.receive(heard)
        assert sender.take_output() == said
    assert sender.take_events() == [Connected()]
    assert "sécret" not in repr(Login("me", "sécret"))


# What is heard, and the code, the fault and a word of the reason.
BREAKS: dict[str, tuple[dict[str, object], bytes, tuple[int, bool, str]]] = {
    "greeting refused": ({}, b"554 no\r\n", (554, False, "no")),
    "greeting busy": ({}, b"421 4.3.2 busy\r\n", (421, False, "busy")),
    "no STARTTLS": ({"starttls": True}, b"220 x\r\n250 x\r\n", (454, True, "STARTTLS")),
    "STARTTLS refused": ({"starttls": True}, b"220 x\r\n250-x\r\n250 STARTTLS\r\n454 no\r\n", (454, False, "no")),
    "injected behind STARTTLS": (
        {"starttls": True},
        b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n250",
        (451, False, "between STARTTLS"),
    ),
    "a reply injected behind STARTTLS": (
        {"starttls": True},
        b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n250 evil\r\n",
        (451, False, "between STARTTLS"),
    ),
    "no AUTH": ({"login": Login("a", "b")}, b"220 x\r\n250-x\r\n250 AUTH GSSAPI\r\n", (535, True, "PLAIN")),
    "AUTH refused": (
        {"login": Login("a", "b")},
        b"220 x\r\n250-x\r\n250 AUTH PLAIN\r\n535 5.7.8 bad\r\n",
        (535, True, "bad"),
    ),
    "AUTH later": (
        {"login": Login("a", "b")},
        b"220 x\r\n250-x\r\n250 AUTH PLAIN\r\n454 later\r\n",
        (454, False, "later"),
    ),
    "AUTH asks on": (
        {"login": Login("a", "b")},
        b"220 x\r\n250-x\r\n250 AUTH PLAIN\r\n334 \r\n",
        (451, False, "more than"),
    ),
    "LHLO refused": ({"lmtp": True}, b"220 x\r\n500 what\r\n", (500, False, "what")),
    "EHLO later": ({}, b"220 x\r\n451 later\r\n", (451, False, "later")),
    "HELO refused": ({}, b"220 x\r\n500 what\r\n550 go away\r\n", (550, False, "go away")),
    "not a reply": ({}, b"hello\r\n", (451, False, "not a reply")),
    "HTTP": ({}, b"HTTP/1.1 400 Bad Request\r\n", (451, False, "not a reply")),
    "1xx": ({}, b"150 x\r\n", (451, False, "not a reply")),
    "354 as a greeting": ({}, b"354 x\r\n", (451, False, "not a reply to greeting")),
    "lone LF": ({}, b"220 x\n250 y\r\n", (451, False, "not a reply")),
    "lone LF, unfinished": ({}, b"220 x\n", (451, False, "does not end")),
    "changing code": ({}, b"220-x\r\n250 y\r\n", (451, False, "changes its code")),
    "line too long": ({}, b"220 " + b"x" * 3000 + b"\r\n", (451, False, "not a reply")),
    "line without end": ({}, b"220 " + b"x" * 3000, (451, False, "does not end")),
    "too many lines": ({}, b"220-x\r\n" * 200, (451, False, "too many lines")),
}


@pytest.mark.parametrize("name", BREAKS)
def test_broken_connections(name: str) -> None:
    options, heard, (code, ours, word) = BREAKS[name]
    sender = Sender(**options)  # type: ignore[arg-type]
    sender.submit(MAIL)
    # What is said in between is of no interest; nothing is said about the mail.
    sender.receive(heard)
    settling, broken = sender.take_events()
    assert isinstance(settling, MailSettled)
    assert settling.outcomes[0].reply.temporary
    assert isinstance(broken, Broken)
    assert (broken.reply.code, broken.ours) == (code, ours)
    assert word in broken.reply.text


def test_a_reply_to_nothing_breaks_it() -> None:
    sender = connected()
    sender.receive(b"250 x\r\n")
    (broken,) = sender.take_events()
    assert isinstance(broken, Broken)
    assert "reply to nothing" in broken.reply.text


def test_when_it_breaks_every_mail_is_to_be_tried_again() -> None:
    sender = connected()
    mails = [Mail("a@x", (f"b{number}@x", "c@x"), b"x\r\n") for number in range(4)]
    for mail in mails:
        sender.submit(mail)
    # The first is done, the second sent without a reply, one recipient of the third refused, the fourth waits.
    sender.receive(OK + OK + OK + b"354 go\r\n")
    sender.receive(b"250 done\r\n" + OK + OK + OK + b"354 go\r\n")
    sender.take_output()
    sender.fail("The connection is gone")
    results = [event for event in sender.take_events() if isinstance(event, MailSettled)]
    assert [event.mail for event in results] == mails
    assert [[outcome.reply.code for outcome in event.outcomes] for event in results] == [
        [250, 250],
        [451, 451],
        [451, 451],
        [451, 451],
    ]
    # Only of the last nothing was ever said.
    assert [event.outcomes[0].untried for event in results] == [False, False, False, True]
    sender.receive(b"250 late\r\n")
    sender.fail("again")
    assert sender.take_events() == []


def test_421_ends_the_connection_but_keeps_what_is_known() -> None:
    sender = connected()
    sender.submit(Mail("a@x", ("b@x", "c@x"), b"x\r\n"))
    sender.receive(OK + b"550 5.1.1 no\r\n421 4.3.2 going\r\n")
    assert settled(sender) == [(550, "no"), (421, "going")]
    assert sender.broken


def test_reply_reader_reads_status_and_lines() -> None:
    reader = ReplyReader()
    assert list(reader.read(b"250-2.1.0 one\r\n250 2.1.0 two\r\n5")) == [Reply(250, "2.1.0", "one\ntwo")]
    assert list(reader.read(b"50\r\n550 4.1.1 x\r\n550 5.1.1\r\n")) == [
        Reply(550, "", ""),
        Reply(550, "", "4.1.1 x"),
        Reply(550, "5.1.1", ""),
    ]
    assert list(reader.read(b"250 a\0b\xff\r\n")) == [Reply(250, "", "a?b\ufffd")]
    with pytest.raises(PeerError):
        list(reader.read(b"99 x\r\n"))


@pytest.mark.parametrize("hostname", ["", "a b", "a\r\nRSET", "a\0"])
def test_a_bad_name_is_refused(hostname: str) -> None:
    with pytest.raises(ValueError, match="name"):
        Sender(hostname=hostname)
    with pytest.raises(ValueError, match="NUL"):
        Sender(login=Login("a\0b", "c"))


def converse(sender: Sender, receiver: Receiver, cuts: list[int]) -> list[Envelope]:
    """Pass bytes to and fro, in pieces of the given sizes, until nobody has anything to say."""
    taken: list[Envelope] = []
    turn = 0

    def pieces(data: bytes) -> list[bytes]:
        nonlocal turn
        cut = []
        while data:
            size = cuts[turn % len(cuts)]
            turn += 1
            cut.append(data[:size])
            data = data[size:]
        return cut

    ended = False
    while output := receiver.take_output():
        for piece in pieces(output):
            sender.receive(piece)
        for piece in pieces(sender.take_output()):
            if not ended:
                receiver.receive(piece)
                ended = work(receiver, taken)
    return taken


def work(receiver: Receiver, taken: list[Envelope]) -> bool:
    """Take recipients but those named `no…`, and messages; True when the connection has ended."""
    while True:
        match receiver.next_event():
            case None:
                return False
            case RecipientOffered(address):
                if address.startswith("no"):
                    receiver.refuse_recipient(Reply(550, "5.1.1", "Nobody"))
                else:
                    receiver.accept_recipient()
            case MessageReceived(envelope):
                taken.append(envelope)
                receiver.settle_message([Reply(250, "2.0.0", f"For {each}") for each in envelope.recipients])
            case TlsRequested():
                raise AssertionError("nobody asked for TLS")
            case ConnectionEnded():
                return True


LINES = st.sampled_from(
    [b"", b".", b"..", b"...", b".x", b"x.", b"Subject: x", b"QUIT", b"\xc3\xa4", b"."]
) | st.binary(max_size=20).map(lambda line: line.translate(None, b"\r\n\0"))
BODIES = st.lists(LINES, max_size=12).map(lambda lines: b"".join(line + b"\r\n" for line in lines))
NAMES = st.sampled_from(
    ["a@x", "no@x", "no good", "b@y.z", "ä@ü", '"quoted local"@x', "~owner/name+subscribe@x", "c@[127.0.0.1]"]
)
MAILS = st.builds(
    Mail,
    st.sampled_from(["", "from@x", "ö@x"]),
    st.lists(NAMES, min_size=1, max_size=5).map(tuple),
    BODIES,
)


@settings(max_examples=150)
@given(st.lists(MAILS, max_size=5), st.booleans(), st.lists(st.integers(1, 200), min_size=1, max_size=10))
def test_what_is_sent_arrives(mails: list[Mail], lmtp: bool, cuts: list[int]) -> None:
    sender, receiver = Sender(lmtp=lmtp), Receiver(lmtp=lmtp)
    for mail in mails:
        sender.submit(mail)
    sender.quit()
    taken = converse(sender, receiver, cuts)
    events = sender.take_events()
    assert events[0] == Connected()
    results = [event for event in events[1:] if isinstance(event, MailSettled)]
    assert (len(results), sender.broken) == (len(events) - 1, True)
    assert [event.mail for event in results] == mails
    arriving = []
    for event in results:
        good = tuple(each for each in event.mail.recipients if not each.startswith("no"))
        assert tuple(each.recipient for each in event.outcomes if each.reply.positive) == good
        assert tuple(each.recipient for each in event.outcomes) == event.mail.recipients
        if lmtp:
            # Each recipient got its own reply.
            assert [each.reply.text for each in event.outcomes if each.reply.positive] == [
                f"For {each}".encode("ascii" if not _wide(event.mail) else "utf-8", "replace").decode() for each in good
            ]
        if good:
            arriving.append((event.mail.sender, good, event.mail.data))
    assert [(each.sender, each.recipients, each.data) for each in taken] == arriving


def _wide(mail: Mail) -> bool:
    header = mail.data[: mail.data.find(b"\r\n\r\n")]
    return not (mail.sender + "".join(mail.recipients)).isascii() or not header.isascii()
