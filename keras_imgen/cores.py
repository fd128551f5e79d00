"""The CPU that this process may use."""

import os
import platform


def cores() -> int:
    """Cores, as limited by taskset or a container where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def cpu() -> str:
    """The model's name, as the system tells it."""
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def one_thread_per_op() -> None:
    """Let TensorFlow compute every op of this process on one thread: for models that run halves of a batch side by side, on two cores.

    To be called before TensorFlow is imported, by whom the process belongs to; a setting of the user's stays. Nothing on other
    machines, and where a GPU computes: there it has not been measured.
    """
    if cores() == 2 and not os.path.exists("/dev/nvidia0"):
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
