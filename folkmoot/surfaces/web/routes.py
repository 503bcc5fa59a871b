"""The pages of this surface: a table, no logic."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.web import handlers
from folkmoot.surfaces.web.schema import (
    AddressForm,
    ChoicesForm,
    Health,
    MailsQuery,
    SavedQuery,
    SetupForm,
    UnsubscribeForm,
)

OPERATIONS = (
    Operation("landing", "GET", "/", handlers.landing, summary="What runs here, and what is being said."),
    Operation("health", "GET", "/health", handlers.health, response=Health, summary="Is every listener up?"),
    Operation("static", "GET", "/static/{name}", handlers.static, summary="The style sheet and the mark."),
    Operation("mails", "GET", "/mail", handlers.mails, MailsQuery, summary="Outgoing mail."),
    Operation("mail", "GET", "/mail/{id}", handlers.mail, summary="One outgoing mail."),
    Operation("rawMail", "GET", "/mail/{id}/raw", handlers.raw_mail, summary="The bytes of an outgoing mail."),
    Operation(
        "askLink", "GET", "/subscriptions", handlers.ask_link, summary="Ask for the link to one's subscriptions."
    ),
    Operation("mailLink", "POST", "/subscriptions", handlers.mail_link, AddressForm, summary="Mail that link."),
    Operation(
        "choices",
        "GET",
        "/subscriptions/{token}",
        handlers.choices,
        SavedQuery,
        summary="All of an account's subscriptions.",
    ),
    Operation(
        "choose", "POST", "/subscriptions/{token}", handlers.choose, ChoicesForm, summary="Change subscriptions."
    ),
    Operation("askUnsubscribe", "GET", "/unsubscribe/{token}", handlers.ask_unsubscribe, summary="End this one?"),
    Operation(
        "unsubscribe",
        "POST",
        "/unsubscribe/{token}",
        handlers.unsubscribe,
        UnsubscribeForm,
        summary="End one subscription, with one click (RFC 8058).",
    ),
    Operation("askAdministrator", "GET", "/setup/{token}", handlers.ask_administrator, summary="Who is in charge?"),
    Operation(
        "makeAdministrator",
        "POST",
        "/setup/{token}",
        handlers.make_administrator,
        SetupForm,
        summary="Make the first administrator, once.",
    ),
)
