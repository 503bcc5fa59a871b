"""A short round of the fuzz target for mail connections, in the words of the protocol."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz import smtp

_SAID = [
    b"MAIL FROM:<a@b>",
    b" SIZE=9",
    b"\r\n",
    b"RCPT TO:<c@d>\r\n",
    b"DATA\r\n",
    b"\r\n.\r\n",
    b"STARTTLS\r\n",
    b"QUIT\r\n",
]
_HEARD = [
    b"220 x\r\n",
    b"250-x\r\n250 PIPELINING\r\n",
    b"250 2.0.0 y\r\n",
    b"354 z\r\n",
    b"550 n\r\n",
    b"421 b\r\n",
    b"334 \r\n",
]


@settings(max_examples=300)
@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.lists(
        st.sampled_from(_SAID + _HEARD + [b"\r", b"\n", b"\0", b".", b"x" * 50]) | st.binary(max_size=5), max_size=25
    ),
)
@example(1, 0, [b"MAIL FROM:<a@b>\r\n", b"RCPT TO:<c@d>\r\n", b"DATA\r\n", b"x\n.\r\n", b"\r\n.\r\n"])
def test_smtp(choice: int, size: int, words: list[bytes]) -> None:
    smtp.run(bytes([choice, size]) + b"".join(words))
