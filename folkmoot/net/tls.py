"""What our own connections to others trust and show when they are secured."""

from __future__ import annotations

import ssl
import tempfile

_PEM = "-----BEGIN "


class TlsError(Exception):
    """A certificate or key cannot be used; the text says which and why."""


def client_context(
    *, verify: bool = True, authorities: str = "", certificate: str = "", key: str = "", password: str = ""
) -> ssl.SSLContext:
    """The context for connections to a server; certificates and keys are PEM texts or names of files.

    Without `authorities` those of the system are trusted. Reads files. Raises TlsError.
    """
    try:
        context = ssl.create_default_context()
        if _PEM in authorities:
            context.load_verify_locations(cadata=authorities)
        elif authorities:
            context.load_verify_locations(cafile=authorities)
        if certificate:
            _show(context, certificate, key, password)
    except (OSError, ValueError) as error:
        raise TlsError(f"cannot use the certificates: {error}") from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _show(context: ssl.SSLContext, certificate: str, key: str, password: str) -> None:
    # The library reads files only.
    with tempfile.NamedTemporaryFile("w") as certificates, tempfile.NamedTemporaryFile("w") as keys:
        names = list[str]()
        for text, file in ((certificate, certificates), (key or certificate, keys)):
            if _PEM in text:
                file.write(text)
                file.flush()
            names.append(file.name if _PEM in text else text)
        context.load_cert_chain(names[0], names[1], password or "")
