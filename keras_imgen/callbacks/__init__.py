"""Callbacks for `fit`: sample grids, backups that survive a kill, a log of the metrics, signs of collapse, growth."""

from keras_imgen.callbacks.backup import BackupAndRestore
from keras_imgen.callbacks.collapse import CollapseMonitor
from keras_imgen.callbacks.growth import Growth
from keras_imgen.callbacks.metric_log import MetricLog
from keras_imgen.callbacks.posterior import PosteriorMonitor
from keras_imgen.callbacks.sample_grid import SampleGrid
from keras_imgen.callbacks.sample_metrics import SampleMetrics
from keras_imgen.training.stop_on_nan import StopOnNaN

__all__ = [
    "BackupAndRestore",
    "CollapseMonitor",
    "Growth",
    "MetricLog",
    "PosteriorMonitor",
    "SampleGrid",
    "SampleMetrics",
    "StopOnNaN",
]
