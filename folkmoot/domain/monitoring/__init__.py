"""What the broker does, counted, sampled, watched and told: metrics, alarms, `$SYS`, traces, slow subscriptions.

Nothing here is on a message's way unless an operator asks for it.
"""

from .alarms import Alarms, delete_alarm_history, list_alarms, save_alarms
from .model import Counts, Figures, PrometheusSettings, PushGateway, Sample, Source, Sources
from .outlet import Outlet

__all__ = [
    "Alarms",
    "Counts",
    "Figures",
    "Outlet",
    "PrometheusSettings",
    "PushGateway",
    "Sample",
    "Source",
    "Sources",
    "delete_alarm_history",
    "list_alarms",
    "save_alarms",
]
