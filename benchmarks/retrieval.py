"""Do pictures made of captions show what these say? By CLIP's retrieval, and of characters by a classifier of their attributes.

    python -m benchmarks.retrieval CLIP [MODEL ...] --data sprites [-n 500] [--guidance-scale 1,2,3] [--split test] [--seed 0]
        [--classifier CLASSIFIER] [--grid FOUND.png]

CLIP, MODEL and CLASSIFIER are what the recipes of the data train: emoji-clip, emoji-text, sprites-clip, sprites-text, sprites-classifier.
The captions, and the real pictures beside which those that were made stand, are of a split that none of them saw. Each caption is told
once, picture k with the seed SEED + k. R@K: the share of captions for which one of the K nearest pictures is of the same caption, and the
other way round. The floor are the real pictures: what CLIP and classifier get wrong themselves. Choose a scale on `--split validation`.

`--grid` writes a picture: what the last model made of the first 40 captions; without a model, of the first ten the eight real pictures that
are nearest to each. The last line is one JSON object.
"""

import argparse
import json

from benchmarks.systems import machine, timed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", help="a .keras file, or a SavedModel folder")
    parser.add_argument("models", nargs="*", help="the same, of models that are told captions")
    parser.add_argument("--data", required=True, choices=("sprites", "emoji"))
    parser.add_argument("-n", type=int, default=500, help="captions, at most")
    parser.add_argument("--guidance-scale", default="", help="several with commas; default: the model's")
    parser.add_argument("--steps", type=int, help="of the sampler; default: the model's")
    parser.add_argument("--split", default="test", choices=("test", "validation"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--classifier", help="of the attributes of sprites, a .keras file")
    parser.add_argument("--grid", help="a picture to write")
    args = parser.parse_args()
    where = machine()

    from keras_imgen.commands.common import load_model  # isort: skip - before keras and NumPy's users: it turns oneDNN on

    import numpy as np

    from keras_imgen.data.captioned_grid import captioned_grid
    from keras_imgen.data.image_io import save_image
    from keras_imgen.data.sources import Request, find
    from keras_imgen.data.sources.sprites import ATTRIBUTES
    from keras_imgen.metrics import retrieval

    clip = load_model(args.clip)
    classifier = load_model(args.classifier) if args.classifier else None
    source = find(args.data, Request(args.split, tuple(clip.image_shape[:2])))
    captions = [row[0] for row in source.captions[: args.n]]
    real = source.fetch(np.arange(len(captions)))
    texts = clip.embed_texts(captions)

    def judged(images):
        found = retrieval(clip.embed_images(images), texts, captions)
        if classifier is not None:
            logits = classifier.predict(images.astype("float32"), verbose=0)
            right = np.array([np.argmax(logits[name], -1) == real[name] for name in ATTRIBUTES])
            found |= {**dict(zip(ATTRIBUTES, right.mean(1).tolist())), "all attributes": float(right.all(0).mean())}
        return found

    results = {"real pictures": judged(real["image"])}
    show("real pictures", results["real pictures"])
    nearest = np.argsort(-texts[:10] @ clip.embed_images(real["image"]).T, axis=1)[:, :8]
    shown = real["image"][nearest.reshape(-1)], [c for caption in captions[:10] for c in (caption, *[""] * 7)], 8
    for path in args.models:
        model = load_model(path)
        for scale in map(float, args.guidance_scale.split(",")) if args.guidance_scale else [None]:
            how, made = {"seed": args.seed, "guidance_scale": scale, "steps": args.steps}, []
            seconds = timed(lambda: made.append(model.generate(conditions={"caption": captions}, **how)))  # noqa: B023
            name = f"{path}, scale {'its own' if scale is None else scale}"
            results[name] = {**judged(made[0]), "seconds": seconds}
            show(name, results[name])
            shown = made[0][:40], captions[:40], 8
    if args.grid:
        save_image(args.grid, captioned_grid(*shown))
    about = {"n": len(captions), "data": args.data, "split": args.split, "seed": args.seed}
    print(json.dumps({"machine": where, **about, "clip": args.clip, "classifier": args.classifier, "results": results}))


def show(name, found):
    print(f"\n{name}")
    for key, value in found.items():
        print(f"  {key:<24}{value:8.3f}", flush=True)


if __name__ == "__main__":
    main()
