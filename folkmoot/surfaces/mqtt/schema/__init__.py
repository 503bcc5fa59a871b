"""The words and shapes of the EMQX 5 management API (contract §1 and §2), a module per subject; nowhere else in the project.

Names and their order are the wire's. What we cannot know is null.
"""

# A name means one thing in all of them (a test looks), so a subject adds itself with one line.
# ruff: noqa: F403

from folkmoot.surfaces.mqtt.schema.access import *
from folkmoot.surfaces.mqtt.schema.authentication import *
from folkmoot.surfaces.mqtt.schema.authorization import *
from folkmoot.surfaces.mqtt.schema.bans import *
from folkmoot.surfaces.mqtt.schema.clients import *
from folkmoot.surfaces.mqtt.schema.configs import *
from folkmoot.surfaces.mqtt.schema.connectors import *
from folkmoot.surfaces.mqtt.schema.delayed import *
from folkmoot.surfaces.mqtt.schema.listeners import *
from folkmoot.surfaces.mqtt.schema.monitoring import *
from folkmoot.surfaces.mqtt.schema.nodes import *
from folkmoot.surfaces.mqtt.schema.operators import *
from folkmoot.surfaces.mqtt.schema.paging import *
from folkmoot.surfaces.mqtt.schema.prometheus import *
from folkmoot.surfaces.mqtt.schema.publishing import *
from folkmoot.surfaces.mqtt.schema.retainer import *
from folkmoot.surfaces.mqtt.schema.rewriting import *
from folkmoot.surfaces.mqtt.schema.rules import *
from folkmoot.surfaces.mqtt.schema.telemetry import *
from folkmoot.surfaces.mqtt.schema.topic_metrics import *
from folkmoot.surfaces.mqtt.schema.topics import *
from folkmoot.surfaces.mqtt.schema.traces import *
from folkmoot.surfaces.mqtt.schema.words import *
