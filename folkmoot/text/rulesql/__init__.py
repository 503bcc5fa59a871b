"""The SQL of rules: a statement is read once (`Select`) and run for each message or event.

`SELECT … FROM … WHERE …` selects one map, `FOREACH … DO … INCASE … FROM … WHERE …` one per item of a list. Everything is
bounded: the statement's length and depth, the size of every value, and the work of one run. Raises Invalid; where the text
of the statement is wrong with line and column.
"""

from .functions import NAMES as FUNCTION_NAMES
from .scope import ENVIRONMENT_PREFIX, WORK_MAX, Surroundings
from .statements import Select
from .values import encode_json, topic_matches

__all__ = [
    "ENVIRONMENT_PREFIX",
    "FUNCTION_NAMES",
    "WORK_MAX",
    "Select",
    "Surroundings",
    "encode_json",
    "topic_matches",
]
