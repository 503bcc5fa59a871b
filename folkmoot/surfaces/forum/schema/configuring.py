"""The site's configuration: requests, answers, and the words of its text (lemmy §4.2, §8.3)."""

from __future__ import annotations

from typing import Annotated

import msgspec

from folkmoot.surfaces.forum.schema.words import Signed

Positive = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]


class GetSiteConfig(Signed):
    """Only who asks."""


class SaveSiteConfig(Signed):
    config_hjson: str


class SiteConfigResponse(msgspec.Struct):
    config_hjson: str


class SetupWords(msgspec.Struct):
    """Whom GetSite makes the administrator of a site that is not set up, and what that is called."""

    admin_username: Text
    admin_password: Text
    site_name: Text
    admin_email: str | None = None


class RateWords(msgspec.Struct):
    """How often (lemmy §7); what is left out stays as it is."""

    register: Positive | None = None
    register_per_second: Positive | None = None
    post: Positive | None = None
    post_per_second: Positive | None = None
    message: Positive | None = None
    message_per_second: Positive | None = None


class EmailWords(msgspec.Struct):
    """The server that mail goes out through."""

    smtp_server: Text
    smtp_from_address: Text
    smtp_login: str | None = None
    smtp_password: str | None = None
    use_tls: bool = False


class SiteWords(msgspec.Struct):
    """What of the text counts here; what else is in it (where to listen, which database) is kept and not looked at."""

    setup: SetupWords | None = None
    hostname: Text | None = None
    jwt_secret: Text | None = None
    rate_limit: RateWords | None = None
    slur_filter: str | None = None
    email: EmailWords | None = None
