"""The CPU that this process may use."""

import os


def cores() -> int:
    """Cores, as limited by taskset or a container where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_thread_per_op() -> None:
    """Let TensorFlow compute every op of this process on one thread: for models that run halves of a batch side by side, on two cores.

    To be called before TensorFlow is imported, by whom the process belongs to; a setting of the user's stays. Nothing on other
    machines: there it has not been measured.
    """
    if cores() == 2:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
