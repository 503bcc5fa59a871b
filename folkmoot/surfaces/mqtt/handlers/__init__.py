"""The management API's handlers, by subject: read the request, ask the broker or the accounts, render.

The broker's values are read in place, between two turns of the loop.
"""

from folkmoot.surfaces.mqtt.handlers import access, clients, nodes, publishing, topics
from folkmoot.surfaces.mqtt.handlers.management import Management

__all__ = ["Management", "access", "clients", "nodes", "publishing", "topics"]
