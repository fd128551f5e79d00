"""Backups of the training state that are either whole or not there."""

import os
import shutil
import uuid

import keras


class BackupAndRestore(keras.callbacks.BackupAndRestore):
    """As `keras.callbacks.BackupAndRestore`, but each backup is written beside the last one and takes its place whole.

    Keras overwrites its weights and then its epoch number: a process killed in between leaves a torn file, or the
    weights of one epoch with the number of another. Here both lie in a folder of their own, `backup_dir/00000003`, which
    one rename puts there. Older ones are removed afterwards: from the first on there is a usable backup at any moment.
    """

    def _load_model(self):
        found = self._complete()
        if found:
            self._look_at(found[-1])
            super()._load_model()

    def _save_model(self):
        found = self._complete()
        name = f"{int(found[-1]) + 1 if found else 1:08d}"
        beside = f"{name}.{uuid.uuid4().hex[:8]}.partial"
        os.makedirs(os.path.join(self.backup_dir, beside))
        try:
            self._look_at(beside)
            super()._save_model()
            os.replace(os.path.join(self.backup_dir, beside), os.path.join(self.backup_dir, name))
        finally:
            shutil.rmtree(os.path.join(self.backup_dir, beside), ignore_errors=True)
        for other in os.listdir(self.backup_dir):  # older backups, and what killed processes left
            keep = (name, *found[-1:]) if self.double_checkpoint else (name,)
            if other not in keep and other.split(".")[0].isdigit():
                shutil.rmtree(os.path.join(self.backup_dir, other), ignore_errors=True)

    def _complete(self) -> list[str]:
        """Names of the whole backups, oldest first."""
        return sorted(n for n in os.listdir(self.backup_dir) if n.isdigit()) if os.path.isdir(self.backup_dir) else []

    def _look_at(self, name: str) -> None:
        self._weights_path = os.path.join(self.backup_dir, name, "latest.weights.h5")
        self._training_metadata_path = os.path.join(self.backup_dir, name, "training_metadata.json")
