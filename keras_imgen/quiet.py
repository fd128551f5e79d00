"""What libraries say while the command runs - absl, oneDNN, CUDA, XLA, Keras, their warnings - stays out of its answers.

Libraries in C++ write to descriptor 2 itself. While the command runs this is a pipe to a small process, which keeps what comes and shows it
only if the command dies without having said that it ends: as it does after a crash. Python's `sys.stderr` goes to the terminal as before.
"""

import atexit
import logging
import os
import re
import sys
import warnings

END = b"\0the command ends\0"
KEPT = 1 << 16  # bytes
LOG_LINE = re.compile(
    rb"WARNING: All log messages|[IWE]\d{4} |\d{4}-\d\d-\d\d \S+: [IWE] "
)  # absl's: none of these is fatal
HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def begin() -> None:
    """From here on this process's answers hold its own words alone. Before TensorFlow is imported, while there is one thread."""
    logging.disable(logging.ERROR)
    warnings.showwarning = _show_ours
    if not hasattr(os, "fork") or sys.stderr is None:  # Windows; nobody listens
        return
    sys.stderr.flush()
    terminal, (out, into) = os.dup(2), os.pipe()
    if os.fork() == 0:
        os.close(into)
        _keep(out, terminal)
    os.close(out)
    os.dup2(into, 2)
    os.close(into)
    sys.stderr = open(terminal, "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    atexit.register(os.write, 2, END)


def _keep(out: int, terminal: int) -> None:
    """The small process: it has no part in the command's signals and output, and ends with it."""
    os.setsid()
    for descriptor in (0, 1, 2):
        os.close(descriptor)
    said = b""
    while END not in said and (more := os.read(out, KEPT)):
        said = (said + more)[-KEPT:]
    if END not in said:
        lines = [line for line in said.splitlines(True) if not LOG_LINE.match(line)]
        os.write(terminal, b"".join(lines[-40:]))
    os._exit(0)


def _show_ours(message, category, filename, lineno, file=None, line=None) -> None:
    """A warning of this package as one line, others not at all."""
    frame = sys._getframe(1)
    while frame and os.path.basename(frame.f_code.co_filename) in ("warnings.py", "_py_warnings.py"):
        frame = frame.f_back
    if frame and frame.f_code.co_filename.startswith(HERE) and issubclass(category, UserWarning):
        print(f"Warning: {' '.join(str(message).split())}", file=sys.stderr)
