"""What sampling in bfloat16 changes in a model's pictures, and how long it takes, beside float32.

    python -m benchmarks.precision saved_models/fashion-diffusion/model.keras [-n 64] [--seed 1] [--rounds 3]

The same seeds and labels in both; gray levels of 255, the absolute difference. Seconds are medians, the two in turn. The last line is one
JSON object.
"""

import argparse
import json
import statistics

from benchmarks.systems import machine, timed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("-n", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    where = machine()

    from keras_imgen import load_model  # isort: skip - before keras and NumPy's users: it turns oneDNN on

    import numpy as np

    from keras_imgen.training.precision import compute_in

    models = {name: compute_in(load_model(args.model), name) for name in ("float32", "mixed_bfloat16")}
    labels = None if models["float32"].num_classes is None else np.arange(args.n) % models["float32"].num_classes
    make = {name: lambda m=m: m.generate(args.n, labels=labels, seed=args.seed) for name, m in models.items()}
    whole, half = (job().astype(int) for job in make.values())
    changes = np.abs(half - whole).reshape(args.n, -1).mean(1)
    seconds = {name: [] for name in make}
    for _ in range(args.rounds):
        for name, job in make.items():
            seconds[name].append(timed(job))
    seconds = {name: statistics.median(s) for name, s in seconds.items()}
    found = {"mean": changes.mean(), "median picture": np.median(changes), "most changed picture": changes.max()}
    for name, value in found.items():
        print(f"{name:<22}{value:>8.3f} gray levels")
    for name, value in seconds.items():
        print(f"{name:<22}{value:>8.3f} s")
    about = {"model": args.model, "n": args.n, "seed": args.seed, "rounds": args.rounds}
    print(
        json.dumps({"machine": where, **about, "changes": {k: float(v) for k, v in found.items()}, "seconds": seconds})
    )


if __name__ == "__main__":
    main()
