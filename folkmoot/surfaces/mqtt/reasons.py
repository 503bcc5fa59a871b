"""The reason codes for what a call into the community raised."""

from __future__ import annotations

import logging

from folkmoot import errors
from folkmoot.domain.authorization import Banned
from folkmoot.domain.broker import Refused
from folkmoot.wire.mqtt import Reason

log = logging.getLogger(__name__)

_Table = dict[type[Exception], Reason]
REFUSALS: _Table = {
    Banned: Reason.BANNED,
    errors.Unauthenticated: Reason.BAD_CREDENTIALS,
    errors.Forbidden: Reason.NOT_AUTHORIZED,
    errors.RateLimited: Reason.CONNECTION_RATE_EXCEEDED,
    errors.Unavailable: Reason.SERVER_UNAVAILABLE,
}
# MQTT 5 §3.4.2.1: PUBACK knows only some of the codes.
POST_REFUSALS: _Table = {
    errors.Unauthenticated: Reason.NOT_AUTHORIZED,
    errors.Forbidden: Reason.NOT_AUTHORIZED,
    errors.NotFound: Reason.TOPIC_NAME_INVALID,
    errors.Conflict: Reason.NOT_AUTHORIZED,
    errors.Invalid: Reason.PAYLOAD_FORMAT_INVALID,
    errors.TooLarge: Reason.QUOTA_EXCEEDED,
    errors.RateLimited: Reason.QUOTA_EXCEEDED,
}
#: Codes for failures of our side, after which sending again may help.
OURS = (Reason.UNSPECIFIED_ERROR, Reason.IMPLEMENTATION_ERROR)


def reason_of(error: Exception, table: _Table) -> Reason:
    """The reason code for what a call into the community raised."""
    if isinstance(error, Refused):
        return error.reason
    for kind, reason in table.items():
        if isinstance(error, kind):
            return reason
    log.error("a call into the community failed", exc_info=error)
    return Reason.UNSPECIFIED_ERROR
