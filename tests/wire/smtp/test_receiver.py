"""The receiver: scripts of bytes in and out, smuggling, bounds, and that the cutting of the bytes does not matter."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.wire.smtp import (
    ConnectionEnded,
    Envelope,
    Limits,
    MessageReceived,
    Receiver,
    RecipientOffered,
    Reply,
    State,
    TlsRequested,
    encode_reply,
)

EXTENSIONS = (
    b"250-here\r\n250-PIPELINING\r\n250-SIZE 8388608\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
)
SENDER = b"MAIL FROM:<a@example.org>\r\n"
RECIPIENT = b"RCPT TO:<b@example.org>\r\n"
TAKEN = Reply(250, "2.0.0", "Stored")


class Peer:
    """A receiver whose recipients named `no…` are refused and whose messages are taken, with what came of it."""

    def __init__(self, machine: Receiver) -> None:
        self.machine = machine
        self.output = machine.take_output()
        self.taken: list[Envelope] = []
        self.ended = False

    def send(self, data: bytes) -> bytes:
        """Send bytes and give what is answered to them."""
        before = len(self.output)
        self.machine.receive(data)
        while not self.ended:
            match self.machine.next_event():
                case None:
                    break
                case RecipientOffered(address):
                    if address.startswith("no"):
                        self.machine.refuse_recipient(Reply(550, "5.1.1", "Nobody here"))
                    else:
                        self.machine.accept_recipient()
                case MessageReceived(envelope):
                    self.taken.append(envelope)
                    # A recipient in the domain `late` cannot be served.
                    self.machine.settle_message(
                        [
                            Reply(451, "4.2.0", "Later") if each.endswith("@late") else TAKEN
                            for each in envelope.recipients
                        ]
                    )
                case TlsRequested():
                    self.output += self.machine.take_output() + b"(handshake)"
                    self.machine.tls_started()
                case ConnectionEnded():
                    self.ended = True
        self.output += self.machine.take_output()
        return self.output[before:]


def meet(**options: object) -> Peer:
    return Peer(Receiver(hostname="here", **options))  # type: ignore[arg-type]


def introduced(**options: object) -> Peer:
    peer = meet(**options)
    peer.send(b"LHLO me\r\n" if options.get("lmtp") else b"EHLO me\r\n")
    return peer


def codes(answer: bytes) -> list[str]:
    """The code and status of each reply, without its text."""
    finals = [line for line in answer.decode().split("\r\n") if line[3:4] == " "]
    return [" ".join(line.split(" ")[:2]) if line[4:5].isdigit() and line[5:6] == "." else line[:3] for line in finals]


def test_greeting_and_extensions() -> None:
    peer = meet()
    assert peer.output == b"220 here ESMTP ready\r\n"
    assert peer.send(b"EHLO me.example.org\r\n") == EXTENSIONS
    assert meet(lmtp=True).output == b"220 here LMTP ready\r\n"


def test_one_message() -> None:
    peer = introduced(peer="192.0.2.1")
    assert codes(peer.send(SENDER + RECIPIENT + b"DATA\r\n")) == ["250 2.1.0", "250 2.1.5", "354"]
    assert peer.send(b"Subject: x\r\n\r\n..dot\r\n.\r\n") == b"250 2.0.0 Stored\r\n"
    assert peer.taken == [
        Envelope(
            sender="a@example.org",
            recipients=("b@example.org",),
            data=b"Subject: x\r\n\r\n.dot\r\n",
            peer="192.0.2.1",
            helo="me",
            protocol="ESMTP",
            smtputf8=False,
            parameters={},
        )
    ]


# What is said after EHLO, and the replies to it.
CONVERSATIONS: dict[str, tuple[bytes, list[str]]] = {
    "no transaction: RCPT": (RECIPIENT, ["503 5.5.1"]),
    "no transaction: DATA": (b"DATA\r\n", ["503 5.5.1"]),
    "no recipient: DATA": (SENDER + b"DATA\r\n", ["250 2.1.0", "503 5.5.1"]),
    "all recipients refused: DATA": (
        SENDER + b"RCPT TO:<no@x>\r\nDATA\r\n",
        ["250 2.1.0", "550 5.1.1", "503 5.5.1"],
    ),
    "MAIL twice": (SENDER + SENDER, ["250 2.1.0", "503 5.5.1"]),
    "EHLO ends the transaction": (SENDER + b"EHLO me\r\n" + RECIPIENT, ["250 2.1.0", "250", "503 5.5.1"]),
    "RSET ends the transaction": (SENDER + b"RSET\r\n" + RECIPIENT, ["250 2.1.0", "250 2.0.0", "503 5.5.1"]),
    "verbs in any case, trailing space": (b"mail From:<a@b>  \r\nrcpt tO:<c@d> \r\n", ["250 2.1.0", "250 2.1.5"]),
    "small talk": (
        b"NOOP\r\nNOOP x\r\nVRFY a\r\nVRFY\r\nHELP\r\n",
        ["250 2.0.0", "250 2.0.0", "252 2.1.5", "501 5.5.4", "214 2.0.0"],
    ),
    "unknown": (b"EXPN a\r\nBDAT 3 LAST\r\nAUTH PLAIN\r\n\r\nSTARTTLS\r\nLHLO x\r\n", ["500 5.5.1"] * 6),
    "arguments where none belong": (b"RSET x\r\nQUIT now\r\n", ["501 5.5.4", "501 5.5.4"]),
    "null sender": (b"MAIL FROM:<>\r\n", ["250 2.1.0"]),
    "null recipient": (SENDER + b"RCPT TO:<>\r\n", ["250 2.1.0", "501 5.1.3"]),
    "postmaster": (SENDER + b"RCPT TO:<Postmaster>\r\n", ["250 2.1.0", "250 2.1.5"]),
    "no brackets": (b"MAIL FROM:a@b\r\n", ["501 5.1.7"]),
    "no colon": (b"MAIL FROM <a@b>\r\nMAIL\r\n", ["501 5.5.4", "501 5.5.4"]),
    "declared size": (b"MAIL FROM:<a@b> SIZE=8388608\r\n", ["250 2.1.0"]),
    "declared size too large": (b"MAIL FROM:<a@b> SIZE=8388609\r\n", ["552 5.3.4"]),
    "declared size no number": (b"MAIL FROM:<a@b> SIZE=-1\r\nMAIL FROM:<a@b> SIZE\r\n", ["501 5.5.4"] * 2),
    "declared size endless": (b"MAIL FROM:<a@b> SIZE=" + b"9" * 1000 + b"\r\n", ["501 5.5.4"]),
    "body": (b"MAIL FROM:<a@b> BODY=8bitmime SMTPUTF8\r\n", ["250 2.1.0"]),
    "body unknown": (b"MAIL FROM:<a@b> BODY=BINARYMIME\r\n", ["501 5.5.4"]),
    "parameter unknown": (b"MAIL FROM:<a@b> RET=FULL\r\n", ["555 5.5.4"]),
    "parameter twice": (b"MAIL FROM:<a@b> SIZE=1 SIZE=2\r\n", ["501 5.5.4"]),
    "parameter glued on": (b"MAIL FROM:<a@b>SIZE=1\r\n", ["501 5.5.4"]),
    "parameter of RCPT": (SENDER + b"RCPT TO:<a@b> NOTIFY=NEVER\r\n", ["250 2.1.0", "555 5.5.4"]),
    "UTF-8 without SMTPUTF8": ("MAIL FROM:<ä@b>\r\n".encode(), ["553 5.6.7"]),
    "UTF-8 with SMTPUTF8": ("MAIL FROM:<ä@b> SMTPUTF8\r\nRCPT TO:<ö@ü>\r\n".encode(), ["250 2.1.0", "250 2.1.5"]),
    "UTF-8 recipient without": (SENDER + "RCPT TO:<ä@b>\r\n".encode(), ["250 2.1.0", "553 5.6.7"]),
    "SMTPUTF8 with a value": (b"MAIL FROM:<a@b> SMTPUTF8=1\r\n", ["501 5.5.4"]),
    "not UTF-8": (b"MAIL FROM:<\xff@b>\r\n", ["500 5.5.2"]),
    "NUL": (b"MAIL FROM:<a\0@b>\r\nNO\0OP\r\n", ["500 5.5.2", "500 5.5.2"]),
    "tab": (b"MAIL\tFROM:<a@b>\r\n", ["500 5.5.2"]),
    "quit": (b"QUIT\r\nNOOP\r\n", ["221 2.0.0"]),
    "lone LF in a command": (b"NOOP\nNOOP\r\nNOOP\r\n", ["500 5.5.2", "250 2.0.0"]),
    "lone CR in a command": (b"NOOP\rNOOP\r\nNOOP\r\n", ["500 5.5.2", "250 2.0.0"]),
    "CR CR LF": (b"NOOP\r\r\nNOOP\r\n", ["500 5.5.2", "250 2.0.0"]),
    "longest line": (b"NOOP " + b"x" * 2041 + b"\r\n", ["250 2.0.0"]),
    "line too long": (b"NOOP " + b"x" * 2042 + b"\r\nNOOP\r\n", ["500 5.5.6", "250 2.0.0"]),
    "line far too long": (b"NOOP " + b"x" * 60000 + b"\r\nNOOP\r\n", ["500 5.5.6", "250 2.0.0"]),
    "line without end": (b"x" * 70000, ["500 5.5.6", "421 4.7.0"]),
    "NUL in a message": (
        SENDER + RECIPIENT + b"DATA\r\na\0b\r\n.\r\nNOOP\r\n",
        ["250 2.1.0", "250 2.1.5", "354", "554 5.6.0", "250 2.0.0"],
    ),
    "source route": (b"MAIL FROM:<@x,@y.z:a@b>\r\n", ["250 2.1.0"]),
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation(name: str) -> None:
    said, expected = CONVERSATIONS[name]
    assert codes(introduced().send(said)) == expected


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation_byte_by_byte(name: str) -> None:
    said, expected = CONVERSATIONS[name]
    peer = introduced()
    assert codes(b"".join(peer.send(said[at : at + 1]) for at in range(len(said)))) == expected


def test_before_the_introduction() -> None:
    peer = meet()
    assert codes(peer.send(SENDER + b"NOOP\r\nRSET\r\nHELP\r\n")) == [
        "503 5.5.1",
        "250 2.0.0",
        "250 2.0.0",
        "214 2.0.0",
    ]
    assert codes(peer.send(b"EHLO\r\nEHLO a b\r\nEHLO " + b"x" * 256 + b"\r\n")) == ["501 5.5.4"] * 3


def test_helo_has_no_extensions() -> None:
    peer = meet()
    assert peer.send(b"HELO me\r\n") == b"250 here\r\n"
    assert codes(peer.send(b"MAIL FROM:<a@b> SIZE=1\r\n")) == ["555 5.5.4"]
    peer.send(SENDER + RECIPIENT + b"DATA\r\n.\r\n")
    assert [(each.protocol, each.data) for each in peer.taken] == [("SMTP", b"")]


@pytest.mark.parametrize(
    ("options", "mail", "protocol"),
    [
        ({}, SENDER, "ESMTP"),
        ({}, b"MAIL FROM:<a@b> SMTPUTF8\r\n", "UTF8SMTP"),
        ({"lmtp": True}, SENDER, "LMTP"),
        ({"lmtp": True}, b"MAIL FROM:<a@b> SMTPUTF8\r\n", "UTF8LMTP"),
    ],
)
def test_protocol_word(options: dict[str, bool], mail: bytes, protocol: str) -> None:
    peer = introduced(**options)
    peer.send(mail + RECIPIENT + b"DATA\r\nx\r\n.\r\n")
    assert [each.protocol for each in peer.taken] == [protocol]


def test_lmtp_greets_with_lhlo_only() -> None:
    assert codes(meet(lmtp=True).send(b"EHLO me\r\nHELO me\r\n" + SENDER + b"LHLO me\r\n")) == [
        "500 5.5.1",
        "500 5.5.1",
        "503 5.5.1",
        "250",
    ]


def test_lmtp_answers_for_each_recipient_taken() -> None:
    peer = introduced(lmtp=True)
    said = SENDER + b"RCPT TO:<a@x>\r\nRCPT TO:<no@x>\r\nRCPT TO:<b@late>\r\nRCPT TO:<a@x>\r\nDATA\r\nx\r\n.\r\n"
    assert codes(peer.send(said))[6:] == ["250 2.0.0", "451 4.2.0", "250 2.0.0"]
    assert peer.taken[0].recipients == ("a@x", "b@late", "a@x")


@pytest.mark.parametrize(
    ("recipients", "reply"),
    [([b"a@x"], "250 2.0.0"), ([b"a@late", b"b@late"], "451 4.2.0"), ([b"a@late", b"b@x"], "250 2.0.0")],
)
def test_smtp_answers_once(recipients: list[bytes], reply: str) -> None:
    said = SENDER + b"".join(b"RCPT TO:<" + each + b">\r\n" for each in recipients) + b"DATA\r\nx\r\n.\r\n"
    assert codes(introduced().send(said))[2 + len(recipients) :] == [reply]


# Bodies that other servers may end early. None of them ends here, and none of them is taken.
SMUGGLED = b"MAIL FROM:<evil@x>\r\nRCPT TO:<victim@x>\r\nDATA\r\nstolen\r\n"
ENDINGS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\n",
    b"\r\n.\r",
    b"\r\r\n.\r",
    b"\n\n.\r\n",
    b"\r\n\x00.\r\n",
    b"\n\r.\n\r",
    b"\r\n.\r\r\n",
    b"\n.\r\r\n",
]


@pytest.mark.parametrize("lmtp", [False, True])
@pytest.mark.parametrize("ending", ENDINGS)
def test_smuggling(ending: bytes, lmtp: bool) -> None:
    said = SENDER + RECIPIENT + b"DATA\r\nhello" + ending + SMUGGLED + b".\r\nNOOP\r\n"
    peer = introduced(lmtp=lmtp)
    assert codes(peer.send(said)) == ["250 2.1.0", "250 2.1.5", "354", "554 5.6.0", "250 2.0.0"]
    assert peer.taken == []
    again = introduced(lmtp=lmtp)
    for at in range(len(said)):
        again.send(said[at : at + 1])
    assert (again.output, again.taken) == (peer.output, [])


@pytest.mark.parametrize("ending", [b"\n.\n", b"\n.\r\n", b"\r.\r\n"])
def test_who_waits_after_a_lone_line_end_hears_the_refusal_at_once(ending: bytes) -> None:
    peer = introduced()
    peer.send(SENDER + RECIPIENT + b"DATA\r\n")
    assert codes(peer.send(b"hello" + ending)) == ["554 5.6.0"]
    assert peer.machine.state is State.DATA
    assert codes(peer.send(b"MAIL FROM:<evil@x>\r\n.\r\nNOOP\r\n")) == ["250 2.0.0"]


def test_ending_bytes_that_are_no_end() -> None:
    peer = introduced()
    peer.send(SENDER + RECIPIENT + b"DATA\r\n")
    peer.send(b"..\r\n...\r\n.x\r\nx.\r\n\r\n..\r\n.\r\n")
    assert peer.taken[0].data == b".\r\n..\r\nx\r\nx.\r\n\r\n.\r\n"


def test_message_size_is_refused_while_being_read_and_the_connection_stays() -> None:
    peer = introduced(limits=Limits(message_octets=1000))
    for size, status in [(1000, "250 2.0.0"), (1001, "552 5.3.4"), (50_000, "552 5.3.4"), (10, "250 2.0.0")]:
        peer.send(SENDER + RECIPIENT + b"DATA\r\n")
        # A line's added dot does not count. RFC 1870 §6.2
        assert codes(peer.send(b".." + b"x" * (size - 3) + b"\r\n" + b".\r\n")) == [status]
    assert [len(each.data) for each in peer.taken] == [1000, 10]


def test_an_endless_message_is_cut_off() -> None:
    peer = introduced(limits=Limits(message_octets=1000, discarded_octets=100_000))
    peer.send(SENDER + RECIPIENT + b"DATA\r\n")
    sent = 0
    while not peer.ended:
        peer.send(b"x" * 10_000)
        sent += 10_000
    assert sent <= 120_000
    assert codes(peer.output)[-1] == "421 4.7.0"


def test_recipients_are_bounded_and_that_is_no_error() -> None:
    peer = introduced()
    answers = codes(peer.send(SENDER + b"".join(b"RCPT TO:<r%d@x>\r\n" % number for number in range(10_000))))
    assert answers[1:] == ["250 2.1.5"] * 1000 + ["452 4.5.3"] * 9000
    assert codes(peer.send(b"DATA\r\nx\r\n.\r\n")) == ["354", "250 2.0.0"]
    assert len(peer.taken[0].recipients) == 1000


def test_errors_are_bounded() -> None:
    peer = introduced()
    assert codes(peer.send(b"BOGUS\r\n" * 30)) == ["500 5.5.1"] * 19 + ["421 4.7.0"]
    assert peer.ended


def test_refused_messages_count_as_errors() -> None:
    peer = introduced()
    for _ in range(30):
        peer.send(SENDER + RECIPIENT + b"DATA\r\nx\ny\r\n.\r\n")
    assert peer.ended
    assert codes(peer.output)[-2:] == ["554 5.6.0", "421 4.7.0"]


def test_starttls_forgets_everything_before_it() -> None:
    peer = introduced(offers_tls=True)
    answer = peer.send(b"STARTTLS\r\nMAIL FROM:<injected@x>\r\n")
    assert answer == b"220 2.0.0 Start TLS\r\n(handshake)"
    assert codes(peer.send(SENDER)) == ["503 5.5.1"]
    assert peer.send(b"EHLO me\r\n") == EXTENSIONS
    assert codes(peer.send(b"STARTTLS\r\n")) == ["503 5.5.1"]
    peer.send(SENDER + RECIPIENT + b"DATA\r\n.\r\n")
    assert peer.taken[0].protocol == "ESMTPS"


def test_starttls_is_offered_in_the_clear_only() -> None:
    peer = meet(offers_tls=True)
    assert b"STARTTLS" in peer.send(b"EHLO me\r\n")
    assert codes(peer.send(SENDER + b"STARTTLS\r\n")) == ["250 2.1.0", "503 5.5.1"]


def test_text_of_others_cannot_add_a_reply() -> None:
    reply = Reply(550, "5.7.1", "no\r\n250 yes\0\x1b\u2028 ä" + "x" * 2000)
    written = encode_reply(reply)
    assert written.startswith(b"550-5.7.1 no \r\n550 5.7.1 250 yes    ?xxx")
    assert written.count(b"\r\n") == 2
    assert all(len(line) <= 510 for line in written.split(b"\r\n"))


def test_a_last_word_ends_it() -> None:
    peer = introduced()
    peer.machine.end(Reply(421, "4.3.2", "Shutting down"))
    assert isinstance(peer.machine.next_event(), ConnectionEnded)
    assert peer.machine.take_output() == b"421 4.3.2 Shutting down\r\n"


def test_an_open_question_must_be_answered_first() -> None:
    machine = Receiver()
    machine.receive(b"EHLO me\r\n" + SENDER + RECIPIENT)
    assert machine.next_event() == RecipientOffered("b@example.org")
    with pytest.raises(RuntimeError):
        machine.next_event()
    with pytest.raises(RuntimeError):
        machine.settle_message([])
    with pytest.raises(ValueError, match="not a refusal"):
        machine.refuse_recipient(TAKEN)
    machine.accept_recipient()
    assert machine.next_event() is None


COMMANDS = [b"EHLO me\r\n", SENDER, b"MAIL FROM:<>\r\n", RECIPIENT, b"RCPT TO:<no@x>\r\n", b"DATA\r\n", b"RSET\r\n"]
PIECES = [b".\r\n", b"..x\r\n", b"\r\n.\r\n", b"\r\n", b"\n", b"\r", b".", b"\0", b"x" * 60, b"NOOP\r\n", b"QUIT\r\n"]
WORDS = st.sampled_from(COMMANDS + PIECES)


@settings(max_examples=200)
@given(st.lists(WORDS | st.binary(max_size=6), max_size=30), st.lists(st.integers(1, 50)), st.booleans())
def test_the_cutting_does_not_matter(words: list[bytes], cuts: list[int], lmtp: bool) -> None:
    said = b"".join(words)
    limits = Limits(message_octets=100, line_octets=64)
    whole, cut = introduced(lmtp=lmtp, limits=limits), introduced(lmtp=lmtp, limits=limits)
    whole.send(said)
    at = 0
    for size in [*cuts, len(said)]:
        cut.send(said[at : at + size])
        at += size
    assert (cut.output, cut.taken, cut.machine.state) == (whole.output, whole.taken, whole.machine.state)
    for envelope in whole.taken:
        assert envelope.data.count(b"\n") == envelope.data.count(b"\r") == envelope.data.count(b"\r\n")
        assert len(envelope.data) <= 100
