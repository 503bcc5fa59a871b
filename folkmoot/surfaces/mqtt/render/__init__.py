"""Domain values in the shapes of this API, a module per subject. Pure, but for asking the machine how it does."""

# A name means one thing in all of them (a test looks), so a subject adds itself with one line.
# ruff: noqa: F403

from folkmoot.surfaces.mqtt.render.access import *
from folkmoot.surfaces.mqtt.render.authentication import *
from folkmoot.surfaces.mqtt.render.authorization import *
from folkmoot.surfaces.mqtt.render.bans import *
from folkmoot.surfaces.mqtt.render.clients import *
from folkmoot.surfaces.mqtt.render.connectors import *
from folkmoot.surfaces.mqtt.render.delayed import *
from folkmoot.surfaces.mqtt.render.listeners import *
from folkmoot.surfaces.mqtt.render.monitoring import *
from folkmoot.surfaces.mqtt.render.nodes import *
from folkmoot.surfaces.mqtt.render.operators import *
from folkmoot.surfaces.mqtt.render.paging import *
from folkmoot.surfaces.mqtt.render.prometheus import *
from folkmoot.surfaces.mqtt.render.retainer import *
from folkmoot.surfaces.mqtt.render.rewriting import *
from folkmoot.surfaces.mqtt.render.rules import *
from folkmoot.surfaces.mqtt.render.times import *
from folkmoot.surfaces.mqtt.render.topic_metrics import *
from folkmoot.surfaces.mqtt.render.topics import *
from folkmoot.surfaces.mqtt.render.traces import *
