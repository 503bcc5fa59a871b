"""Starting, stopping, commands beside a running server, and what is refused with a reason."""

from __future__ import annotations

import base64
import json
import os
import queue
import smtplib
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as paho
import pytest

from tests.whole.people import subscriber
from tests.whole.program import HTTP, Program, running, until


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A server beside which commands are run."""
    with running(tmp_path_factory.mktemp("town"), FOLKMOOT_SITE__HOSTNAME="town.example") as made:
        yield made


def test_every_listener_answers_when_it_says_ready_and_it_stops_in_order(tmp_path: Path, data_url: str) -> None:
    with running(tmp_path, data_url) as program:
        with program.http("mqtt_api") as client:
            assert client.get("/status").status_code == 200
        with program.http("web") as client:
            assert client.get("/health").status_code == 200
        assert {*HTTP, "mqtt", "mqtt_ws", "lmtp", "smtp"} == set(program.addresses)
        for address in program.addresses.values():
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), 5).close()
        began = time.monotonic()
        with subscriber(program, "town/#"):
            assert program.stop() == 0
        assert time.monotonic() - began < 10


def test_an_idle_connection_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    with running(tmp_path) as program:
        held = [socket.create_connection(("127.0.0.1", program.port(name))) for name in program.addresses]
        began = time.monotonic()
        assert program.stop() == 0
        assert time.monotonic() - began < 10
        for each in held:
            each.close()


def test_a_second_server_on_the_same_data_is_refused(town: Program) -> None:
    second = town.run("serve", "--demo", check=False)
    assert second.returncode == 1 and "Another server is running" in second.stderr


def test_the_demo_refuses_the_world_and_real_communities(tmp_path: Path) -> None:
    program = Program(tmp_path / "a", FOLKMOOT_LISTEN__FORUM="0.0.0.0:0")
    refused = program.run("serve", "--demo", check=False)
    assert refused.returncode == 1 and "loopback" in refused.stderr
    real = Program(tmp_path / "b")
    real.run("admin", "create", "mayor", "--password", "a long password")
    refused = real.run("serve", "--demo", check=False)
    assert refused.returncode == 1 and "not the demo" in refused.stderr


def test_an_administrator_is_made_from_the_environment(tmp_path: Path, data_url: str) -> None:
    settings = {"FOLKMOOT_ADMIN_USERNAME": "mayor", "FOLKMOOT_ADMIN_PASSWORD": "in the hall"}
    with running(tmp_path, data_url, demo=False, **settings) as program, program.http("mqtt_api") as client:
        answer = client.post("/api/v5/login", json={"username": "mayor", "password": "in the hall"})
        assert answer.status_code == 200 and answer.json()["token"]
    # Without either, a one-time link is printed for making one.
    with running(tmp_path / "other", demo=False) as program:
        log = program.log()
        assert "/setup/" in log
        link = next(word for word in log.replace("=", " ").split() if "/setup/" in word).strip("'\"")
        with program.http("web") as client:
            page = client.get(link)
            assert page.status_code == 200 and "password" in page.text
            form = {"name": "mayor", "password": "in the hall", "password_again": "in the hall"}
            form["_csrf"] = client.cookies["folkmoot_csrf"]
            assert client.post(link, data=form).status_code in (200, 303)
            assert client.get(link).status_code == 404, "the link works twice"
        with program.http("mqtt_api") as client:
            answer = client.post("/api/v5/login", json={"username": "mayor", "password": "in the hall"})
            assert answer.status_code == 200


def test_mail_is_taken_from_the_peers_alone(tmp_path: Path) -> None:
    with running(tmp_path, FOLKMOOT_MAIL__PEERS="192.0.2.0/24") as program, smtplib.SMTP() as client:
        assert client.connect("127.0.0.1", program.port("smtp"))[0] == 554


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    program = Program(tmp_path)
    for name, value, words in (
        ("FOLKMOOT_LISTEN__FORM", "127.0.0.1:0", "FOLKMOOT_LISTEN__FORM"),
        ("FOLKMOOT_MAIL__MAX_BYTES", "many", "FOLKMOOT_MAIL__MAX_BYTES"),
        ("FOLKMOOT_LISTEN__FORUM", "nonsense", "nonsense"),
        ("FOLKMOOT_DATA__URL", "mysql://x", "data.url"),
        ("FOLKMOOT_MAIL__RELAY", "http://x", "mail.relay"),
    ):
        before = dict(program.environment)
        program.environment[name] = value
        ended = program.run("serve", "--demo", check=False)
        assert ended.returncode == 1 and words in ended.stderr and "Traceback" not in ended.stderr, ended.stderr
        program.environment = before
    path = tmp_path / "folkmoot.toml"
    path.write_text("[listen]\nforrum = ''\n")
    ended = program.run("--config", str(path), "migrate", check=False)
    assert ended.returncode == 1 and "forrum" in ended.stderr


def test_doctor_sees_a_running_server_and_a_missing_relay(town: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in town.addresses:
        monkeypatch.setitem(town.environment, f"FOLKMOOT_LISTEN__{name.upper()}", town.addresses[name])
    seen = town.run("doctor")
    assert "in use by the running server" in seen.stdout and "WRONG" not in seen.stdout
    monkeypatch.setitem(town.environment, "FOLKMOOT_MAIL__RELAY", "smtp://127.0.0.1:1")
    seen = town.run("doctor", check=False)
    assert seen.returncode == 1 and "mail relay" in seen.stdout


def test_an_archive_goes_in_and_comes_out_byte_for_byte(tmp_path: Path, data_url: str) -> None:
    messages = [
        b"From: a@example.org\nTo: l@x\nSubject: one\nMessage-ID: <1@x>\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\n"
        b"hello\n>From quoting\nFrom the start\n\n\nend\n",
        b"From: b@example.org\nSubject: =?utf-8?q?Re=3A_=C3=A9?=\nIn-Reply-To: <1@x>\nMessage-ID: <2@x>\n"
        b"Date: Mon, 1 Jan 2024 11:00:00 +0000\nContent-Type: text/plain; charset=latin-1\n\ncaf\xe9\n",
        b"Subject: nobody sent me\nMessage-ID: <3@x>\n\nx\n",
    ]
    import gzip

    quoted = [message.replace(b"\n>From ", b"\n>>From ").replace(b"\nFrom the", b"\n>From the") for message in messages]
    archive = tmp_path / "in.mbox.gz"
    archive.write_bytes(gzip.compress(b"".join(b"From x Thu Jan  1 00:00:00 1970\n" + m + b"\n" for m in quoted)))
    with running(tmp_path / "data", data_url) as program:
        missing = program.run("import", "mbox", str(archive), "--list", "~ada/old", check=False)
        assert missing.returncode == 1 and "--create" in missing.stderr
        dry = program.run("import", "mbox", str(archive), "--list", "~ada/old", "--create", "--dry-run")
        assert "Would import 2 of 3" in dry.stdout
        done = program.run("import", "mbox", str(archive), "--list", "~ada/old", "--create")
        assert "Imported 2 of 3 messages in 1 new threads, 1 skipped" in done.stdout and "no usable From" in done.stdout
        again = program.run("import", "mbox", str(archive), "--list", "~ada/old")
        assert "Imported 0 of 3" in again.stdout
        dry = program.run("import", "mbox", str(archive), "--list", "~ada/old", "--dry-run")
        assert "Would import 0 of 3" in dry.stdout
        out = tmp_path / "out.mbox"
        program.run("export", "mbox", "--list", "~ada/old", "--output", str(out))
    written = out.read_bytes()
    pieces = [piece.partition(b"\n")[2] for piece in (b"\n" + written).split(b"\nFrom ")[1:]]
    found = [
        piece.replace(b"\n>From ", b"\nFrom ").replace(b"\n>>From ", b"\n>From ").rstrip(b"\n") for piece in pieces
    ]
    assert found == [message.rstrip(b"\n") for message in messages[:2]]


def test_tokens_of_every_surface_work_at_once_and_are_stored_hashed(town: Program) -> None:
    made = {
        surface: town.run("token", "create", surface, "--account", "admin", "--name", f"mine-{surface}").stdout.strip()
        for surface in ("forum", "lists", "newsletter", "mqtt", "mqtt_api")
    }
    with town.http("forum") as client:
        answer = client.get("/api/v1/user/followed_communities", params={"auth": made["forum"]})
        assert answer.status_code == 200
    claims = made["forum"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"] == "town.example"
    with town.http("lists", headers={"Authorization": f"Bearer {made['lists']}"}) as client:
        assert client.get("/api/user").json()["name"] == "admin"
    with town.http("newsletter", auth=("admin", made["newsletter"])) as client:
        assert client.get("/api/health").json() == {"data": True}
    with town.http("mqtt_api", auth=tuple(made["mqtt_api"].split(":"))) as client:
        assert client.get("/api/v5/nodes").status_code == 200
    with subscriber(town, "town/#", name="mine-mqtt", password=made["mqtt"]) as client:
        until(lambda: client.heard, what="the retained messages")
    kept = b"".join(path.read_bytes() for path in town.directory.iterdir() if path.suffix in (".db", ".db-wal"))
    for secret in (made["lists"], made["newsletter"], made["mqtt"], made["mqtt_api"].split(":")[1]):
        assert secret.encode() not in kept


def test_it_needs_no_more_than_it_may_when_idle(tmp_path: Path) -> None:
    """Design §8: at most 150 MiB resident when idle."""
    with running(tmp_path) as program:
        assert program.process is not None
        status = Path(f"/proc/{program.process.pid}/status").read_text()
        [resident] = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
        assert resident < 150 * 1024, f"{resident} KiB"
        assert json.loads((tmp_path / "listeners.json").read_text()) == program.addresses
        assert os.stat(tmp_path).st_mode & 0o777 in (0o700, 0o755)


def test_tls_where_it_is_configured(tmp_path: Path) -> None:
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    settings = {
        "FOLKMOOT_TLS__CERTIFICATE": str(certificate),
        "FOLKMOOT_TLS__KEY": str(key),
        "FOLKMOOT_LISTEN__MQTT_TLS": "127.0.0.1:0",
        "FOLKMOOT_LISTEN__MQTT_WSS": "127.0.0.1:0",
    }
    with running(tmp_path / "data", **settings) as program:
        for listener, transport in (("mqtt_tls", "tcp"), ("mqtt_wss", "websockets")):
            heard: queue.Queue[str] = queue.Queue()
            client = paho.Client(paho.CallbackAPIVersion.VERSION2, transport=transport)  # type: ignore[arg-type]
            client.tls_set(str(certificate))
            client.on_connect = lambda c, *_: c.subscribe("town/#")
            client.on_message = lambda c, u, message, heard=heard: heard.put(message.topic)
            client.connect("127.0.0.1", program.port(listener))
            client.loop_start()
            assert heard.get(timeout=10).startswith("town/")
            client.disconnect()
            client.loop_stop()
        with smtplib.SMTP("127.0.0.1", program.port("smtp")) as mail:
            mail.starttls(context=ssl.create_default_context(cafile=str(certificate)))
            assert mail.noop()[0] == 250
