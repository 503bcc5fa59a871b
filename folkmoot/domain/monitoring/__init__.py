"""What the broker does, counted, sampled, watched and told: metrics, alarms, `$SYS`, traces, slow subscriptions.

Nothing here is on a message's way unless an operator asks for it.
"""

from .alarms import Alarms, delete_alarm_history, list_alarms, save_alarms
from .announcer import Announcer
from .counting import METRICS, STATS, Gauges, count_all, counts
from .machine import Machine
from .model import Counts, Figures, PrometheusSettings, PushGateway, Sample, Source, Sources
from .monitor import PROMETHEUS, SLOW_SUBSCRIPTIONS, Kept, Monitoring, Unsaved, read_kept, save_settings
from .outlet import Outlet
from .overseer import Overseer
from .samples import Sampler, delete_samples, list_samples, save_samples, thin_samples
from .slow import SlowSettings, SlowSubscription, SlowSubscriptions
from .traces import SUBJECTS, TRACES_MAX, Trace, Traces, delete_traces, list_traces, save_trace, whole_second

__all__ = [
    "METRICS",
    "PROMETHEUS",
    "SLOW_SUBSCRIPTIONS",
    "STATS",
    "SUBJECTS",
    "TRACES_MAX",
    "Alarms",
    "Announcer",
    "Counts",
    "Figures",
    "Gauges",
    "Kept",
    "Machine",
    "Monitoring",
    "Outlet",
    "Overseer",
    "PrometheusSettings",
    "PushGateway",
    "Sample",
    "Sampler",
    "SlowSettings",
    "SlowSubscription",
    "SlowSubscriptions",
    "Source",
    "Sources",
    "Trace",
    "Traces",
    "Unsaved",
    "count_all",
    "counts",
    "delete_alarm_history",
    "delete_samples",
    "delete_traces",
    "list_alarms",
    "list_samples",
    "list_traces",
    "read_kept",
    "save_alarms",
    "save_samples",
    "save_settings",
    "save_trace",
    "thin_samples",
    "whole_second",
]
