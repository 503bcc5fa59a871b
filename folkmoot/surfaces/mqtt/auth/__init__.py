"""Who is connecting to the broker, and who is asking the management API.

`operators` are those of the API, `chain` asks about clients: the authenticators an operator has set, then `accounts`.
"""

from folkmoot.surfaces.mqtt.auth.accounts import CLIENTS, identify_account
from folkmoot.surfaces.mqtt.auth.authenticator import Authenticator
from folkmoot.surfaces.mqtt.auth.chain import Authentication, document_of
from folkmoot.surfaces.mqtt.auth.keyfile import load_keys
from folkmoot.surfaces.mqtt.auth.operators import (
    KEYS,
    LOGINS,
    Caller,
    authenticate,
    log_in,
    log_out,
    role_of,
)
from folkmoot.surfaces.mqtt.auth.users import FILE_MAX_BYTES

__all__ = [
    "CLIENTS",
    "FILE_MAX_BYTES",
    "KEYS",
    "LOGINS",
    "Authentication",
    "Authenticator",
    "Caller",
    "authenticate",
    "document_of",
    "identify_account",
    "load_keys",
    "log_in",
    "log_out",
    "role_of",
]
