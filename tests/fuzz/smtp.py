"""Whatever a client or a server says: the machines answer in whole replies, take only clean messages and settle all."""

from __future__ import annotations

from folkmoot.wire.smtp import (
    ConnectionEnded,
    Limits,
    Login,
    Mail,
    MailSettled,
    MessageReceived,
    Receiver,
    RecipientOffered,
    Reply,
    Sender,
    TlsRequested,
    TlsWanted,
)
from folkmoot.wire.smtp.replies import ReplyReader

_LIMITS = Limits(message_octets=300, discarded_octets=2000, line_octets=128, recipients=5)


def run(data: bytes) -> None:
    """The first byte chooses the machine, the second how the rest is cut into pieces."""
    choice, size, said = data[0] if data else 0, (data[1] if len(data) > 1 else 0) + 1, data[2:]
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    if choice % 2:
        _receive(pieces, lmtp=choice % 4 == 1)
    else:
        _send(pieces, choice)


def _receive(pieces: list[bytes], lmtp: bool) -> None:
    machine = Receiver(lmtp=lmtp, limits=_LIMITS, offers_tls=True)
    output = machine.take_output()
    for piece in [b"LHLO x\r\n" if lmtp else b"EHLO x\r\n", *pieces]:
        machine.receive(piece)
        ended = _answer(machine)
        output += machine.take_output()
        if ended:
            break
    reader = ReplyReader()
    list(reader.read(output))
    assert reader.empty, "an unfinished reply"


def _answer(machine: Receiver) -> bool:
    while True:
        match machine.next_event():
            case None:
                return False
            case RecipientOffered(address):
                assert not set(address) & set("\r\n\0")
                machine.accept_recipient()
            case MessageReceived(envelope):
                data = envelope.data
                assert len(data) <= _LIMITS.message_octets
                assert data.count(b"\r\n") == data.count(b"\r") == data.count(b"\n")
                assert b"\0" not in data
                assert 0 < len(envelope.recipients) <= _LIMITS.recipients
                machine.settle_message([Reply(250, "2.0.0", address) for address in envelope.recipients])
            case TlsRequested():
                machine.tls_started()
            case ConnectionEnded():
                return True


def _send(pieces: list[bytes], choice: int) -> None:
    login = Login("name", "password") if choice & 8 else None
    machine = Sender(lmtp=bool(choice & 2), starttls=bool(choice & 4), login=login)
    mails = [Mail("a@x", ("b@x", "c@x"), b".x\r\n"), Mail("", ("bad",), b""), Mail("a@x", ("d@x",), b"\xff")]
    for mail in mails:
        machine.submit(mail)
    settled = []
    for piece in [*pieces, None]:
        if piece is None:
            machine.fail("the end")
        else:
            machine.receive(piece)
        for event in machine.take_events():
            if isinstance(event, TlsWanted):
                machine.tls_started()
            if isinstance(event, MailSettled):
                settled.append(event.mail)
                assert [each.recipient for each in event.outcomes] == list(event.mail.recipients)
        machine.take_output()
    assert settled == mails
