"""Who may publish and subscribe what over MQTT, and who may not connect.

The community's own law for its topics stands above everything an operator configures.
"""

from .community import CommunityGate, messages_topic, open_spaces, posted_space, readable_spaces

__all__ = [
    "CommunityGate",
    "messages_topic",
    "open_spaces",
    "posted_space",
    "readable_spaces",
]
