"""Do pictures show what their captions ask for? Text-to-image models on captions of scenes that no training picture had.

    python -m benchmarks.text saved_models/shapes-text/model.keras [MODEL ...] [-n 1000] [--guidance-scale 1,2,3] [--split test]

Each caption is told once, picture k with the seed SEED + k; `metrics.caption_accuracy` reads the picture without seeing the
caption. Captions with a colour and a shape that training never had together ("new pairs") and others that it never had ("new
captions") stand apart. The floor are the drawn scenes themselves, in the model's size: what the reader gets wrong. Choose a scale
on `--split validation`. The last line is one JSON object.
"""

import argparse
import json

from benchmarks.systems import machine, timed


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", help=".keras files, or SavedModel folders")
    parser.add_argument("-n", type=int, default=1000)
    parser.add_argument("--guidance-scale", default="", help="several with commas; default: the model's")
    parser.add_argument("--steps", type=int, help="of the sampler; default: the model's")
    parser.add_argument("--split", default="test", choices=("test", "validation"))
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    where = machine()

    from keras_imgen.commands.common import load_model  # isort: skip - before keras and NumPy's users: it turns oneDNN on

    import numpy as np

    from keras_imgen.data.scene_captions import parse
    from keras_imgen.data.scenes import held_out
    from keras_imgen.data.sources import Request, find

    results, floors = [], {}
    for path in args.models:
        model = load_model(path)
        size = model.image_shape[0]
        source = find("shapes:text", Request(args.split, (size, size)))
        captions = [row[0] for row in source.captions[: args.n]]
        why = np.array([held_out(parse(caption)) or "seen" for caption in captions])
        if size not in floors:
            floors[size] = judged(captions, why, source.fetch(np.arange(len(captions)))["image"])
            show(f"drawn, {size} px", floors[size])
        for scale in map(float, args.guidance_scale.split(",")) if args.guidance_scale else [None]:
            how = {"seed": args.seed, "guidance_scale": scale, "steps": args.steps}
            made = []
            seconds = timed(lambda: made.append(model.generate(conditions={"caption": captions}, **how)))  # noqa: B023
            found = judged(captions, why, made[0])
            results.append({"model": path, **how, "seconds": seconds, **found})
            show(f"{path}, scale {'its own' if scale is None else scale}", found)
    about = {"n": args.n, "split": args.split, "seed": args.seed}
    print(json.dumps({"machine": where, **about, "floors": floors, "results": results}))


def judged(captions, why, images):
    """The accuracies of all captions, and of each kind of them."""
    from keras_imgen.metrics import caption_accuracy

    found = {"all": caption_accuracy(captions, images)}
    for kind in sorted(set(why)):
        some = [k for k, w in enumerate(why) if w == kind]
        found[kind] = caption_accuracy([captions[k] for k in some], images[some])
    return found


def show(name, found):
    names = list(found["all"])
    print(f"\n{name}\n{'':<14}" + "".join(f"{k:>13}" for k in names))
    for kind, values in found.items():
        print(f"{kind:<14}" + "".join(f"{values.get(k, float('nan')):>13.3f}" for k in names), flush=True)


if __name__ == "__main__":
    main()
