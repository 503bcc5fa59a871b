"""Runs connectors to other servers: what rules send through them, what their sources fetch."""

from .running import Bridges

__all__ = ["Bridges"]
