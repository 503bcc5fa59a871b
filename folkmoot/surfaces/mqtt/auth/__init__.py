"""Who is connecting to the broker, and who is asking the management API.

`operators` are those of the API, `chain` asks about clients: the authenticators an operator has set, then `accounts`.
"""

from folkmoot.surfaces.mqtt.auth.accounts import CLIENTS, identify_account
from folkmoot.surfaces.mqtt.auth.chain import Authentication
from folkmoot.surfaces.mqtt.auth.operators import (
    KEYS,
    LOGINS,
    Caller,
    authenticate,
    log_in,
    log_out,
    role_of,
)

__all__ = [
    "CLIENTS",
    "KEYS",
    "LOGINS",
    "Authentication",
    "Caller",
    "authenticate",
    "identify_account",
    "log_in",
    "log_out",
    "role_of",
]
