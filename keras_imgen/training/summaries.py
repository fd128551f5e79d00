"""Pictures for TensorBoard."""

import numpy as np


class ImageSummaries:
    """Writes pictures into a log folder of TensorBoard.

    Args:
        folder: made if it is not there.
    """

    def __init__(self, folder: str):
        import tensorflow as tf

        self._writer = tf.summary.create_file_writer(folder)

    def add(self, name: str, image: np.ndarray, step: int) -> None:
        """One picture under a name; on disk when this returns.

        Args:
            name: what TensorBoard shows it under.
            image: uint8 (H, W, C).
            step: number of the epoch or step.
        """
        import tensorflow as tf

        with self._writer.as_default():
            tf.summary.image(name, image[None], step=step)
        self._writer.flush()
