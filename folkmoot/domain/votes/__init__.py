"""Votes: one per account and message, with scores kept as they come."""

from folkmoot.domain.votes.actions import cast

__all__ = ["cast"]
