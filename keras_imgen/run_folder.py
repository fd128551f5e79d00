"""What lies in the folder of a run, and who works in it. Imports nothing heavy."""

import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from filelock import FileLock

LOCK = ".lock"
BACKUP = ("latest.weights.h5", "training_metadata.json")
_LEFTOVER = re.compile(r"\.[0-9a-f]{8}\.partial(\.|$)")  # what `data.files.whole` and others write beside
_held: WeakValueDictionary = WeakValueDictionary()  # this process's locks, by the real paths of their folders


def backups(folder: str) -> list[str]:
    """The names of the whole backups in a folder of `callbacks.BackupAndRestore`, oldest first: those with weights and epoch."""
    names = sorted(n for n in os.listdir(folder) if n.isdigit()) if os.path.isdir(folder) else []
    return [n for n in names if all(os.path.isfile(os.path.join(folder, n, part)) for part in BACKUP)]


def finished(folder: str) -> bool:
    """Whether the run is: it has a report, and no backup to go on from."""
    return os.path.isfile(os.path.join(folder, "report.md")) and not backups(os.path.join(folder, "backup"))


def remove(folder: str) -> None:
    """Remove a folder that may be there, first its name and then what is in it: cut off at any moment, it is there whole or not at all."""
    gone = f"{folder}.{os.urandom(4).hex()}.partial"
    try:
        os.replace(folder, gone)
    except FileNotFoundError:
        return
    shutil.rmtree(gone, ignore_errors=True)


def is_leftover(name: str) -> bool:
    """Whether this is what a process that was killed had begun to write, or to remove."""
    return bool(_LEFTOVER.search(name))


def is_empty(folder: str) -> bool:
    """Whether no run has begun in it."""
    return all(is_leftover(name) or name == LOCK for name in os.listdir(folder))


def remove_leftovers(folder: str) -> None:
    """Remove all of that below a folder."""
    for place, folders, names in os.walk(folder):
        for name in [n for n in folders if is_leftover(n)]:
            folders.remove(name)
            shutil.rmtree(os.path.join(place, name), ignore_errors=True)
        for name in [n for n in names if is_leftover(n)]:
            os.remove(os.path.join(place, name))


def unlock(held: "FileLock | None", folder: str) -> None:
    """Give the lock of a finished run's folder back; None where there was none."""
    if held is not None:
        held.release()
    with suppress(OSError):  # none, or another process looks at it just now
        os.remove(os.path.join(folder, LOCK))


def lock(folder: str) -> "FileLock":
    """A lock of the folder, which is made if it is not there: no other process gets it while the object lives.

    All in this process who ask for it get the same one.

    Raises:
        FileExistsError: another process has it.
    """
    from filelock import FileLock, Timeout

    path = os.path.realpath(folder)
    held = _held.get(path)
    if held is None:
        os.makedirs(folder, exist_ok=True)
        held = FileLock(os.path.join(path, LOCK), blocking=False)
        try:
            held.acquire()
        except Timeout:
            raise FileExistsError(
                f"Another process is training in {folder}: wait until it has ended, stop it, or choose another folder."
            ) from None
        _held[path] = held
    return held
