"""What a client is called by the certificate it showed (contract §3.1, `peer_cert_as_…`). Pure."""

from __future__ import annotations

import base64
import hashlib
import ssl

from .model import Client


def certificate_name(client: Client, how: str) -> str | None:
    """The client's name by `cn`, `dn`, `crt`, `pem` or `md5`; None without a certificate, and for `disabled`."""
    if how == "cn":
        return client.common_name
    if how == "dn":
        return client.subject
    if not client.certificate:
        return None
    if how == "crt":
        # EMQX: the bytes themselves, which are no text.
        return base64.b64encode(client.certificate).decode()
    if how == "pem":
        return ssl.DER_cert_to_PEM_cert(client.certificate)
    return hashlib.md5(client.certificate, usedforsecurity=False).hexdigest() if how == "md5" else None
