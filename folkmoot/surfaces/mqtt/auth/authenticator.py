"""What the chain asks: one authenticator each, ready to be asked about a client."""

from __future__ import annotations

from typing import Protocol

from folkmoot.domain.authentication import AnyConfig, Grant, Tally
from folkmoot.domain.broker import Client


class Authenticator(Protocol):
    """One authenticator as it is set."""

    @property
    def config(self) -> AnyConfig:
        """What it is set to."""
        ...

    @property
    def tally(self) -> Tally:
        """How often it was asked; goes on when its configuration changes."""
        ...

    @property
    def is_outside(self) -> bool:
        """Whether it asks somebody over the network."""
        ...

    @property
    def fault(self) -> str:
        """Why it cannot answer at present; empty when it can."""
        ...

    async def ask(self, client: Client, password: bytes | None) -> Grant | None:
        """What the client gets, None when it has nothing to say; raises Unauthenticated or Forbidden when it says no."""
        ...
