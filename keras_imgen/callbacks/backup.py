"""Backups of the training state that are either whole or not there."""

import errno
import os
import shutil
import tempfile
import uuid
from math import prod
from typing import Any

import keras
import numpy as np

from keras_imgen.run_folder import BACKUP, backups, remove


class BackupAndRestore(keras.callbacks.BackupAndRestore):
    """As `keras.callbacks.BackupAndRestore`, with its arguments, but each backup is written beside the last one and takes its place whole.

    Keras overwrites its weights and then its epoch number: a process killed in between leaves a torn file, or the
    weights of one epoch with the number of another. Here both lie in a folder of their own, `backup_dir/00000003`, which
    one rename puts there. Older ones are removed afterwards: from the first on there is a usable backup at any moment.
    """

    def _load_model(self):
        found = backups(self.backup_dir)
        if found:
            self._look_at(found[-1])
            super()._load_model()
            self._current_epoch = self.model._initial_epoch  # a backup inside this epoch has its number

    def _save_model(self):
        if getattr(self.model, "not_finite", None) is not None:  # the epoch was cut off, and the last backup counts
            return
        found = backups(self.backup_dir)
        taken = [int(n) for n in os.listdir(self.backup_dir) if n.isdigit()] if os.path.isdir(self.backup_dir) else []
        name = f"{max(taken, default=0) + 1:08d}"
        beside = os.path.join(self.backup_dir, f"{name}.{uuid.uuid4().hex[:8]}.partial")
        os.makedirs(beside)
        try:
            self._look_at(os.path.basename(beside))
            room_for(self.model, beside)  # HDF5 brings the process down where a file does not fit
            super()._save_model()
            for part in BACKUP:  # on the disk, before the last one goes
                with open(os.path.join(beside, part), "rb+") as f:
                    os.fsync(f.fileno())
            os.replace(beside, os.path.join(self.backup_dir, name))
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        for other in os.listdir(self.backup_dir):  # older backups, and what killed processes left
            keep = (name, *found[-1:]) if self.double_checkpoint else (name,)
            if other not in keep and other.split(".")[0].isdigit():
                remove(os.path.join(self.backup_dir, other))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.delete_checkpoint:
            remove(self.backup_dir)

    def _look_at(self, name: str) -> None:
        self._weights_path, self._training_metadata_path = (os.path.join(self.backup_dir, name, p) for p in BACKUP)


def room_for(model: keras.Model, folder: str) -> None:
    """Check that the folder has room for a file of the model's weights and optimizers.

    Raises:
        OSError: it does not.
    """
    held = [*model.variables, *model.optimizer.variables]
    size = sum(prod(v.shape) * np.dtype(v.dtype).itemsize + 4096 for v in held)
    try:
        if hasattr(os, "posix_fallocate"):  # which knows quotas too
            with tempfile.TemporaryFile(dir=folder) as f:
                os.posix_fallocate(f.fileno(), 0, size)
        elif shutil.disk_usage(folder).free < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):  # a file system that reserves nothing
            raise OSError(error.errno, error.strerror, folder) from None
