"""What the broker does, counted, sampled, watched and told: metrics, alarms, `$SYS`, traces, slow subscriptions.

Nothing here is on a message's way unless an operator asks for it.
"""

from .alarms import Alarms, delete_alarm_history, list_alarms, save_alarms
from .announcer import Announcer
from .counting import METRICS, STATS, Gauges, count_all, counts
from .machine import Machine
from .model import Counts, Figures, PrometheusSettings, PushGateway, Sample, Source, Sources
from .outlet import Outlet
from .overseer import Overseer
from .samples import Sampler, delete_samples, list_samples, save_samples, thin_samples

__all__ = [
    "METRICS",
    "STATS",
    "Alarms",
    "Announcer",
    "Counts",
    "Figures",
    "Gauges",
    "Machine",
    "Outlet",
    "Overseer",
    "PrometheusSettings",
    "PushGateway",
    "Sample",
    "Sampler",
    "Source",
    "Sources",
    "count_all",
    "counts",
    "delete_alarm_history",
    "delete_samples",
    "list_alarms",
    "list_samples",
    "save_alarms",
    "save_samples",
    "thin_samples",
]
