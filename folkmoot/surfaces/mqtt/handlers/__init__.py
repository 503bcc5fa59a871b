"""The management API's handlers, a module per subject: read the request, ask the broker or the accounts, render.

The broker's values are read in place, between two turns of the loop.
"""

from folkmoot.surfaces.mqtt.handlers.management import Management

__all__ = ["Management"]
