"""One running program for all clients of a test module, with every MQTT listener."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.whole.program import Program, running

CERTIFICATE = "certificate.pem"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Running, with a certificate for localhost beside its data."""
    directory = tmp_path_factory.mktemp("program")
    certificate, key = directory / CERTIFICATE, directory / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    tls = {"FOLKMOOT_TLS__CERTIFICATE": str(certificate), "FOLKMOOT_TLS__KEY": str(key)}
    free = {"FOLKMOOT_LISTEN__MQTT_TLS": "127.0.0.1:0", "FOLKMOOT_LISTEN__MQTT_WSS": "127.0.0.1:0"}
    with running(directory, **tls, **free) as made:
        yield made
        assert "Traceback" not in made.log()


def authority(program: Program) -> Path:
    """What clients have to trust."""
    return program.directory / CERTIFICATE
