"""The broker's numbers for Prometheus: gathered from all parts, and pushed to a gateway while an operator wants it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable
from typing import TypeVar
from urllib.parse import quote

import structlog

from folkmoot.domain.monitoring import Monitoring
from folkmoot.house import House
from folkmoot.net.outgoing import OutgoingError
from folkmoot.surfaces.mqtt import render

T = TypeVar("T")

log = structlog.get_logger("mqtt.numbers")

#: How often the settings are looked at.
_LOOK_SECONDS = 1.0


async def ask(found: T | Awaitable[T]) -> T:
    """What a part tells of its numbers, which it may have to look up first."""
    return await found if inspect.isawaitable(found) else found


async def stats(monitoring: Monitoring) -> list[render.Family]:
    """The numbers of the broker and of the machine."""
    return render.stats_families(monitoring, await ask(monitoring.sources.certificates()))


async def access(monitoring: Monitoring) -> list[render.Family]:
    """The numbers of authentication and authorization."""
    sources = monitoring.sources
    return render.access_families(
        await ask(sources.authentication()), await ask(sources.authorization()), await ask(sources.banned())
    )


async def data_integration(monitoring: Monitoring) -> list[render.Family]:
    """The numbers of rules, actions and connectors."""
    sources = monitoring.sources
    return render.integration_families(
        await ask(sources.rules()), await ask(sources.actions()), await ask(sources.connectors())
    )


class PushedNumbers:
    """Sends all numbers to the gateway that is set, in its interval."""

    def __init__(self, house: House, monitoring: Monitoring) -> None:
        self._house = house
        self._monitoring = monitoring

    async def run(self) -> None:
        """Goes on until cancelled."""
        loop = asyncio.get_running_loop()
        pushed_at = loop.time()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            gateway = self._monitoring.prometheus.push_gateway
            if gateway.enable and loop.time() - pushed_at >= gateway.interval:
                pushed_at = loop.time()
                try:
                    await self.push()
                except OutgoingError as error:
                    log.warning("the push gateway did not take the numbers", reason=str(error))
                except Exception:
                    log.exception("the numbers could not be pushed")

    async def push(self) -> None:
        """Sends them once. Raises OutgoingError."""
        monitoring, gateway = self._monitoring, self._monitoring.prometheus.push_gateway
        families = [*await stats(monitoring), *await access(monitoring), *await data_integration(monitoring)]
        name, _, host = monitoring.node.partition("@")
        job = gateway.job_name.replace("${name}", name).replace("${host}", host)
        answer = await self._house.outgoing.request(
            gateway.method.upper(),
            f"{gateway.url.rstrip('/')}/metrics/job/{quote(job)}",
            headers={**gateway.headers, "content-type": render.EXPOSITION_TYPE},
            body=render.exposition(families),
        )
        if answer.status >= 300:
            raise OutgoingError(f"it answered {answer.status}", permanent=False)
