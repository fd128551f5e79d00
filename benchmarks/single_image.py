"""New pictures like one painting: how alike their patches are, and how much of them is copied, beside quilting.

    python -m benchmarks.single_image MODEL.keras PAINTING [--samples 8] [--out sheet.png]

MODEL is what `keras-imgen train art-single-image` made of PAINTING, a path. Samples as large as what it learned, twice as wide and twice as
high, seed 0, are compared with the painting at that size: `metrics.patch_distance` in gray levels, finest level first, beside that of the
painting's two halves, and the largest square of a sample that is copied, as a share of the painting's shorter side. Quilting, which
copies by design, makes the same sizes. The last line is one JSON object.
"""

import argparse
import json
import time

from benchmarks.systems import machine

FORMS = {"as the painting": (1, 1), "twice as wide": (1, 2), "twice as high": (2, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("painting")
    parser.add_argument("--samples", type=int, default=8, help="of each form, 2 or more")
    parser.add_argument("--out", help="a picture of the painting and of samples of each form")
    args = parser.parse_args()
    where = machine()

    from keras_imgen.commands.common import load_model  # isort: skip - before keras: it turns oneDNN on

    import numpy as np

    from keras_imgen.data.image_io import load_image, resize, save_image
    from keras_imgen.editing.quilting import synthesize
    from keras_imgen.metrics import largest_copied_block, patch_distance

    model = load_model(args.model)
    height, width = model.image_shape[:2]
    painting = resize(load_image(args.painting, channels=model.image_shape[-1]), (height, width))
    halves = np.array_split(painting, 2, axis=int(width >= height))
    rows = {"halves of the painting": {"patches": patch_distance(halves[:1], halves[1:]).tolist()}}
    sheets = []
    for form, (high, wide) in FORMS.items():
        size = height * high, width * wide
        ways = {
            model.name: lambda seed, size=size: model.generate(1, size=size, seed=seed)[0],
            "quilting": lambda seed, size=size: synthesize(painting, size, seed=seed),
        }
        for name, way in ways.items():
            way(0)  # compiled
            start = time.perf_counter()
            samples = [way(seed) for seed in range(args.samples)]
            seconds = (time.perf_counter() - start) / args.samples
            copied = max(largest_copied_block(one, painting) for one in samples) / min(height, width)
            found = patch_distance([painting], samples).tolist()
            rows[f"{name}, {form}"] = {"patches": found, "copied": copied, "seconds": seconds}
            if name == model.name:
                sheets.append(samples[:2])
    for name, row in rows.items():
        more = f"  copied {row['copied']:.0%}  {row['seconds']:.2f} s" if "copied" in row else ""
        print(
            f"{name:<40}"
            + " ".join(f"{v:6.2f}" for v in row["patches"])
            + f"  mean {np.mean(row['patches']):6.2f}{more}"
        )
    if args.out:
        (first, *_), wide, high = sheets
        left = np.concatenate([np.concatenate([painting, first], 1), wide[0], wide[1]])
        tall = np.concatenate(high, 1)
        tall = np.pad(tall, ((0, left.shape[0] - tall.shape[0]), (0, 0), (0, 0)))
        save_image(args.out, np.concatenate([left, tall], 1))
    print(json.dumps({"machine": where, **vars(args), "results": rows}))


if __name__ == "__main__":
    main()
