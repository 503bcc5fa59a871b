"""The forum's wire shapes and words: requests, views and answers, a module per part of the contract."""

# A name means one thing in all of them, so a part adds itself with one line.
# ruff: noqa: F403

from folkmoot.surfaces.forum.schema.comments import *
from folkmoot.surfaces.forum.schema.communities import *
from folkmoot.surfaces.forum.schema.configuring import *
from folkmoot.surfaces.forum.schema.inbox import *
from folkmoot.surfaces.forum.schema.later import *
from folkmoot.surfaces.forum.schema.modlog import *
from folkmoot.surfaces.forum.schema.people import *
from folkmoot.surfaces.forum.schema.posts import *
from folkmoot.surfaces.forum.schema.search import *
from folkmoot.surfaces.forum.schema.sites import *
from folkmoot.surfaces.forum.schema.views import *
from folkmoot.surfaces.forum.schema.words import *
