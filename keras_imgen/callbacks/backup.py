"""Backups of the training state that are either whole or not there."""

import os
import shutil
import uuid

import keras

from keras_imgen.run_folder import BACKUP, backups, remove


class BackupAndRestore(keras.callbacks.BackupAndRestore):
    """As `keras.callbacks.BackupAndRestore`, but each backup is written beside the last one and takes its place whole.

    Keras overwrites its weights and then its epoch number: a process killed in between leaves a torn file, or the
    weights of one epoch with the number of another. Here both lie in a folder of their own, `backup_dir/00000003`, which
    one rename puts there. Older ones are removed afterwards: from the first on there is a usable backup at any moment.
    """

    def _load_model(self):
        found = backups(self.backup_dir)
        if found:
            self._look_at(found[-1])
            super()._load_model()

    def on_epoch_end(self, epoch, logs=None):
        if getattr(self.model, "not_finite", None) is None:  # else the epoch was cut off, and the last one counts
            super().on_epoch_end(epoch, logs)

    def _save_model(self):
        found = backups(self.backup_dir)
        taken = [int(n) for n in os.listdir(self.backup_dir) if n.isdigit()] if os.path.isdir(self.backup_dir) else []
        name = f"{max(taken, default=0) + 1:08d}"
        beside = os.path.join(self.backup_dir, f"{name}.{uuid.uuid4().hex[:8]}.partial")
        os.makedirs(beside)
        try:
            self._look_at(os.path.basename(beside))
            super()._save_model()
            for part in BACKUP:  # on the disk, before the last one goes
                with open(os.path.join(beside, part), "rb") as f:
                    os.fsync(f.fileno())
            os.replace(beside, os.path.join(self.backup_dir, name))
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        for other in os.listdir(self.backup_dir):  # older backups, and what killed processes left
            keep = (name, *found[-1:]) if self.double_checkpoint else (name,)
            if other not in keep and other.split(".")[0].isdigit():
                remove(os.path.join(self.backup_dir, other))

    def on_train_end(self, logs=None):
        if self.delete_checkpoint:
            remove(self.backup_dir)

    def _look_at(self, name: str) -> None:
        self._weights_path, self._training_metadata_path = (os.path.join(self.backup_dir, name, p) for p in BACKUP)
