"""Sets the broker's part for messages on their way as it was set before the restart."""

from __future__ import annotations

import logging
import time

from folkmoot.domain.broker import Broker, documents, list_settings
from folkmoot.house import House

log = logging.getLogger(__name__)


async def restore(house: House, broker: Broker) -> None:
    """Applies the documents that are kept; one that makes no sense is reported and left alone."""
    contents = await house.broker_db.scan(list_settings)
    for name, reason in documents.apply(broker, contents, time.time()).items():
        log.error("the setting %s makes no sense and was left out: %s", name, reason)
