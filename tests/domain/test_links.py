"""Links that carry their own permission: made, read back, and not to be made by anybody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.domain import subscriptions
from folkmoot.domain.subscriptions import CHANNELS, Unsubscription
from folkmoot.errors import NotFound

IDS = st.integers(1, 10**17)


@given(IDS, IDS, st.sampled_from(CHANNELS))
def test_a_token_says_what_it_was_made_for(account_id: int, space_id: int, channel: str) -> None:
    assert subscriptions.read_manage_token("s", subscriptions.manage_token("s", account_id)) == account_id
    token = subscriptions.unsubscribe_token("s", account_id, space_id, channel)
    assert subscriptions.read_unsubscribe_token("s", token) == Unsubscription(account_id, space_id, channel)
    assert token.replace(".", "").replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=80))
def test_nothing_else_is_taken(text: str) -> None:
    for read in (subscriptions.read_manage_token, subscriptions.read_unsubscribe_token):
        with pytest.raises(NotFound):
            read("s", text)


def test_no_part_of_a_token_can_be_exchanged() -> None:
    manage = subscriptions.manage_token("s", 12)
    leave = subscriptions.unsubscribe_token("s", 12, 3, "mail")
    forged = [
        manage.replace("m.12", "m.13"),
        manage.replace("m.12", "m.012"),
        manage + "\n",
        manage[:-1] + ("A" if manage[-1] != "A" else "B"),
        leave.replace("u.12", "u.13"),
        leave.replace(".3.", ".4."),
        leave.replace("mail", "forum"),
        "m.12." + leave.rpartition(".")[2],
    ]
    for token in (*forged, leave):
        with pytest.raises(NotFound):
            subscriptions.read_manage_token("s", token)
    for token in (*forged, manage):
        with pytest.raises(NotFound):
            subscriptions.read_unsubscribe_token("s", token)
    with pytest.raises(NotFound):
        subscriptions.read_manage_token("another secret", manage)


def test_the_header_fields_are_those_of_the_standard() -> None:
    url = subscriptions.unsubscribe_url("https://town.example", "s", 1, 2, "newsletter")
    assert url.startswith("https://town.example/unsubscribe/u.1.2.newsletter.")
    assert subscriptions.one_click_fields(url) == [
        ("List-Unsubscribe", f"<{url}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    ]
    assert subscriptions.manage_url("o", "s", 1).startswith("o/subscriptions/m.1.")
