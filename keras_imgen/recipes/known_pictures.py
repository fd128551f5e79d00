"""CIFAR-10 (Krizhevsky 2009) and photographs of five kinds of flowers, by class: to learn from, to watch by, and to judge by at the end."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_imgen.data import Augment, load, sources
from keras_imgen.data.files import data_file, one_line
from keras_imgen.metrics import evaluate, extractors
from keras_imgen.models import ImageModel
from keras_imgen.recipes.own_pictures import rows_of

# The pack of each split under KERAS_IMGEN_DATA, and the name that tensorflow-datasets has for the set.
PACKS = {
    "cifar10": ({"train": ("cifar10", "train20k.npz"), "test": ("cifar10", "test.npz")}, "cifar10"),
    "flowers": ({"train": ("flowers", "flowers128.npz")}, "tf_flowers"),
}


@dataclass
class KnownPictures:
    """Pictures of a set, `image` uint8 (N, size, size, 3) and `label` (N,) by key.

    Args:
        learned: from these a model learns; a twentieth of them are `watched` in its place, after every epoch.
        watched: see `learned`.
        test: seen once, when the model is finished: those of the set, else a tenth of the pictures. Both are the same for every seed.
        class_names: of the labels.
    """

    learned: dict[str, np.ndarray]
    watched: dict[str, np.ndarray]
    test: dict[str, np.ndarray]
    class_names: list[str]

    def batches(
        self, batch: int, passes: int, steps_per_epoch: int | None, group: int, seed: int
    ) -> tuple[Any, Any, Any, int]:
        """Data sets, in an order that depends on (seed, epoch), left and right exchanged at random.

        Args:
            batch: pictures of a batch.
            passes: how often an epoch shows each picture, since what follows an epoch takes a while.
            steps_per_epoch: at most so many.
            group: steps that go in one dispatch; an epoch has whole groups, where it has one.
            seed: of the order.

        Returns:
            (what `fit` takes, its validation data, what `evaluate` takes, steps of an epoch).
        """
        learned = {k: np.concatenate([v] * passes) for k, v in self.learned.items()}
        learn = load(learned, batch=batch, seed=seed, augment=Augment(flip="horizontal"))
        steps = min(len(learn), steps_per_epoch or len(learn))
        steps = steps - steps % group or steps
        watch, test = (load(rows, "test", batch=batch) for rows in (self.watched, self.test))
        return learn.take(steps), watch, test, steps

    def judged(self, model: ImageModel, n: int) -> dict[str, float]:
        """Distances of new pictures, classes in turn, from those that were learned from, at most twice as many; what as many test pictures
        get beside them: the distances of fewer are larger.

        Args:
            model: that has learned.
            n: how many, at most as many as there are for the test; 0 for no judgement.

        Returns:
            The numbers by name; none, with a line that says why, where the weights of the extractor are not there.
        """
        try:
            judge = extractors.get("efficientnet-lite0") if n else None
        except FileNotFoundError as error:
            print(f"The model is not judged: {error}")
            judge = None
        if judge is None:
            return {}
        n = min(n, len(self.test["image"]))
        labels = np.arange(n) % len(self.class_names)
        made = model.generate(labels=labels, seed=0, batch_size=min(n, 250))
        found = evaluate(made, self.learned["image"][: 2 * n], judge, ["frechet", "kernel"], self.test["image"][:n])
        numbers = {r.name: r.value for r in found.results}
        return numbers | {f"{r.name}, real test pictures": r.floor for r in found.results}


def known_pictures(name: str, size: int) -> KnownPictures:
    """A set of `PACKS`, from its packs or from tensorflow-datasets.

    Args:
        name: of the set.
        size: of its pictures, in pixels.

    Raises:
        FileNotFoundError: it is in neither place.
    """
    packs, tfds = PACKS[name]
    rng = np.random.default_rng(0)  # not the run's: what is tested is never learned from, by whatever seed

    def rows(split):
        try:
            found = sources.find(f"npz:{data_file(*packs[split])}", sources.Request("all", (size, size), 3))
        except FileNotFoundError as missing:
            try:
                found = sources.find(f"tfds:{tfds}", sources.Request(split, (size, size), 3))
            except (ValueError, ImportError, OSError) as error:
                raise FileNotFoundError(f"{missing} Nor has tensorflow-datasets {tfds}: {one_line(error)}.") from None
        return rows_of(found, None, rng), [str(name) for name in found.class_names]

    train, names = rows("train")
    order = rng.permutation(len(train["image"]))
    some = lambda which: {k: v[which] for k, v in train.items()}  # noqa: E731
    tested = len(order) // 10 if "test" not in packs else 0
    watched = tested + (len(order) - tested) // 20
    test = rows("test")[0] if "test" in packs else some(order[:tested])
    return KnownPictures(some(order[watched:]), some(order[tested:watched]), test, names)
