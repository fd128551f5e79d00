"""The CPU that this process may use."""

import os


def cores() -> int:
    """Cores, as limited by taskset or a container where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
