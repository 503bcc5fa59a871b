"""Fetches the pages that posts link to, for what they say of themselves: guarded, a few at a time, and not for long."""

from __future__ import annotations

import asyncio

from folkmoot.house import House
from folkmoot.net.outgoing import OutgoingError
from folkmoot.text.previews import LONGEST_PAGE, Preview, read_preview

_TIMEOUT_SECONDS = 3.0
_AT_ONCE = 8
_HEADERS = {"accept": "text/html, application/xhtml+xml, image/*;q=0.5"}


class Previews:
    """See above; without `forum.link_previews` nothing is fetched."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._room = asyncio.Semaphore(_AT_ONCE)

    async def look(self, url: str | None) -> Preview | None:
        """What the page at an address says of itself; None when it cannot be had now."""
        if not url or not self._house.config.forum.link_previews:
            return None
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS), self._room:
                answer = await self._house.outgoing.request(
                    "GET",
                    url,
                    headers=_HEADERS,
                    follow_redirects=True,
                    timeout_seconds=_TIMEOUT_SECONDS,
                    cut_bytes=LONGEST_PAGE,
                )
        except (OutgoingError, TimeoutError):
            return None
        if answer.status != 200 or answer.headers.get("content-encoding", "identity") != "identity":
            return None
        # It takes some milliseconds, of a page made for it more.
        return await asyncio.to_thread(
            read_preview, answer.body, answer.headers.get("content-type", ""), answer.url or url
        )
