"""Who may connect to the broker by an operator's rules: authenticators and what they are set to, users, hashes, SCRAM.

Plain: what is asked over the network is the surface's to ask.
"""

from .configs import (
    AnyConfig,
    BuiltInConfig,
    HmacConfig,
    HttpConfig,
    JwksConfig,
    JwtConfig,
    PublicKeyConfig,
    ScramConfig,
    read_config,
)
from .hashing import AnyScheme, Hashed
from .importing import Form, Newcomer, Newcomers, read_users
from .model import Grant, PasswordUser, ScramUser, User, moved, ordered, require_user_id
from .scram import Keys, Scram, decoy, make_keys
from .secrecy import HIDDEN, hide, restore
from .tally import Tally
from .users import (
    Kept,
    Kind,
    add_user,
    change_user,
    delete_user,
    delete_users,
    find_user,
    get_user,
    keep_users,
    list_users,
)

__all__ = [
    "HIDDEN",
    "AnyConfig",
    "AnyScheme",
    "BuiltInConfig",
    "Form",
    "Grant",
    "Hashed",
    "HmacConfig",
    "HttpConfig",
    "JwksConfig",
    "JwtConfig",
    "Kept",
    "Keys",
    "Kind",
    "Newcomer",
    "Newcomers",
    "PasswordUser",
    "PublicKeyConfig",
    "Scram",
    "ScramConfig",
    "ScramUser",
    "Tally",
    "User",
    "add_user",
    "change_user",
    "decoy",
    "delete_user",
    "delete_users",
    "find_user",
    "get_user",
    "hide",
    "keep_users",
    "list_users",
    "make_keys",
    "moved",
    "ordered",
    "read_config",
    "read_users",
    "require_user_id",
    "restore",
]
