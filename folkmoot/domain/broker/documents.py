"""What an operator has set about the messages on their way, as the documents that `settings` keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from folkmoot.errors import FolkmootError

from .automatic import AutomaticSubscription
from .automatic import check as check_subscriptions
from .delayed import DelayedSettings
from .retained import RetainedSettings
from .rewriting import RewriteRule
from .rewriting import check as check_rules

if TYPE_CHECKING:
    from .broker import Broker

__all__ = ["apply", "check_rules", "check_subscriptions", "write"]

RETAINER = "retainer"
DELAYED = "delayed"
REWRITING = "topic_rewrite"
AUTOMATIC = "auto_subscribe"
MEASURED = "topic_metrics"


def write(value: Any) -> str:
    """A value as the content of its document."""
    return msgspec.json.encode(value).decode()


def apply(broker: Broker, contents: Mapping[str, str], now: float) -> dict[str, str]:
    """Sets everything as the documents say; returns those that make no sense, with the reason, and leaves their part alone."""
    failed: dict[str, str] = {}
    for name, (kind, set_it) in _PARTS.items():
        if name not in contents:
            continue
        try:
            set_it(broker, msgspec.json.decode(contents[name], type=kind), now)
        except (msgspec.DecodeError, FolkmootError) as error:
            failed[name] = str(error)
    return failed


def _retainer(broker: Broker, settings: RetainedSettings, now: float) -> None:
    broker.retained.settings = settings


def _delayed(broker: Broker, settings: DelayedSettings, now: float) -> None:
    broker.delayed.change(settings)


def _rewriting(broker: Broker, rules: list[RewriteRule], now: float) -> None:
    broker.rewriting.replace(rules)
    broker.forget_routes()


def _automatic(broker: Broker, subscriptions: list[AutomaticSubscription], now: float) -> None:
    broker.automatic.replace(subscriptions)


def _measured(broker: Broker, topics: list[str], now: float) -> None:
    for topic in topics:
        broker.topic_metrics.add(topic, now)


_PARTS: dict[str, tuple[Any, Callable[..., None]]] = {
    RETAINER: (RetainedSettings, _retainer),
    DELAYED: (DelayedSettings, _delayed),
    REWRITING: (list[RewriteRule], _rewriting),
    AUTOMATIC: (list[AutomaticSubscription], _automatic),
    MEASURED: (list[str], _measured),
}
