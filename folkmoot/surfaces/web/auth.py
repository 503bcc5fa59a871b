"""Who may see what on these pages: the holder of a link its subscriptions, whoever sits at the machine the caught mail.

Nobody signs in here.
"""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from folkmoot.domain import accounts, subscriptions
from folkmoot.domain.subscriptions import LINK_SECRET, Unsubscription
from folkmoot.errors import Forbidden, NotFound
from folkmoot.house import House
from folkmoot.net.http import Call

_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


def mail_hidden_because(house: House, call: Call) -> str:
    """Why this visitor is not shown outgoing mail; empty when it is.

    Mail holds private things, links that carry permission among them. It is shown when no relay is set, in the demo or
    to whoever sits at the machine itself; not to those whom a proxy on this machine, or a name that points here, brings.
    """
    if house.config.mail.relay:
        return "Mail goes out through a relay, so it is not shown here."
    if house.demo:
        return ""
    here = (
        _is_loopback(call.address)
        and _is_loopback(_host(f"//{call.headers.get('host', '')}"))
        and not any(name in call.headers for name in _FORWARDED)
        and (not house.config.site.web_url or _is_loopback(_host(house.config.site.web_url)))
    )
    return "" if here else "Caught mail is shown only to visitors on the server's own machine."


def require_mail_viewer(house: House, call: Call) -> None:
    """Raises Forbidden, saying why, for a visitor who is not shown outgoing mail."""
    reason = mail_hidden_because(house, call)
    if reason:
        raise Forbidden("mail.hidden", reason)


async def require_setup(house: House, token: str) -> None:
    """Raises NotFound unless this is the link that was printed at the first start and nobody is in charge yet."""
    admins = await house.db.read(accounts.list_admins)
    if admins:
        # Made here, or by the command beside the running server.
        house.setup_token = ""
    if not house.setup_token or not hmac.compare_digest(house.setup_token.encode(), token.encode()):
        raise NotFound("setup.unknown", "This link is not, or no longer, valid.")


async def account_of_link(house: House, token: str) -> int:
    """The account whose subscriptions a link opens; raises NotFound."""
    return subscriptions.read_manage_token(await _secret(house), token)


async def unsubscription_of_link(house: House, token: str) -> Unsubscription:
    """What a link ends; raises NotFound."""
    return subscriptions.read_unsubscribe_token(await _secret(house), token)


async def _secret(house: House) -> str:
    secret = await house.db.read(accounts.find_secret, LINK_SECRET)
    if secret is None:
        raise NotFound("link.unknown", "This link is not, or no longer, valid.")
    return secret


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
