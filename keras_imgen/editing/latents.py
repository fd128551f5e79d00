"""Latent spaces of autoencoders: on the way between two pictures, along one number, with an attribute more or less.

Each function takes a model with `encode` and `decode`, in memory or served, with latents (N, D). `labels` go to both, for models that
take them.
"""

from typing import Any

import numpy as np

from keras_imgen.models.adversarial.latent import slerp

VALUES = tuple(np.linspace(-2.5, 2.5, 8))


def interpolate(
    model: Any, start: np.ndarray, stop: np.ndarray, frames: int = 8, spherical: bool = False, labels: Any = None
) -> np.ndarray:
    """Pictures on the way from `start` to `stop`: uint8 (frames, H, W, C), both ends reconstructed.

    Args:
        model: an autoencoder.
        start: uint8 (H, W, C).
        stop: uint8 (H, W, C).
        frames: number of pictures, at least two.
        spherical: along a great circle (slerp), on which the length of latents stays what N(0, I) has; else along a line.
        labels: int, for a conditional model.

    Raises:
        ValueError: fewer than two frames; codes that are not (N, D).
    """
    if frames < 2:
        raise ValueError(f"Expected at least two frames, got {frames!r}.")
    both = _vectors(model, model.encode(np.stack([start, stop]), labels))
    share = np.linspace(0.0, 1.0, frames, dtype="float32")
    a, b = (np.repeat(v[None], frames, 0) for v in both)
    way = np.array(slerp(a, b, share)) if spherical else a + share[:, None] * (b - a)
    return model.decode(way, labels)


def traverse(model: Any, image: np.ndarray, dims: Any = None, values: Any = VALUES, labels: Any = None) -> np.ndarray:
    """What each latent number stands for: a picture's latent with one number after the other set to each of `values`.

    Args:
        model: an autoencoder.
        image: uint8 (H, W, C).
        dims: which numbers; None is all.
        values: in latent units; for a VAE those of N(0, 1).
        labels: int, for a conditional model.

    Returns:
        uint8 (len(dims), len(values), H, W, C); `data.image_io.make_grid` of its rows shows it: `pictures.reshape(-1, H, W, C)`
        with `columns=len(values)`.

    Raises:
        ValueError: `dims` that the latents do not have; codes that are not (N, D).
    """
    z = _vectors(model, model.encode(image[None], labels))[0]
    dims = range(len(z)) if dims is None else list(dims)
    if any(not 0 <= k < len(z) for k in dims):
        raise ValueError(f"Expected `dims` in 0..{len(z) - 1}, got {list(dims)}.")
    values = np.asarray(values, "float32")
    rows = np.broadcast_to(z, (len(dims), len(values), len(z))).copy()
    for i, k in enumerate(dims):
        rows[i, :, k] = values
    made = model.decode(rows.reshape(-1, len(z)), labels)
    return made.reshape(len(dims), len(values), *made.shape[1:])


def attribute_vector(
    model: Any, having: np.ndarray, lacking: np.ndarray, having_labels: Any = None, lacking_labels: Any = None
) -> np.ndarray:
    """The direction (D,) from pictures without an attribute to pictures with it.

    It is the difference of the means of their latents (Larsen et al. 2016, section 3.2).

    Args:
        model: an autoencoder.
        having: pictures with the attribute, uint8 (N, H, W, C).
        lacking: pictures without it, uint8 (M, H, W, C).
        having_labels: ints (N,), for a conditional model.
        lacking_labels: ints (M,), for a conditional model.

    Raises:
        ValueError: no pictures of one kind; codes that are not (N, D).
    """
    if not len(having) or not len(lacking):
        raise ValueError(f"Expected pictures of both kinds, got {len(having)} with and {len(lacking)} without.")
    with_it, without = model.encode(having, having_labels), model.encode(lacking, lacking_labels)
    return _vectors(model, with_it).mean(0) - _vectors(model, without).mean(0)


def add_attribute(
    model: Any, images: np.ndarray, vector: np.ndarray, strength: float = 1.0, labels: Any = None
) -> np.ndarray:
    """Pictures with the attribute of `attribute_vector`, uint8 (N, H, W, C).

    Args:
        model: an autoencoder.
        images: uint8 (N, H, W, C).
        vector: the direction (D,).
        strength: factor of the direction; a negative one takes the attribute away.
        labels: ints (N,), for a conditional model.

    Raises:
        ValueError: codes that are not (N, D).
    """
    return model.decode(_vectors(model, model.encode(images, labels)) + np.float32(strength) * vector, labels)


def scatter(model: Any, data: Any, path: str, limit: int = 2000) -> None:
    """A PNG of the first two principal components of the latents of a data set, coloured by its labels.

    Args:
        model: an autoencoder.
        data: batches with `image` and, if they are to be coloured, `label`, as of `data.load`.
        path: of the PNG.
        limit: at most so many images.

    Raises:
        ValueError: codes that are not (N, D).
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA

    from keras_imgen.data.files import whole

    z, labels = [], []
    for batch in data:
        y = np.asarray(batch["label"]) if "label" in batch else None
        z.append(_vectors(model, model.encode(np.asarray(batch["image"]), y if model.num_classes else None)))
        labels.append(np.zeros(len(z[-1]), int) if y is None else y)
        if sum(map(len, z)) >= limit:
            break
    z, labels = np.concatenate(z)[:limit], np.concatenate(labels)[:limit]
    pca = PCA(min(2, z.shape[1])).fit(z)
    xy = pca.transform(z)
    figure = Figure(figsize=(6, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for k in np.unique(labels):
        own = xy[labels == k]
        axes.scatter(own[:, 0], own[:, -1], s=6, label=str(k))
    share = pca.explained_variance_ratio_
    axes.set(xlabel=f"first principal component, {share[0]:.0%}", ylabel=f"second, {share[-1]:.0%}")
    if len(np.unique(labels)) > 1:
        axes.legend(markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
    with whole(path) as beside:
        figure.savefig(beside, dpi=110, format="png")


def _vectors(model, latents):
    if latents.ndim != 2:
        raise ValueError(f"{type(model).__name__} has codes of shape {latents.shape[1:]}: expected latents (N, D).")
    return latents
