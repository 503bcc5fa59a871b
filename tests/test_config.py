"""The configuration: defaults, the file, the environment, and errors that name the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from folkmoot.config import Config, load
from folkmoot.errors import Invalid


def test_without_anything_the_defaults_hold() -> None:
    assert load(None, {}) == Config()


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "folkmoot.toml"
    path.write_text('[listen]\nforum = "127.0.0.1:1"\nlists = ""\n[limits]\nenabled = true\n[mail]\nmax_bytes = 1000\n')
    config = load(path, {"FOLKMOOT_LISTEN__FORUM": "[::1]:2", "FOLKMOOT_LIMITS__ENABLED": "false", "HOME": "/"})
    assert (config.listen.forum, config.listen.lists) == ("[::1]:2", "")
    assert config.limits.enabled is False and config.mail.max_bytes == 1000


@pytest.mark.parametrize(
    ("written", "near", "far"),
    [
        ("loopback", True, False),
        ("everybody", True, True),
        ("nobody", False, False),
        ("true", True, True),
        ("false", False, False),
    ],
)
def test_who_comes_in_without_a_name(tmp_path: Path, written: str, near: bool, far: bool) -> None:
    path = tmp_path / "folkmoot.toml"
    path.write_text(f"[mqtt]\nanonymous = {written if written in ('true', 'false') else repr(written)}\n")
    for mqtt in (load(path, {}).mqtt, load(None, {"FOLKMOOT_MQTT__ANONYMOUS": written}).mqtt):
        assert [mqtt.admits_anonymous(each) for each in ("127.0.0.1", "::1")] == [near, near]
        assert [mqtt.admits_anonymous(each) for each in ("192.0.2.1", "2001:db8::1", "")] == [far] * 3


def test_a_list_stands_between_commas_in_the_environment(tmp_path: Path) -> None:
    config = load(None, {"FOLKMOOT_MAIL__PEERS": "10.0.0.0/8, ::1"})
    assert config.mail.peers == ("10.0.0.0/8", "::1")
    assert load(None, {"FOLKMOOT_MAIL__PEERS": ""}).mail.peers == ()
    path = tmp_path / "folkmoot.toml"
    path.write_text('[mail]\npeers = ["127.0.0.1"]\n')
    assert load(path, {}).mail.peers == ("127.0.0.1",)


def test_what_only_the_first_start_or_a_test_reads_is_no_setting() -> None:
    assert load(None, {"FOLKMOOT_ADMIN_USERNAME": "mayor", "FOLKMOOT_TEST_ROUNDS": "3"}) == Config()


@pytest.mark.parametrize(
    ("text", "environment", "named"),
    [
        ("[listen]\nforrum = ''", {}, "forrum"),
        ("[lissten]\n", {}, "lissten"),
        ("[limits]\npost = 0", {}, "limits.post"),
        ("[limits]\nmessage_per_second = 0", {}, "limits.message_per_second"),
        ("[mail]\nmax_bytes = 'many'", {}, "mail.max_bytes"),
        ("not toml", {}, "TOML"),
        ("", {"FOLKMOOT_MAIL__MAX_BYTES": "many"}, "FOLKMOOT_MAIL__MAX_BYTES"),
        ("", {"FOLKMOOT_MAIL__RELLAY": "x"}, "FOLKMOOT_MAIL__RELLAY"),
        ("", {"FOLKMOOT_NONSENSE": "x"}, "FOLKMOOT_NONSENSE"),
        ("", {"FOLKMOOT_LOG__LEVEL": "loud"}, "log.level"),
        ("[mqtt]\nerror_code_flavour = 'v4'", {}, "mqtt.error_code_flavour"),
        ("[mqtt]\nanonymous = 'friends'", {}, "mqtt.anonymous"),
        ("", {"FOLKMOOT_MQTT__ANONYMOUS": "friends"}, "mqtt.anonymous"),
        ("", {"FOLKMOOT_MQTT__BASIC_AUTH_USERS": "perhaps"}, "FOLKMOOT_MQTT__BASIC_AUTH_USERS"),
        ("", {"FOLKMOOT_DATA__URL": "mysql://x"}, "data.url"),
        ("", {"FOLKMOOT_MAIL__DOMAIN": "no domain"}, "mail.domain"),
        ("", {"FOLKMOOT_MAIL__MAX_BYTES": "0"}, "mail.max_bytes"),
        ("", {"FOLKMOOT_MAIL__PEERS": "10.0.0.0/8,elsewhere"}, "mail.peers"),
        ("[mail]\npeers = ['10.0.0.1/8']", {}, "mail.peers"),
        ("[mail]\npeers = '10.0.0.0/8'", {}, "mail.peers"),
        ("", {"FOLKMOOT_LISTEN__MQTT_TLS": "127.0.0.1:8883"}, "tls.certificate"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, environment: dict[str, str], named: str) -> None:
    path = tmp_path / "folkmoot.toml"
    path.write_text(text)
    with pytest.raises(Invalid) as error:
        load(path, environment)
    assert named in error.value.message


def test_a_missing_file_is_said() -> None:
    with pytest.raises(Invalid, match="Cannot read"):
        load(Path("/no/such/file.toml"), {})
