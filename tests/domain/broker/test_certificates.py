from __future__ import annotations

import base64
import ssl

import pytest

from folkmoot.domain.broker import Client
from folkmoot.domain.broker.certificates import certificate_name

DER = b"0\x03not really"
SHOWN = Client(common_name="ann", subject="CN=ann,O=Folk", certificate=DER)


@pytest.mark.parametrize(
    ("how", "name"),
    [
        ("disabled", None),
        ("cn", "ann"),
        ("dn", "CN=ann,O=Folk"),
        ("crt", base64.b64encode(DER).decode()),
        ("pem", ssl.DER_cert_to_PEM_cert(DER)),
        ("md5", "27d79fb427c0a1866aec828167a5a1b0"),
    ],
)
def test_a_name_by_certificate(how: str, name: str | None) -> None:
    assert certificate_name(SHOWN, how) == name


@pytest.mark.parametrize("how", ["disabled", "cn", "dn", "crt", "pem", "md5"])
def test_no_name_without_a_certificate(how: str) -> None:
    assert certificate_name(Client(), how) is None
