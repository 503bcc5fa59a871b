"""The certificate that everything which listens with TLS shows."""

from __future__ import annotations

import ssl

from folkmoot.config import Config
from folkmoot.errors import Invalid


def server_context(config: Config) -> ssl.SSLContext | None:
    """What the TLS listeners answer with, None without a certificate; raises Invalid when it cannot be used."""
    if not config.tls.certificate:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.tls.certificate, config.tls.key)
    except (OSError, ssl.SSLError) as error:
        raise Invalid("config.tls", f"Cannot use tls.certificate and tls.key: {error}.", "tls.certificate") from error
    return context
