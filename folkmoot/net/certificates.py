"""What a listener with TLS shows and asks for: contexts from files, made anew when a file changes; and reading certificates."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.x509.oid import NameOID

from folkmoot.errors import Invalid

_VERSIONS = {
    "tlsv1": ssl.TLSVersion.TLSv1,
    "tlsv1.1": ssl.TLSVersion.TLSv1_1,
    "tlsv1.2": ssl.TLSVersion.TLSv1_2,
    "tlsv1.3": ssl.TLSVersion.TLSv1_3,
}
_LOOKED_AT_EVERY_SECONDS = 1.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How to be a TLS server; files are PEM."""

    certificate: str
    key: str
    authorities: str = ""
    """Whose certificates of clients are believed."""
    password: str = ""
    asks: bool = False
    """Asks the client for a certificate and checks it; `requires` ends the connection of one without."""
    requires: bool = False
    versions: tuple[str, ...] = ("tlsv1.3", "tlsv1.2")
    ciphers: tuple[str, ...] = ()
    own_order: bool = True
    tickets: bool = True

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(name for name in (self.certificate, self.key, self.authorities) if name)


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """A context as the settings say. Raises Invalid when the files or the words in them cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        versions = sorted(_VERSIONS[name] for name in settings.versions)
        context.minimum_version, context.maximum_version = versions[0], versions[-1]
        # A password is always given: otherwise an encrypted key would be asked for on the terminal.
        context.load_cert_chain(settings.certificate, settings.key or None, password=settings.password)
        if settings.asks:
            context.verify_mode = ssl.CERT_REQUIRED if settings.requires else ssl.CERT_OPTIONAL
            context.load_verify_locations(settings.authorities)
        # The suites of TLS 1.3 are all good and cannot be chosen here.
        older = [name for name in settings.ciphers if not name.startswith("TLS_")]
        if older:
            context.set_ciphers(":".join(older))
    except (OSError, ssl.SSLError, ValueError, LookupError) as error:
        raise Invalid("tls.unusable", f"The certificate or another option of TLS cannot be used: {error}.") from error
    if settings.own_order:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if not settings.tickets:
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0
    return context


class ServerTls:
    """The context of one listener. When a file has changed, the next connection gets a new one; a bad file changes nothing."""

    def __init__(self, settings: TlsSettings) -> None:
        """Raises Invalid when it cannot be used."""
        self.settings = settings
        self._context = server_context(settings)
        self._seen = _marks(settings.files)
        self._looked_at = 0.0

    def context(self, now: float) -> ssl.SSLContext:
        """What to greet the next connection with."""
        if now - self._looked_at >= _LOOKED_AT_EVERY_SECONDS:
            self._looked_at = now
            seen = _marks(self.settings.files)
            if seen != self._seen:
                self._seen = seen
                try:
                    self._context = server_context(self.settings)
                except Invalid as error:
                    _log.error("tls.unusable", files=self.settings.files, error=error.message)
        return self._context


def _marks(files: tuple[str, ...]) -> tuple[tuple[int, int, int] | None, ...]:
    """What differs when a file has changed."""
    found = list[tuple[int, int, int] | None]()
    for name in files:
        try:
            state = os.stat(name)
        except OSError:
            found.append(None)
        else:
            found.append((state.st_mtime_ns, state.st_size, state.st_ino))
    return tuple(found)


def read_names(certificate: bytes) -> tuple[str | None, str | None]:
    """The common name and the whole subject (RFC 4514) of a DER certificate; None for what cannot be read."""
    try:
        subject = x509.load_der_x509_certificate(certificate).subject
        names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return (str(names[0].value) if names else None), subject.rfc4514_string()
    except ValueError:
        return None, None


def write_pem(directory: Path, name: str, pem: str) -> Path:
    """Keep PEM text in a file that only we may read, whole or not at all."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = directory / name
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(pem)
    draft.replace(path)
    return path
