"""Systems that are compared: each in a process of its own, with its own environment and thread pools, timed in turn."""

import contextlib
import multiprocessing
import os
import platform
import statistics
import time

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


class System:
    """`make(*args)` in a new process; it returns (jobs, about): functions without arguments by name, and facts as a dict.

    Args:
        environment: variables of the process; None takes one away.

    Raises:
        ImportError: `make` needs a package that is not installed.
    """

    def __init__(self, make, *args, environment: dict[str, str | None] | None = None):
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        with _environment(environment or {}):
            self._process = context.Process(target=_serve, args=(other, make, args), daemon=True)
            self._process.start()
        other.close()
        self.about = self._receive()

    def seconds(self, job: str) -> float:
        """How long the job takes, once."""
        self._pipe.send(job)
        return self._receive()

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join()

    def _receive(self):
        try:
            answer = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"The system's process died with exit code {self._process.exitcode}.") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


@contextlib.contextmanager
def _environment(changes):
    before = {name: os.environ.get(name) for name in changes}
    try:
        for name, value in changes.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})


def _serve(pipe, make, args):
    try:
        jobs, about = make(*args)
    except Exception as error:
        pipe.send(error)
        return
    pipe.send(about)
    with contextlib.suppress(EOFError):  # the benchmark has ended
        while (job := pipe.recv()) is not None:
            try:
                pipe.send(timed(jobs[job]))
            except Exception as error:
                pipe.send(error)


def start(descriptions: dict[str, tuple]) -> dict[str, System]:
    """Systems from (make, args, environment) by name; those whose package is not installed are left out, aloud."""
    systems = {}
    for name, (make, args, environment) in descriptions.items():
        try:
            systems[name] = System(make, *args, environment=environment)
        except ImportError as error:
            print(f"{name} is left out: {error}.")
    return systems


def interleaved(systems: dict[str, System], job: str, rounds: int, warm: int = 2) -> dict[str, float]:
    """Median seconds of a job by system: in each round every system does it once, forwards and backwards in turn."""
    for system in systems.values():
        for _ in range(warm):
            system.seconds(job)
    seconds = {name: [] for name in systems}
    for i in range(rounds):
        for name in list(systems)[:: 1 if i % 2 else -1]:
            time.sleep(0.1)  # the threads of the one before go to sleep
            systems[name].seconds(job)  # and this one's wake up
            seconds[name].append(systems[name].seconds(job))
    return {name: statistics.median(s) for name, s in seconds.items()}


def timed(fn) -> float:
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


def sgemm_peak(size: int = 2048, rounds: int = 5) -> float:
    """GFLOP/s of NumPy's float32 matrix product."""
    a = np.ones((size, size), "float32")
    return 2 * size**3 / 1e9 / min(timed(lambda: a @ a) for _ in range(rounds))


def machine() -> dict:
    """What a benchmark's last line says of where it ran."""
    return {
        "cpu": cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "sgemm_gflops": sgemm_peak(),
        "python": platform.python_version(),
    }


def cpu() -> str:
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":")[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
