"""Does prompt-to-prompt change what the texts differ in, and leave the rest where it is?

    python -m benchmarks.rewording saved_models/shapes-text/model.keras [-n 200] [--split test]

Captions of scenes in which one colour is replaced by another. For pairs that are made apart from the same noise, and for pairs whose
second attends as the first does, it prints the share of first and of second pictures that are wholly right, and in which share of the
pairs where both are, every thing has stayed at its place (within a tenth of the picture). The last line is one JSON object.
"""

import argparse
import json

from benchmarks.systems import machine

WAYS = {"made apart": (0.0, 0.0), "cross 0.8": (0.8, 0.0), "cross 0.8, own 0.4": (0.8, 0.4)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--split", default="test", choices=("test", "validation"))
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    where = machine()

    from keras_imgen.commands.common import load_model  # isort: skip - before keras: it turns oneDNN on

    import numpy as np

    from keras_imgen.data.sources import Request, find
    from keras_imgen.editing.prompt_to_prompt import prompt_to_prompt
    from keras_imgen.metrics import caption_accuracy

    model, rng = load_model(args.model), np.random.default_rng(args.seed)
    captions = find("shapes:text", Request(args.split)).captions
    pairs = [(caption, other) for row in captions if (other := recoloured(caption := row[0], rng))][: args.n]
    before, after = map(list, zip(*pairs))
    results = {}
    for name, (cross, own) in WAYS.items():
        made = prompt_to_prompt(model, before, after, cross=cross, own=own, steps=args.steps, seed=args.seed)
        right = [
            np.array([caption_accuracy([text], image[None])["whole"] for text, image in zip(texts, images)]) > 0
            for texts, images in ((before, made.images), (after, made.edited))
        ]
        stayed = [stay(*images) for images, both in zip(zip(*made), right[0] & right[1]) if both]
        results[name] = {"first": right[0].mean(), "second": right[1].mean(), "stayed": np.mean(stayed)}
        print(f"{name:<20}" + "".join(f"{k} {v:.3f}  " for k, v in results[name].items()), flush=True)
    print(json.dumps({"machine": where, **vars(args), "results": results}))


def recoloured(caption, rng):
    """The caption with another colour for one of its things; None where that says nothing new."""
    from keras_imgen.data.scene_captions import parse
    from keras_imgen.data.sources.shapes import COLOURS

    words = caption.split()
    places = [k for k, word in enumerate(words) if word in COLOURS and words[k + 1 : k + 2] != ["background"]]
    k = int(rng.choice(places))
    others = [colour for colour in COLOURS if colour != words[k] and colour[0] not in "aeiou"]
    words[k] = str(rng.choice(others))
    if words[k - 1] == "an":
        words[k - 1] = "a"
    changed = " ".join(words)
    return changed if parse(changed) != parse(caption) else None


def stay(first, second):
    """Whether every thing of one picture has one of the same shape and size at its place in the other."""
    from keras_imgen.metrics.edit_accuracy import NEAR
    from keras_imgen.metrics.scene_reader import read_scene

    a, b = (read_scene(image).things for image in (first, second))
    same = [[x.shape == y.shape and max(abs(x.x - y.x), abs(x.y - y.y)) <= NEAR for y in b] for x in a]
    return len(a) == len(b) and all(map(any, same))


if __name__ == "__main__":
    main()
