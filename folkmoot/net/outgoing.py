"""Requests that we make to addresses that others chose (webhooks, link previews): guarded, bounded, without memory.

Every hop, redirects included, goes through `GuardedTransport`: the name is resolved once, addresses that are not public
are refused unless configured, and the connection goes to the address that was checked, so that a name cannot change
its mind in between. The answer's size, the time and the number of redirects are limited; cookies are not kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import find_spec
from typing import Any

import httpx

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

if find_spec("sniffio") is None:
    # The client asks for this module at every request; looking for it in vain takes most of the time of a request.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

# They write whole addresses and headers into the log, which may hold secrets.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class OutgoingError(Exception):
    """The request failed; `permanent` when trying again would not help (a refused address, a bad URL)."""

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = field(default="", compare=False)
    """Where it came from in the end, after redirects."""


def is_public(address: IpAddress) -> bool:
    """Whether an address is on the public network, also when it stands inside an IPv6 address that leads to it."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Checks and pins the address of every request, then hands it to a plain transport."""

    def __init__(self, allowed: Sequence[IpNetwork] = (), inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._allowed = tuple(allowed)
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request to the address that was checked. Raises OutgoingError."""
        url = request.url
        if url.scheme not in ("http", "https") or not url.host:
            raise OutgoingError("only http and https addresses are fetched", permanent=True)
        address = await self.resolve(url.host, url.port or (443 if url.scheme == "https" else 80))
        request.extensions["sni_hostname"] = url.host
        pinned = httpx.Request(
            request.method,
            url.copy_with(host=str(address)),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await self._inner.handle_async_request(pinned)

    async def resolve(self, host: str, port: int) -> IpAddress:
        """The address to connect to, which was checked. Raises OutgoingError."""
        for address in await _addresses(host, port):
            if is_public(address) or any(address in network for network in self._allowed):
                return address
        raise OutgoingError(f"{host} is not a public address", permanent=True)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _addresses(host: str, port: int) -> list[IpAddress]:
    try:
        # What is an address already need not go through the threads that look names up.
        return [ipaddress.ip_address(host)]
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise OutgoingError(f"cannot resolve {host}", permanent=False) from error
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def _header_lines(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent; what is not ASCII goes as UTF-8. Raises OutgoingError for a value that would be several lines."""
    try:
        lines = [(name.encode("ascii"), value.encode()) for name, value in headers.items()]
    except UnicodeEncodeError as error:
        raise OutgoingError("a header cannot be sent", permanent=True) from error
    if any(each in value for _, value in lines for each in (b"\r", b"\n", b"\0")):
        # RFC 9110 §5.5
        raise OutgoingError("a header has a line break", permanent=True)
    return lines


class Outgoing:
    """A client for guarded requests; make one for the program and close it at the end."""

    def __init__(
        self,
        *,
        allowed_networks: Sequence[str] = (),
        timeout_seconds: float = 10.0,
        max_answer_bytes: int = 256 * 1024,
        max_redirects: int = 3,
        user_agent: str = "Folkmoot",
        tls: ssl.SSLContext | None = None,
        max_connections: int = 100,
    ) -> None:
        """`allowed_networks` (`127.0.0.0/8`, `10.1.2.3`) may be reached although they are not public.

        `tls` is for servers that do not show a certificate of a public authority, or want to see one.
        """
        self._timeout_seconds = timeout_seconds
        self._max_answer_bytes = max_answer_bytes
        limits = httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections)
        inner = httpx.AsyncHTTPTransport(trust_env=False, verify=tls or True, limits=limits)
        transport = GuardedTransport([ipaddress.ip_network(each) for each in allowed_networks], inner)
        self.resolve = transport.resolve
        """For connections that are not HTTP: the checked address of a host and port."""
        self._client = httpx.AsyncClient(
            transport=transport,
            timeout=timeout_seconds,
            max_redirects=max_redirects,
            trust_env=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            headers={"user-agent": user_agent, "accept-encoding": "identity"},
        )

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        follow_redirects: bool = False,
        timeout_seconds: float | None = None,
        connect_seconds: float | None = None,
        cut_bytes: int | None = None,
    ) -> Answer:
        """Make one request and read the whole answer, or of a long one its first `cut_bytes`, whatever its status.

        A new connection may take `connect_seconds` of the time. Raises OutgoingError.
        """
        seconds = timeout_seconds or self._timeout_seconds
        sent = _header_lines(headers or {})
        times = httpx.Timeout(seconds, connect=min(seconds, connect_seconds or seconds))
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream(
                    method, url, headers=sent, content=body, follow_redirects=follow_redirects, timeout=times
                ) as answer,
            ):
                body = await self._read(answer, cut_bytes)
                return Answer(answer.status_code, dict(answer.headers), body, str(answer.url))
        except TimeoutError as error:
            raise OutgoingError("no answer in time", permanent=False) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
            raise OutgoingError(str(error), permanent=True) from error
        except httpx.HTTPError as error:
            raise OutgoingError(str(error) or type(error).__name__, permanent=False) from error

    async def _read(self, answer: httpx.Response, cut_bytes: int | None) -> bytes:
        body = bytearray()
        # Raw, so that a small compressed answer cannot become a large one.
        async for chunk in answer.aiter_raw():
            body += chunk
            if cut_bytes is not None and len(body) >= cut_bytes:
                return bytes(body[:cut_bytes])
            if len(body) > self._max_answer_bytes:
                raise OutgoingError("the answer is too large", permanent=True)
        return bytes(body)

    async def close(self) -> None:
        await self._client.aclose()

    async def __aenter__(self) -> Outgoing:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()
