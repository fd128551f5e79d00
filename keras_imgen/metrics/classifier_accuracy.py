"""Classification accuracy score: what a classifier learns from generated images alone, tested on real ones."""

import keras
import numpy as np

from keras_imgen.networks import lenet


def classifier_accuracy(
    images: np.ndarray,
    labels: np.ndarray,
    test_images: np.ndarray,
    test_labels: np.ndarray,
    epochs: int = 5,
    batch: int = 64,
    seed: int = 0,
) -> float:
    """Accuracy on the test images of a `lenet` trained on (images, labels) (Ravuri & Vinyals 2019, with a small network).

    Compare it with the same from as many real images: for them it is plain training.

    Args:
        images: generated, uint8 (N, H, W, C), 8 to 64 pixels on each side.
        labels: of the images, whole numbers from 0, (N,).
        test_images: real, uint8 (M, H, W, C).
        test_labels: of the test images, whole numbers from 0, (M,).
        epochs: of training.
        batch: images of a step.
        seed: of weights and order.

    Raises:
        ValueError: images of another type or of different shapes, of more than 64 pixels, or not as many labels.
    """
    images, test_images = np.asarray(images), np.asarray(test_images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != test_images.shape[1:]:
        raise ValueError(
            f"Expected uint8 images of one shape to learn and to test, got {images.dtype} {images.shape} and {test_images.shape}."
        )
    if max(images.shape[1:3]) > 64:
        raise ValueError(f"Expected images of at most 64 pixels: the classifier is small; got {images.shape[1:3]}.")
    if len(images) != len(labels) or len(test_images) != len(test_labels):
        raise ValueError(f"Expected a label for each image, got {len(labels)} for {len(images)}.")
    model = train_classifier(images, labels, int(max(np.max(labels), np.max(test_labels))) + 1, epochs, batch, seed)
    right = [
        model.predict_on_batch(test_images[i : i + 512]).argmax(1) == test_labels[i : i + 512]
        for i in range(0, len(test_images), 512)
    ]
    return float(np.concatenate(right).mean())


def train_classifier(
    images: np.ndarray, labels: np.ndarray, num_classes: int, epochs: int = 5, batch: int = 64, seed: int = 0
) -> keras.Model:
    """A `lenet` trained on arrays with Adam and a cosine to zero; the same for the same seed.

    Args:
        images: uint8 (N, H, W, C), 8 pixels or more on each side.
        labels: whole numbers from 0, (N,).
        num_classes: number of classes.
        epochs: of training.
        batch: images of a step, at most N.
        seed: of weights and order.
    """
    keras.utils.set_random_seed(seed)
    batch = min(batch, len(images))
    steps = len(images) // batch
    model = lenet(images.shape[1:], num_classes)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, epochs * steps)
    model.compile(keras.optimizers.Adam(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(len(images))[: steps * batch].reshape(steps, batch)
        for rows in order:
            model.train_on_batch(images[rows], labels[rows])
    return model
