"""What people and their programs do in the whole tests: sign in, post, listen, mail; all with real clients."""

from __future__ import annotations

import json
import smtplib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import paho.mqtt.client as paho
from websockets.sync.client import ClientConnection, connect

from tests.whole.program import Program, until


class Forum:
    """Somebody signed in at the forum over HTTP."""

    def __init__(self, program: Program, name: str, password: str = "public") -> None:
        self._client = program.http("forum")
        self.jwt: str = self.call("POST", "/user/login", username_or_email=name, password=password)["jwt"]

    def call(self, method: str, path: str, *, status: int = 200, **data: Any) -> Any:
        """Call an operation as this person; the decoded answer."""
        data = {"auth": self.jwt, **data} if hasattr(self, "jwt") else data
        if method == "GET":
            params = {k: str(v).lower() if isinstance(v, bool) else v for k, v in data.items()}
            answer = self._client.get(f"/api/v1{path}", params=params)
        else:
            answer = self._client.request(method, f"/api/v1{path}", json=data)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, space_id: int, title: str, body: str = "") -> Any:
        """Start a thread; the PostView."""
        return self.call("POST", "/post", name=title, body=body, community_id=space_id)["post"]

    def comments(self, post_id: int) -> list[Any]:
        """The comments of a post, newest first."""
        found: list[Any] = self.call("GET", "/post", id=post_id)["comments"]
        return found


class Listener:
    """A WebSocket client of the forum."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def call(self, op: str, **data: Any) -> Any:
        """Send an operation and wait for its answer, passing over broadcasts of other operations."""
        self._connection.send(json.dumps({"op": op, "data": data}))
        return self.hear(op)

    def hear(self, op: str, seconds: float = 10.0) -> Any:
        """The data of the next frame of this operation."""
        while True:
            frame = json.loads(self._connection.recv(timeout=seconds))
            if frame.get("op") == op:
                assert "error" not in frame, frame
                return frame["data"]

    def waiting(self) -> list[Any]:
        """Every frame that came so far: those before the answer to a question asked now."""
        self._connection.send(json.dumps({"op": "ListCategories", "data": {}}))
        found: list[Any] = []
        while (frame := json.loads(self._connection.recv(timeout=10)))["op"] != "ListCategories":
            found.append(frame)
        return found


@contextmanager
def websocket(program: Program) -> Iterator[Listener]:
    """A connected WebSocket client of the forum."""
    with connect(f"ws://{program.addresses['forum']}/api/v1/ws", proxy=None) as connection:
        yield Listener(connection)


class Subscriber:
    """A paho-mqtt client that keeps what it hears."""

    def __init__(self, program: Program, *topics: str, name: str | None = None, password: str = "public") -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.connected = threading.Event()
        self.ended = threading.Event()
        self._subscribed = threading.Event()
        self._topics = topics
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        if name is not None:
            self.client.username_pw_set(name, password)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = lambda _c, _u, message: self.heard.append((message.topic, bytes(message.payload)))
        self.client.on_disconnect = lambda *_: self.ended.set()
        self.client.reconnect_delay_set(60, 60)
        self.client.connect("127.0.0.1", program.port("mqtt"))
        self.client.loop_start()
        assert self.connected.wait(10), "no CONNACK"
        if topics:
            assert self._subscribed.wait(10), "no SUBACK"

    def _on_connect(self, client: paho.Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        assert reason == 0, reason
        self.connected.set()
        if self._topics:
            client.subscribe([(topic, 1) for topic in self._topics])

    def live(self, **wanted: Any) -> Any:
        """The live message with these fields, once it has come."""

        def look() -> Any:
            for topic, payload in list(self.heard):
                if topic.startswith("spaces/"):
                    message = json.loads(payload)
                    if all(message.get(key) == value for key, value in wanted.items()):
                        return message
            return None

        return until(look, what=f"a live message with {wanted}")

    def publish(self, topic: str, payload: str, qos: int = 1) -> int:
        """Publish and wait for the acknowledgement; its reason code."""
        codes: list[int] = []
        done = threading.Event()

        def on_publish(client: Any, userdata: Any, mid: int, reason: Any, properties: Any) -> None:
            codes.append(reason.value)
            done.set()

        self.client.on_publish = on_publish
        self.client.publish(topic, payload, qos=qos)
        assert done.wait(10), "no PUBACK"
        return codes[0]

    def close(self) -> None:
        """Disconnect."""
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def subscriber(program: Program, *topics: str, **options: Any) -> Iterator[Subscriber]:
    """A connected and subscribed MQTT client."""
    made = Subscriber(program, *topics, **options)
    try:
        yield made
    finally:
        made.close()


def mail_in(program: Program, sender: str, recipient: str, *, subject: str, body: str, **headers: str) -> str:
    """Send a mail through LMTP as a mail server would; its Message-ID. Raises what smtplib raises for a refusal."""
    mail_id = headers.pop("message_id", f"<{abs(hash((sender, subject, body))):x}@example.org>")
    fields = {
        "From": sender,
        "To": recipient,
        "Subject": subject,
        "Message-ID": mail_id,
        "Date": "Sat, 21 Nov 2026 10:00:00 +0000",
        **{name.replace("_", "-").title(): value for name, value in headers.items()},
    }
    text = (
        "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n" + body.replace("\n", "\r\n") + "\r\n"
    )
    with smtplib.LMTP("127.0.0.1", program.port("lmtp")) as client:
        client.sendmail(sender, [recipient], text.encode())
    return mail_id


def lists_client(program: Program, account: str, scopes: str = "*") -> httpx.Client:
    """An HTTP client of the lists API with a personal token made on the command line."""
    token = program.run("token", "create", "lists", "--account", account, "--scopes", scopes).stdout.strip()
    return program.http("lists", headers={"Authorization": f"token {token}"})
