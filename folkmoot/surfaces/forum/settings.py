"""The site's own configuration, a text in HJSON that administrators change through the API (lemmy §8.3).

It is kept as it was written and lies over the configuration file and the environment: what it does not name stays as it is
there. It holds passwords, so it is one of the server's secrets.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import hjson
import msgspec
import structlog
from msgspec.structs import replace

from folkmoot.config import Config
from folkmoot.domain import accounts
from folkmoot.errors import Invalid
from folkmoot.house import House
from folkmoot.net.smtp import parse_relay
from folkmoot.store import Transaction
from folkmoot.surfaces.forum.schema import EmailWords, SiteWords
from folkmoot.text import mail
from folkmoot.text.words import Words

_SECRET = "forum.site_config"
_LONGEST_HOSTNAME = 40
_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(:[0-9]{1,5})?")
_IMPLICIT_TLS_PORT = "465"

_logger = structlog.get_logger("forum")


def find_text(tx: Transaction) -> str:
    """The text as it was saved; empty when none was."""
    return accounts.find_secret(tx, _SECRET) or ""


def keep_text(tx: Transaction, text: str) -> None:
    """Keep a text; check it first."""
    accounts.set_secret(tx, _SECRET, text)


def read(text: str) -> SiteWords:
    """What a text says. Raises Invalid for one that is no HJSON object, or has a value that cannot be."""
    try:
        document: Any = hjson.loads(text)
    except (ValueError, OverflowError, RecursionError) as error:
        raise Invalid("site.config", f"The configuration is not HJSON: {error}.", "config_hjson") from error
    try:
        words = msgspec.convert(document, SiteWords)
        # Text that cannot be stored or sent comes from escapes.
        msgspec.json.encode(words)
    except (msgspec.ValidationError, UnicodeEncodeError) as error:
        raise Invalid("site.config", f"The configuration is wrong: {error}.", "config_hjson") from error
    _check(words)
    return words


def _check(words: SiteWords) -> None:
    host = words.hostname
    if host is not None and (len(host) > _LONGEST_HOSTNAME or not _HOSTNAME.fullmatch(host)):
        raise Invalid(
            "site.config",
            f"A hostname is a name as town.example, of at most {_LONGEST_HOSTNAME} characters.",
            "hostname",
        )
    if words.slur_filter is not None:
        Words(words.slur_filter)
    if words.email is not None:
        parse_relay(_relay(words.email))
        mail.render_address(mail.Address("", words.email.smtp_from_address))


def lay_over(given: Config, words: SiteWords) -> Config:
    """The configuration with what a text says in place of what it had."""
    forum, rates = given.forum, words.rate_limit
    if words.jwt_secret is not None:
        forum = replace(forum, jwt_secret=words.jwt_secret)
    if words.slur_filter is not None:
        forum = replace(forum, word_filter=words.slur_filter)
    config = replace(given, forum=forum)
    if words.hostname is not None:
        config = replace(config, site=replace(given.site, hostname=words.hostname))
    if rates is not None:
        named = {name: rate for name, rate in msgspec.structs.asdict(rates).items() if rate is not None}
        config = replace(config, limits=replace(given.limits, **named))
    if words.email is not None:
        config = replace(
            config,
            mail=replace(given.mail, relay=_relay(words.email)),
            forum=replace(forum, mail_from=words.email.smtp_from_address),
        )
    return config


def _relay(email: EmailWords) -> str:
    """The relay's address as the configuration file has it."""
    port = email.smtp_server.rpartition(":")[2]
    scheme = ("smtps" if port == _IMPLICIT_TLS_PORT else "smtp+starttls") if email.use_tls else "smtp"
    login = ""
    if email.smtp_login:
        login = f"{quote(email.smtp_login, safe='')}:{quote(email.smtp_password or '', safe='')}@"
    return f"{scheme}://{login}{email.smtp_server}"


def of_database(tx: Transaction, given: Config) -> Config:
    """The configuration with the saved text over it; a text that makes no sense any more is left alone."""
    try:
        return lay_over(given, read(find_text(tx)))
    except Invalid as error:
        _logger.warning("the site's saved configuration is not used", reason=error.message)
        return given


async def settle(house: House) -> None:
    """Let the saved text count, at the start; a site file is taken over first. Raises Invalid for a bad site file."""
    path = house.config.forum.site_file
    if path and await house.db.read(accounts.find_secret, _SECRET) is None:
        text = _read_file(Path(house.config.data.dir) / path)
        read(text)
        await house.db.write(keep_text, text)
    house.settle(await house.db.read(of_database, house.given))


def _read_file(path: Path) -> str:
    try:
        # As it stands, line ends too.
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid("config.value", f"forum.site_file: cannot read {path}.", "forum.site_file") from error
