"""The address forms of a list."""

from __future__ import annotations

import pytest

from folkmoot.errors import Invalid
from folkmoot.text.mail import parse_recipient, split_command


@pytest.mark.parametrize(
    ("local_part", "expected"),
    [
        ("~ada/engines", ("ada", "engines", "post")),
        ("u.ada.engines", ("ada", "engines", "post")),
        ("U.ada.engines.v2", ("ada", "engines.v2", "post")),
        ("~ada/engines.v2", ("ada", "engines.v2", "post")),
        ("~ada/engines+subscribe", ("ada", "engines", "subscribe")),
        ("u.ada.engines+Unsubscribe", ("ada", "engines", "unsubscribe")),
        ("~ada/engines+post", ("ada", "engines", "post")),
        ("~ada/engines+confirm", ("ada", "engines", "confirm")),
        ("~ada/engines+CONFIRM-subscribe", ("ada", "engines", "confirm-subscribe")),
        ("~ada/engines+confirm-unsubscribe", ("ada", "engines", "confirm-unsubscribe")),
        ("~Ada/Engines+frob", ("Ada", "Engines", "frob")),
        ("~ada/engines+", ("ada", "engines", "")),
    ],
)
def test_forms(local_part: str, expected: tuple[str, str, str]) -> None:
    made = parse_recipient(local_part)
    assert (made.owner, made.name, made.command) == expected
    assert made.is_known_command == (made.command not in ("frob", ""))


@pytest.mark.parametrize(
    "local_part",
    ["", "ada", "~ada", "~/x", "~ada/", "u.ada", "u..x", "~ada/a/b", "~ada/a b", "~ada/a+b+subscribe", "~a\n/b"],
)
def test_other_addresses_are_not_lists(local_part: str) -> None:
    with pytest.raises(Invalid):
        parse_recipient(local_part)


def test_the_command_is_behind_the_last_plus() -> None:
    assert split_command("old+list+Subscribe") == ("old+list", "subscribe")
    assert split_command("old") == ("old", "post")
