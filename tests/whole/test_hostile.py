"""Bad input at every listener of the running program: an answer of that surface's shape, and nothing else disturbed."""

from __future__ import annotations

import json
import re
import smtplib
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests.whole.people import Forum, lists_client, mail_in, subscriber, websocket
from tests.whole.program import HTTP, Program, running, until

LIST = "~admin/town_square@localhost"
DEEP = "[" * 50_000 + "]" * 50_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with running(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(autouse=True)
def canary(program: Program) -> Iterator[None]:
    """After every attack: each door still answers quickly, and nothing unforeseen stands in the log."""
    yield
    began = time.monotonic()
    with program.http("web") as client:
        assert client.get("/health").status_code == 200
    with program.http("forum") as client:
        assert client.get("/api/v1/site").status_code == 200
    with subscriber(program, "town/#") as client:
        until(lambda: client.heard, what="the retained messages")
    mail_in(program, "ada@example.org", LIST, subject="canary", body="x", message_id=f"<{time.time_ns()}@canary>")
    assert time.monotonic() - began < 5
    assert "Traceback" not in program.log()


def talk(program: Program, listener: str, data: bytes, *, seconds: float = 3.0, close: bool = False) -> bytes:
    """Send bytes, say no more, and read what comes until the other side ends or the time is over."""
    received = b""
    with socket.create_connection(("127.0.0.1", program.port(listener)), seconds) as connection:
        with suppress(OSError):
            connection.sendall(data)
            if close:
                connection.shutdown(socket.SHUT_WR)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            connection.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                piece = connection.recv(65536)
            except OSError:
                break
            if not piece:
                break
            received += piece
    return received


LISTENERS = (*HTTP, "mqtt", "mqtt_ws", "lmtp", "smtp")


@pytest.mark.parametrize("listener", LISTENERS)
@pytest.mark.parametrize(
    "data",
    [
        b"\x00" * 1000,
        b"\xff\xfe\xfd\r\n\r\n" * 50,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 200,
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x10\xff\xff\xff\xff\xff\xff",
        b"",
    ],
    ids=["nul", "noise", "tls", "http", "mqtt", "nothing"],
)
def test_garbage_ends_only_its_own_connection(program: Program, listener: str, data: bytes) -> None:
    talk(program, listener, data, seconds=1.0, close=True)


def test_many_half_open_connections(program: Program) -> None:
    held = []
    for listener in LISTENERS:
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", program.port(listener)), 5)
            connection.sendall(b"P")
            held.append(connection)
    with program.http("forum") as client:
        assert client.get("/api/v1/categories").status_code == 200
    for connection in held:
        connection.close()


@pytest.mark.parametrize("surface", HTTP)
def test_heads_and_bodies_are_bounded(program: Program, surface: str) -> None:
    head = b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(200)) + b"\r\n"
    answer = talk(program, surface, head)
    assert b" 431 " in answer.split(b"\r\n")[0]
    answer = talk(program, surface, b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 414 " in answer.split(b"\r\n")[0]
    path = {
        "forum": "/api/v1/user/login",
        "lists": "/api/lists",
        "newsletter": "/api/lists",
        "mqtt_api": "/api/v5/login",
    }
    if surface in path:
        with program.http(surface, auth=("api_user", "token") if surface == "newsletter" else None) as client:
            refused = client.post(
                path[surface], content=b" " * 50_000_000, headers={"content-type": "application/json"}
            )
            assert refused.status_code in (401, 413), refused.status_code


BAD_BODIES: tuple[tuple[str, bytes], ...] = (
    ("broken", b'{"name": '),
    ("no object", b"[1, 2]"),
    ("wrong type", b'{"name": 5, "username_or_email": [], "password": {}, "username": {}, "topic": 1}'),
    ("deep", DEEP.encode()),
    ("deep inside", b'{"name": ' + DEEP.encode() + b', "username_or_email": ' + DEEP.encode() + b"}"),
    ("nul", b'{"name": "a\\u0000b", "username_or_email": "a\\u0000b", "password": "x", "username": "a\\u0000b"}'),
    ("surrogate", b'{"name": "\\ud800", "username_or_email": "\\ud800", "password": "x", "username": "\\ud800"}'),
    ("not utf-8", b'{"name": "\xff\xfe", "username_or_email": "\xff", "password": "x", "username": "\xff"}'),
    ("huge number", b'{"name": 1e999999, "username_or_email": 123456789012345678901234567890}'),
    ("empty", b""),
)


@pytest.mark.parametrize(("name", "body"), BAD_BODIES, ids=[name for name, _ in BAD_BODIES])
def test_bad_bodies_get_each_surfaces_own_error(program: Program, name: str, body: bytes) -> None:
    head = {"content-type": "application/json"}
    with program.http("forum") as client:
        answer = client.post("/api/v1/user/login", content=body, headers=head)
        assert answer.status_code == 400 and {"op", "message", "error"} == set(answer.json()), answer.text
    with lists_client(program, "ada") as client:
        answer = client.post("/api/lists", content=body, headers=head)
        assert answer.status_code == 400 and answer.json()["errors"][0]["reason"], answer.text
    with program.http("newsletter", auth=("api_user", "token")) as client:
        answer = client.post("/api/lists", content=body, headers=head)
        assert answer.status_code in (400, 415) and set(answer.json()) == {"message"}, answer.text
    with program.http("mqtt_api", auth=("admin", "public")) as client:
        answer = client.post("/api/v5/api_key", content=body, headers=head)
        assert answer.status_code == 400 and {"code", "message"} <= set(answer.json()), answer.text


@pytest.mark.parametrize(
    "frame",
    [
        "not json",
        "[]",
        "5",
        "{}",
        '{"op": 5}',
        '{"op": "NoSuchThing"}',
        '{"op": "Login"}',
        '{"op": "Login", "data": 5}',
        '{"op": "GetPost", "data": {"id": "one"}}',
        '{"op": "GetPost", "data": {"id": 99999999999999999999}}',
        '{"op": "GetPost", "data": {"id": 1, "auth": "nonsense"}}',
        '{"op": "Login", "data": {"username_or_email": "a\\u0000", "password": "x"}}',
        '{"op": "Login", "data": {"username_or_email": "\\ud800", "password": "x"}}',
        DEEP,
    ],
)
def test_bad_frames_get_an_error_and_the_connection_goes_on(program: Program, frame: str) -> None:
    with websocket(program) as listener:
        listener._connection.send(frame)
        if not frame.startswith('{"op": "GetPost", "data": {"id": 1,'):
            answer = json.loads(listener._connection.recv(timeout=5))
            assert set(answer) == {"op", "message", "error"}, answer
        listener._connection.send('{"op": "ListCategories"}')
        assert listener.hear("ListCategories")["categories"]


@pytest.mark.parametrize(
    ("surface", "query"),
    [
        ("forum", "/api/v1/post/list?type_=All&sort=Hot&page=-5&limit=99999999999999999999"),
        ("forum", "/api/v1/post/list?type_=Nothing&sort=Hot"),
        ("forum", "/api/v1/post?id=%00"),
        ("forum", "/api/v1/post?id=%FF%FE"),
        ("newsletter", "/api/lists?page=99999999999999999999&per_page=99999999999999999999&order_by=;DROP&status=x"),
        ("newsletter", "/api/lists?query=%00"),
        ("newsletter", "/api/lists/0"),
        ("newsletter", "/api/lists/99999999999999999999"),
        ("lists", "/api/lists?start=x"),
        ("lists", "/api/emails/%00"),
        ("lists", "/api/emails/99999999999999999999"),
        ("lists", "/api/user/~admin/lists/%2e%2e%2f"),
        ("mqtt_api", "/api/v5/clients?page=0&limit=99999999999999999999"),
        ("mqtt_api", "/api/v5/clients/%00"),
        ("mqtt_api", "/api/v5/topics/%ff"),
        ("web", "/caught/99999999999999999999"),
        ("web", "/unsubscribe/%00%ff"),
    ],
)
def test_odd_queries_and_paths_never_fail_inside(program: Program, surface: str, query: str) -> None:
    auth = {"newsletter": ("api_user", "token"), "mqtt_api": ("admin", "public")}.get(surface)
    make = (lambda: lists_client(program, "ada")) if surface == "lists" else (lambda: program.http(surface, auth=auth))
    with make() as client:
        assert client.get(query).status_code < 500


def test_a_mail_with_ten_thousand_recipients(program: Program) -> None:
    with smtplib.LMTP("127.0.0.1", program.port("lmtp")) as client:
        client.ehlo_or_helo_if_needed()
        client.mail("ada@example.org")
        codes: dict[int, int] = {}
        for _ in range(10_000):
            code, _text = client.rcpt(LIST)
            codes[code] = codes.get(code, 0) + 1
            if code == 421:
                break
        assert set(codes) <= {250, 452, 421} and codes.get(250, 0) <= 1000


def test_a_mime_bomb_is_kept_or_refused_and_delays_nobody(program: Program) -> None:
    nested = "Content-Type: text/plain\n\nx\n"
    for depth in range(500):
        nested = f"Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n{nested}\n--b{depth}--\n"
    wide = "Content-Type: multipart/mixed; boundary=w\n\n" + "--w\nContent-Type: text/plain\n\nx\n" * 20_000 + "--w--\n"
    for number, body in enumerate((nested, wide)):
        head = f"From: ada@example.org\nTo: {LIST}\nSubject: bomb\nMessage-ID: <bomb{number}.{time.time_ns()}@x>\n"
        began = time.monotonic()
        with smtplib.LMTP("127.0.0.1", program.port("lmtp")) as client, suppress(smtplib.SMTPException):
            client.sendmail("ada@example.org", [LIST], (head + body).replace("\n", "\r\n"))
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r"])
def test_no_line_end_but_crlf_ends_a_message(program: Program, end: bytes) -> None:
    """A smuggled second message must not be taken, whatever becomes of the first."""
    secret = f"smuggled {time.time_ns()}"
    data = (
        b"EHLO x\r\nMAIL FROM:<ada@example.org>\r\nRCPT TO:<~admin/town_square@localhost>\r\nDATA\r\n"
        b"From: ada@example.org\r\nTo: x\r\nSubject: first\r\nMessage-ID: <first@x>\r\n\r\nx"
        + end
        + b"MAIL FROM:<ada@example.org>\r\nRCPT TO:<~admin/town_square@localhost>\r\nDATA\r\nFrom: ada@example.org\r\nTo: x\r\n"
        + f"Subject: {secret}\r\nMessage-ID: <{time.time_ns()}@smuggled>\r\n\r\nx\r\n.\r\nQUIT\r\n".encode()
    )
    talk(program, "smtp", data, seconds=2)
    with lists_client(program, "ada") as client:
        posts = client.get("/api/user/~admin/lists/town_square/posts").json()["results"]
    assert secret not in [post["subject"] for post in posts]


def test_nobody_writes_headers_of_their_own(program: Program) -> None:
    """Titles, names and addresses that hold line ends stay one line or are refused."""
    forum = Forum(program, "dmitri")
    space = forum.call("GET", "/community", name="town_square")["community"]["id"]
    answer: Any = forum.call("POST", "/post", status=400, name="x\r\nBcc: all@example.org", community_id=space)
    assert answer["error"] == "couldnt_create_post"
    with subscriber(program, name="dmitri") as client:
        code = client.publish(
            "spaces/town_square/post", json.dumps({"title": "x\r\nBcc: all@example.org", "body": "y"})
        )
        assert code == 0x99
    answer = talk(program, "lmtp", b"LHLO x\r\nMAIL FROM:<a@x>\rRCPT TO:<b@y>\r\nQUIT\r\n")
    assert re.search(rb"^5\d\d ", answer, re.M), answer


def test_a_slow_client_holds_nobody_up(program: Program) -> None:
    slow = []
    for listener, first in (
        ("forum", b"POST /api/v1/user/login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"),
        ("smtp", b"EHLO"),
    ):
        for _ in range(30):
            connection = socket.create_connection(("127.0.0.1", program.port(listener)), 5)
            connection.sendall(first)
            slow.append(connection)
    began = time.monotonic()
    for _ in range(20):
        with program.http("forum") as client:
            assert client.get("/api/v1/categories").status_code == 200
    assert time.monotonic() - began < 5
    for connection in slow:
        connection.close()
