"""Samples against real images: the metrics that are asked for, each with its floor, and the protocol they were taken by."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from keras_imgen.metric_names import DEFAULT, INCEPTION_NAMES, METRICS
from keras_imgen.metrics import distances, extractors
from keras_imgen.metrics.classifier_accuracy import classifier_accuracy
from keras_imgen.metrics.features import Features, batches, extract, reference
from keras_imgen.metrics.memorisation import Memorisation, memorisation
from keras_imgen.metrics.moments import frechet_distance, moments

CHECKED = 1000  # samples that are compared with training images, at most


@dataclass
class Result:
    """One number, with what it is called and what real images get.

    Args:
        metric: key of the number.
        name: the full name, with the extractor's.
        value: the number.
        deviation: the spread over subsets, where there is one.
        floor: what real images get; None where it was not taken.
        better: "lower" or "higher".
    """

    metric: str
    name: str
    value: float
    deviation: float | None
    floor: float | None
    better: str


@dataclass
class Evaluation:
    """What `evaluate` gives. `memorised` and `nearest_images` are of the first samples, and None unless asked for.

    Args:
        results: the numbers, in the order of the metrics.
        protocol: how they were taken, by name, for JSON.
        warnings: what was said on the way.
        samples: the first of them, uint8 (n, H, W, C).
        memorised: these beside the training images.
        floor_memorised: held-out images beside them.
        nearest_images: the training image that is nearest to each of these, uint8 (n, H, W, C).
    """

    results: list[Result]
    protocol: dict[str, Any]
    warnings: list[str]
    samples: np.ndarray = field(repr=False)
    memorised: Memorisation | None = field(default=None, repr=False)
    floor_memorised: Memorisation | None = field(default=None, repr=False)
    nearest_images: np.ndarray | None = field(default=None, repr=False)

    def __getitem__(self, metric: str) -> float:
        return next(r.value for r in self.results if r.metric == metric)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"results": [asdict(r) for r in self.results], "protocol": self.protocol, "warnings": self.warnings}


def evaluate(
    samples: Any,
    real: Any,
    extractor: Any,
    metrics: Sequence[str] = DEFAULT,
    held_out: Any = None,
    seed: int = 0,
    progress: bool = False,
    **about: Any,
) -> Evaluation:
    """Evaluate samples against real images.

    Args:
        samples: uint8 (N, H, W, C) of one shape: an array, (images, labels), or a tf.data.Dataset of batches as `data.load` gives them,
            unshuffled.
        real: the same of real images. They should be the training images: copies are looked for among them.
        extractor: see `extractors.get`.
        metrics: keys of `metric_names.METRICS`.
        held_out: real images not in `real`, with which each floor is taken: as many as there are samples, if there are.
            Without them the real images are halved at random, and the floor is of one half against the other.
        seed: of subsets, projections and classifiers.
        progress: show progress bars.
        **about: anything to note in the protocol.

    Raises:
        ValueError: unknown metrics, floats, images of different shapes, labels missing where they are needed.

    Warns:
        UserWarning: too few images for a metric, values that look wrongly scaled.
    """
    metrics, extractor = _named(metrics, extractors.get(extractor))
    started = time.perf_counter()
    (images, labels), (real_images, real_labels) = _pair(samples), _pair(real)
    held_images, held_labels = _pair(held_out) if held_out is not None else (None, None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        first = _first(images, CHECKED)
        shapes = {"samples": first.shape[1:], "real": _first(real_images, 1).shape[1:]}
        if held_images is not None:
            shapes["held out"] = _first(held_images, 1).shape[1:]
        if len(set(shapes.values())) > 1:
            told = ", ".join(f"{k} {'x'.join(map(str, v))}" for k, v in shapes.items())
            raise ValueError(
                f"Expected images of one size and channels, got {told}. Load the real ones at the samples' size."
            )
        _look(first, "The samples")
        _look(_first(real_images, CHECKED), "The real images")
        bar = lambda text: f"{text:<22}" if progress else None  # noqa: E731
        r = reference(real_images, extractor, bar("Real images"))
        s = extract(images, extractor, bar("Samples"))
        if held_images is not None:
            h = reference(held_images, extractor, bar("Held-out images"))
            pair = (r, _subset(h, np.arange(min(len(h), len(s)))))
        else:
            order = np.random.default_rng(seed).permutation(len(r))
            pair = _subset(r, order[::2]), _subset(r, order[1::2])
        if len(s) < 1000:
            warnings.warn(
                f"{len(s)} samples are few: distances between sets are biased or noisy below 1,000.", stacklevel=2
            )
        found = Evaluation([], {}, [], first)
        for metric in metrics:
            if metric in _FEATURE_METRICS:
                with warnings.catch_warnings():
                    values = _FEATURE_METRICS[metric](r, s, seed)
                    warnings.simplefilter("ignore")  # once is enough
                    floors = _FEATURE_METRICS[metric](*pair, seed)
                for key, (value, deviation, better, name) in values.items():
                    name = extractor.named(name)
                    found.results.append(Result(key, name, value, deviation, floors[key][0], better))
            elif metric == "memorisation":
                _memorisation(found, real_images, held_images)
            else:
                _classifier_accuracy(
                    found, (images, labels), (real_images, real_labels), (held_images, held_labels), seed
                )
    found.warnings = list(dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, UserWarning)))
    for text in found.warnings:
        warnings.warn(text, stacklevel=2)
    found.protocol = {
        **about,
        "samples": len(s),
        "real images": len(r),
        "held-out images": None if held_images is None else len(h),
        "floor": f"{len(pair[1])} real images against {len(pair[0])} others",
        "image": "x".join(map(str, first.shape[1:])),
        "extractor": extractor.identity,
        "features": r.rows.shape[1],
        "resizer": extractor.resizer,
        "kernel distance": f"subsets of {min(1000, len(s), len(r))}",
        "neighbours": 5,
        "seed": seed,
        "seconds": round(time.perf_counter() - started, 1),
    }
    return found


def _named(metrics, extractor):
    """The metrics by their full keys, each once; FID and KID only of Inception."""
    metrics = list(dict.fromkeys(metrics))
    for short in INCEPTION_NAMES:
        if short in metrics and extractor.name != extractors.INCEPTION:
            raise ValueError(
                f"{short.upper()} is the name of the distance of Inception-v3's features: ask for "
                f"{INCEPTION_NAMES[short]!r}, or choose the extractor {extractors.INCEPTION!r}, not {extractor.identity}."
            )
    metrics = [INCEPTION_NAMES.get(m, m) for m in metrics]
    if unknown := [m for m in metrics if m not in METRICS]:
        raise ValueError(f"There is no metric {unknown[0]!r}. Choose from {', '.join([*METRICS, *INCEPTION_NAMES])}.")
    return metrics, extractor


def _pair(images):
    """(images, labels or None)."""
    return images if isinstance(images, tuple) else (images, None)


def _first(images, n: int) -> np.ndarray:
    parts, have = [], 0
    for batch in batches(images):
        parts.append(batch[: n - have])
        have += len(parts[-1])
        if have == n:
            break
    return np.concatenate(parts)


def _look(images, who: str) -> None:
    top = int(images.max())
    if top <= 1:
        raise ValueError(f"{who} are uint8 but none is above {top}: multiply floats in [0, 1] by 255 before the cast.")
    if top < 64:
        warnings.warn(f"{who} are dark: no value above {top} of 255. Are they scaled right?", stacklevel=3)
    if (images == images[:, :1, :1]).all():
        warnings.warn(f"{who} are of one colour each.", stacklevel=3)
    if images.shape[-1] == 3 and (images[..., :1] == images).all():
        warnings.warn(f"{who} have three equal channels: they are gray pictures stored as colour.", stacklevel=3)


def _subset(features: Features, rows) -> Features:
    return Features(features.rows[rows], features.probabilities[rows], moments(features.rows[rows]))


# Of each: {key: (value, deviation, which way is better, name)}, from the reference's features, the samples', a seed.
def _frechet(r, s, seed):
    return {"frechet": (frechet_distance(r.moments, s.moments), None, "lower", "Fréchet")}


def _kernel(r, s, seed):
    return {"kernel": (*distances.kernel_distance(r.rows, s.rows, seed=seed), "lower", "kernel")}


def _precision_recall(r, s, seed):
    rows = [
        v.rows if len(v) <= 10_000 else v.rows[np.random.default_rng(seed).permutation(len(v))[:10_000]] for v in (r, s)
    ]
    return {k: (v, None, "higher", k.capitalize()) for k, v in distances.precision_recall(*rows).items()}


def _inception_score(r, s, seed):
    order = np.random.default_rng(seed).permutation(len(s))  # classes may come in turn
    return {"inception_score": (*distances.inception_score(s.probabilities[order]), "higher", "Inception score")}


def _sliced_wasserstein(r, s, seed):
    value = distances.sliced_wasserstein(r.rows, s.rows, seed=seed)
    return {"sliced_wasserstein": (value, None, "lower", "Sliced Wasserstein distance")}


def _modes(r, s, seed):
    found = distances.mode_coverage(r.probabilities, s.probabilities)
    return {
        "modes": (found["modes"], None, "higher", f"Classes that occur, of {found['modes_real']}"),
        "mode_kl": (found["mode_kl"], None, "lower", "KL of class shares, nats"),
    }


_FEATURE_METRICS = {
    "frechet": _frechet,
    "kernel": _kernel,
    "precision_recall": _precision_recall,
    "inception_score": _inception_score,
    "sliced_wasserstein": _sliced_wasserstein,
    "modes": _modes,
}


def feature_metrics(metrics: Sequence[str], extractor: Any) -> tuple[list[str], Any]:
    """The metrics by their full keys, and the extractor.

    Raises:
        ValueError: unknown ones, and those that need more than features.
    """
    metrics, extractor = _named(metrics, extractor)
    if other := [m for m in metrics if m not in _FEATURE_METRICS]:
        raise ValueError(f"{other[0]} needs more than features. Choose from {', '.join(_FEATURE_METRICS)}.")
    return metrics, extractor


def values(
    metrics: Sequence[str], real: Features, samples: Features, extractor: Any, seed: int = 0
) -> dict[str, float]:
    """The numbers of `feature_metrics`, as `kernel`; `fid` and `kid` with Inception-v3.

    Args:
        metrics: full keys.
        real: features of the real images.
        samples: features of the samples.
        extractor: what made them.
        seed: of subsets and projections.
    """
    short = {v: k for k, v in INCEPTION_NAMES.items()} if extractor.name == extractors.INCEPTION else {}
    found = {}
    for metric in metrics:
        for key, (value, *_) in _FEATURE_METRICS[metric](real, samples, seed).items():
            found[short.get(key, key)] = float(value)
    return found


def _memorisation(found, real_images, held_images) -> None:
    found.memorised = memorisation(found.samples, real_images)
    floor = None
    if held_images is not None:
        found.floor_memorised = memorisation(_first(held_images, CHECKED), real_images)
        floor = found.floor_memorised.fraction
    wanted = dict.fromkeys(found.memorised.nearest)
    seen = 0
    for batch in batches(real_images):
        for number in range(seen, seen + len(batch)):
            if number in wanted:
                wanted[number] = batch[number - seen]
        seen += len(batch)
    found.nearest_images = np.stack([wanted[number] for number in found.memorised.nearest])
    name = f"Share of copies among {len(found.samples)} samples"
    found.results.append(Result("memorisation", name, found.memorised.fraction, None, floor, "lower"))


def _classifier_accuracy(found, samples, real, held_out, seed) -> None:
    arrays = []
    for name, (images, labels) in {"samples": samples, "real": real, "held_out": held_out}.items():
        if images is not None and labels is None:
            images, labels = labelled(images)
        if images is None or labels is None:
            raise ValueError(f"The metric classifier_accuracy needs {name} images with labels.")
        if not isinstance(images, np.ndarray):
            images = np.concatenate(list(batches(images)))
        arrays.append((images, np.asarray(labels)))
    (x, y), (rx, ry), test = arrays
    order = np.random.default_rng(seed).permutation(len(rx))[: len(x)]
    value = classifier_accuracy(x, y, *test, seed=seed)
    floor = classifier_accuracy(rx[order], ry[order], *test, seed=seed)
    name = f"Accuracy of a classifier that learned the {len(x)} samples (floor: {len(order)} real images)"
    found.results.append(Result("classifier_accuracy", name, value, None, floor, "higher"))


def labelled(images: Any) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The images and labels of a Dataset of dicts as arrays; (images, None) where it has no labels."""
    if isinstance(images, np.ndarray):
        return images, None
    parts = [(np.asarray(b["image"]), b.get("label")) if isinstance(b, dict) else (b, None) for b in images]
    if any(label is None for _, label in parts):
        return images, None
    return np.concatenate([i for i, _ in parts]), np.concatenate([np.asarray(label) for _, label in parts])
