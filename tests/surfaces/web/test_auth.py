"""Which visitors count as sitting at the machine."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from folkmoot.config import Config
from folkmoot.errors import Forbidden
from folkmoot.house import House
from folkmoot.net.http import Call
from folkmoot.surfaces.web import auth
from folkmoot.surfaces.web.routes import OPERATIONS


def call_from(address: str, host: str) -> Call:
    request = Request({"type": "http", "method": "GET", "path": "/mail", "headers": [(b"host", host.encode())]})
    return Call(OPERATIONS[0], None, request, address=address)


@pytest.mark.parametrize(
    ("address", "host", "is_here"),
    [
        ("127.0.0.1", "127.0.0.1:8080", True),
        ("127.9.9.9", "town.localhost", True),
        ("::1", "[::1]:8080", True),
        ("::ffff:127.0.0.1", "localhost", True),
        ("192.0.2.7", "localhost", False),
        ("::ffff:192.0.2.7", "localhost", False),
        ("", "localhost", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "[::1", False),
        ("127.0.0.1", "localhost.example", False),
    ],
)
def test_only_the_machine_itself_sees_caught_mail(address: str, host: str, is_here: bool) -> None:
    house = House(Config(), None, None, None)  # type: ignore[arg-type]
    call = call_from(address, host)
    assert (auth.mail_hidden_because(house, call) == "") is is_here
    if not is_here:
        with pytest.raises(Forbidden):
            auth.require_mail_viewer(house, call)
