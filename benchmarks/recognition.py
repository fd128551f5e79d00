"""Is a sample what it was asked to be, and do the samples cover the real pictures? Judged by a classifier of real pictures.

    python -m benchmarks.recognition saved_models/digits-diffusion/model.keras digits --size 16

A support vector machine (RBF kernel) learns the real training pictures. Printed: its accuracy on real test pictures, the share
of class-conditional samples that it recognises as their class, and the accuracy on real test pictures of one that has learned
the samples alone ("classification accuracy score", Ravuri & Vinyals 2019), beside one that has learned as many real pictures.
The last line is one JSON object.
"""

import argparse
import json
import platform
import time

import numpy as np


def labelled(source, split, size=None, limit=None):
    """(images uint8, labels) of a source of `keras_imgen.data.load`."""
    from keras_imgen.data import load

    data = list(load(source, split, size, 256, shuffle=False, drop_remainder=False, limit=limit))
    return tuple(np.concatenate([b[k].numpy() for b in data]) for k in ("image", "label"))


def flat(images):
    return images.reshape(len(images), -1) / 255.0


def classifier(images, labels):
    """A support vector machine that has learned them; it takes `flat` images."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    return make_pipeline(StandardScaler(with_std=False), SVC(C=10)).fit(flat(images), labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a .keras file or a SavedModel")
    parser.add_argument("source", help="as for keras_imgen.data.load: digits, fashion_mnist, ...")
    parser.add_argument("--size", type=int, help="of the images; default: the source's")
    parser.add_argument("-n", type=int, default=1000, help="samples, classes in turn")
    parser.add_argument("--real", type=int, default=10_000, help="at most so many real training pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guidance-scale", type=float, help="default: the model's")
    args = parser.parse_args()

    import keras

    from keras_imgen.commands.common import load_model

    model = load_model(args.model)
    labels = np.arange(args.n) % model.num_classes
    start = time.perf_counter()
    given = {} if args.guidance_scale is None else {"guidance_scale": args.guidance_scale}
    samples = model.generate(labels=labels, seed=args.seed, **given)
    seconds = time.perf_counter() - start
    (x, y), (x_test, y_test) = (
        labelled(args.source, "train", args.size, args.real),
        labelled(args.source, "test", args.size),
    )
    judge = classifier(x, y)
    result = {
        "model": args.model,
        "source": args.source,
        "samples": args.n,
        "real_training_pictures": len(x),
        "real_test_pictures": len(x_test),
        "judge_on_real_test": judge.score(flat(x_test), y_test),
        "samples_recognised": judge.score(flat(samples), labels),
        "learned_from_samples_on_real_test": classifier(samples, labels).score(flat(x_test), y_test),
        "learned_from_as_many_real": classifier(x[: args.n], y[: args.n]).score(flat(x_test), y_test),
        "seed": args.seed,
        "guidance_scale": args.guidance_scale,
        "seconds_to_sample": round(seconds, 1),
        "machine": platform.processor() or platform.machine(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
    }
    for name, value in result.items():
        print(f"{name:36}{value:.3f}" if isinstance(value, float) else f"{name:36}{value}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
