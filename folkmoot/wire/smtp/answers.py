"""What the receiver answers, word for word: the replies of RFC 5321 §4.2.3 with the statuses of RFC 3463."""

from __future__ import annotations

from collections.abc import Mapping

from .addresses import AddressError
from .framing import DataDefect
from .replies import Reply

OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient OK")
CANNOT_VERIFY = Reply(252, "2.1.5", "Cannot verify, but will take a message for an address that exists")
HELP = Reply(214, "2.0.0", "EHLO HELO LHLO MAIL RCPT DATA RSET NOOP VRFY STARTTLS QUIT; see RFC 5321 and RFC 2033")
GO_AHEAD = Reply(354, "", "End the message with a line that holds a dot")
READY_FOR_TLS = Reply(220, "2.0.0", "Start TLS")
BYE = Reply(221, "2.0.0", "Bye")

UNKNOWN_COMMAND = Reply(500, "5.5.1", "Unknown command")
USE_LHLO = Reply(500, "5.5.1", "This is LMTP: introduce yourself with LHLO")
NOT_UTF8 = Reply(500, "5.5.2", "A command is ASCII or UTF-8")
CONTROL_CHARACTER = Reply(500, "5.5.2", "No control characters in a command")
LINE_TOO_LONG = Reply(500, "5.5.6", "The command line is too long")
LONE_LINE_END = Reply(500, "5.5.2", "Lines end in CRLF; a lone CR or LF is not taken")
NAME_MISSING = Reply(501, "5.5.4", "A name or an address literal is needed")
MAIL_SYNTAX = Reply(501, "5.5.4", "Syntax: MAIL FROM:<address> [parameters]")
RCPT_SYNTAX = Reply(501, "5.5.4", "Syntax: RCPT TO:<address>")
VRFY_SYNTAX = Reply(501, "5.5.4", "Syntax: VRFY address")
NO_ARGUMENT = Reply(501, "5.5.4", "This command takes no argument")
BAD_SEQUENCE = Reply(503, "5.5.1", "Not at this point")
TOO_LARGE = Reply(552, "5.3.4", "The message is larger than we take")
NEEDS_UTF8 = Reply(553, "5.6.7", "An address outside ASCII needs SMTPUTF8")
LONE_LINE_END_IN_DATA = Reply(554, "5.6.0", "Lines end in CRLF; a message with a lone CR or LF is not taken")
NUL_IN_DATA = Reply(554, "5.6.0", "A message with a NUL is not taken")
UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Unknown parameter")

TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients; send the rest in another transaction")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors")
ENDLESS_LINE = Reply(421, "4.7.0", "The line does not end")
ENDLESS_MESSAGE = Reply(421, "4.7.0", "The message does not end")

DATA_DEFECTS: Mapping[DataDefect, Reply] = {
    DataDefect.LONE_LINE_END: LONE_LINE_END_IN_DATA,
    DataDefect.NUL: NUL_IN_DATA,
    DataDefect.TOO_LARGE: TOO_LARGE,
    DataDefect.ENDLESS: ENDLESS_MESSAGE,
}


def greet(hostname: str, lmtp: bool) -> Reply:
    """The first line of a connection."""
    return Reply(220, "", f"{hostname} {'LMTP' if lmtp else 'ESMTP'} ready")


def hello(hostname: str) -> Reply:
    """The answer to HELO."""
    return Reply(250, "", hostname)


def list_extensions(hostname: str, message_octets: int, tls: bool) -> Reply:
    """The answer to EHLO and LHLO; `tls` when STARTTLS may be used now."""
    words = [hostname, "PIPELINING", f"SIZE {message_octets}", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
    # RFC 3207 §4.2: not offered again once TLS is on.
    return Reply(250, "", "\n".join([*words, "STARTTLS"] if tls else words))


def refuse_address(error: AddressError, sender: bool) -> Reply:
    """The address of the sender, or else the recipient, cannot be read."""
    if error.needs_utf8:
        return NEEDS_UTF8
    return Reply(501, "5.1.7" if sender else "5.1.3", f"Address: {error}")


def refuse_parameter(error: ValueError) -> Reply:
    """The parameters behind an address cannot be read."""
    return Reply(501, "5.5.4", f"Parameters: {error}")


def judge_parameters(parameters: Mapping[str, str | None], message_octets: int, extended: bool) -> Reply | None:
    """Find what is wrong with the parameters of MAIL; None when nothing is.

    `extended` says that the peer introduced itself with EHLO or LHLO; without that there are no parameters.
    """
    for key, value in parameters.items():
        if key == "SIZE" and extended:
            # RFC 1870 §6.1: at most twenty digits.
            if value is None or not (value.isascii() and value.isdigit()) or len(value) > 20:
                return Reply(501, "5.5.4", "SIZE takes a number of octets")
            if int(value) > message_octets:
                return TOO_LARGE
        elif key == "BODY" and extended:
            # RFC 6152 §2
            if value is None or value.upper() not in ("7BIT", "8BITMIME"):
                return Reply(501, "5.5.4", "BODY takes 7BIT or 8BITMIME")
        elif key == "SMTPUTF8" and extended:
            # RFC 6531 §3.4
            if value is not None:
                return Reply(501, "5.5.4", "SMTPUTF8 takes no value")
        else:
            # RFC 5321 §4.1.1.11
            return UNKNOWN_PARAMETER
    return None
