"""Do models do what they are told? Text-to-image, editing by instructions and segmentation, on texts that no training picture had.

    python -m benchmarks.text saved_models/shapes-text/model.keras [MODEL ...] [-n 1000] [--guidance-scale 1,2,3] [--split test]

Each caption is told once, picture k with the seed SEED + k; `metrics.caption_accuracy` reads the picture without seeing the
caption. Captions with a colour and a shape that training never had together ("new pairs") and others that it never had ("new
captions") stand apart, and again those of one thing, of several that are alike, and of each relation. The floor are the drawn
scenes themselves, in the model's size: what the reader gets wrong. Choose a scale on `--split validation`.

A model that is told pictures and instructions is judged by `metrics.edit_accuracy`, kind by kind; its floor are the targets. One that
segments, by the mean intersection over union. The last line is one JSON object.
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

    from keras_imgen.conditions import of, pictures_of
    from keras_imgen.data.scene_captions import parse
    from keras_imgen.data.scenes import held_out
    from keras_imgen.data.sources import Request, find

    results, floors = [], {}
    for path in args.models:
        model = load_model(path)
        size = model.image_shape[0]
        other = segmenting if "segment" in model.endpoints() else editing if pictures_of(of(model)) else None
        if other:
            results += [{"model": path, **found} for found in other(model, path, size, args)]
            continue
        source = find("shapes:text", Request(args.split, (size, size)))
        captions = [row[0] for row in source.captions[: args.n]]
        meant = [parse(caption) for caption in captions]
        why = [np.array([held_out(one) or "seen" for one in meant])]
        why += [np.array([one.relation or ("several alike" if one.count > 1 else "one thing") for one in meant])]
        if size not in floors:
            floors[size] = judged(captions, why, source.fetch(np.arange(len(captions)))["image"])
            show(f"drawn, {size} px", floors[size])
        for scale in map(float, args.guidance_scale.split(",")) if args.guidance_scale else [None]:
            how = told(args, scale)
            made = []
            seconds = timed(lambda: made.append(model.generate(conditions={"caption": captions}, **how)))  # noqa: B023
            found = judged(captions, why, made[0])
            results.append({"model": path, **how, "seconds": seconds, **found})
            show(f"{path}, scale {'its own' if scale is None else scale}", found)
    about = {"n": args.n, "split": args.split, "seed": args.seed}
    print(json.dumps({"machine": where, **about, "floors": floors, "results": results}))


def told(args, scale):
    """What `generate` is told: of a GAN, which has no guidance and no steps, nothing of these."""
    given = {"seed": args.seed, "guidance_scale": scale, "steps": args.steps}
    return {k: v for k, v in given.items() if v is not None}


def segmenting(model, path, size, args):
    """Mean intersection over union of masks, and of those of things and of backgrounds."""
    import numpy as np

    from keras_imgen.data.sources import Request, find

    source = find("shapes:segment", Request(args.split, (size, size)))
    rows = source.fetch(np.arange(min(args.n, source.count)))
    phrases = [row[0] for row in source.captions[: args.n]]
    found, masks = (model.segment(rows["image"], conditions={"caption": phrases}) > 0), rows["mask"] > 0
    iou = (found & masks).sum((1, 2, 3)) / np.maximum((found | masks).sum((1, 2, 3)), 1)
    ground = np.array(["background" in phrase for phrase in phrases])
    placed = np.array([any(word in phrase for word in (" left", " right", " top", " bottom")) for phrase in phrases])
    named = {"all": iou, "things": iou[~ground], "background": iou[ground], "by place": iou[placed]}
    values = {
        "all": {f"IoU, {k}": float(v.mean()) for k, v in named.items()} | {"IoU over 0.5": float((iou > 0.5).mean())}
    }
    show(path, values)
    return [values]


def editing(model, path, size, args):
    """Accuracies of edits, all and by kind."""
    import numpy as np

    from keras_imgen.data.scenes import SPLITS
    from keras_imgen.data.sources.instructed import edited
    from keras_imgen.metrics import edit_accuracy

    pairs = [edited(0, args.split, k, size) for k in range(min(args.n, SPLITS[args.split]))]
    scenes, edits = zip(*pairs)
    sources, targets = (np.stack([s.draw(size)[0] for s in some]) for some in (scenes, [e.scene for e in edits]))
    said = [edit.instruction for edit in edits]
    kinds = np.array([kind_of(text) for text in said])

    def judged(images):
        found = {"all": edit_accuracy(scenes, edits, sources, images)}
        for kind in sorted(set(kinds)):
            some = np.flatnonzero(kinds == kind)
            found[kind] = edit_accuracy(*([v[k] for k in some] for v in (scenes, edits)), sources[some], images[some])
        return found

    floor, results = judged(targets), []
    show(f"the targets, {size} px", floor)
    for scale in map(float, args.guidance_scale.split(",")) if args.guidance_scale else [None]:
        how = told(args, scale)
        found = judged(model.generate(conditions={"source": sources, "caption": said}, **how))
        show(f"{path}, scale {'its own' if scale is None else scale}", found)
        results.append({**how, "floor": floor, **found})
    return results


def kind_of(instruction):
    """The kind of an edit, by its words."""
    first, *_, last = instruction.split()
    kinds = {"replace": "replace", "move": "move", "remove": "remove", "add": "add", "turn": "background"}
    return kinds.get(first) or ("resize" if last in ("small", "large") else "recolour")


def judged(captions, why, images):
    """The accuracies of all captions, and of each kind of them, by several ways to sort them."""
    import numpy as np

    from keras_imgen.metrics import caption_accuracy

    found = {"all": caption_accuracy(captions, images)}
    for sorts in why:
        for kind in sorted(set(sorts)):
            some = np.flatnonzero(sorts == kind)
            found[kind] = caption_accuracy([captions[k] for k in some], images[some])
    return found


def show(name, found):
    names = list(dict.fromkeys(k for values in found.values() for k in values))
    print(f"\n{name}\n{'':<14}" + "".join(f"{k:>13}" for k in names))
    for kind, values in found.items():
        print(f"{kind:<14}" + "".join(f"{values.get(k, float('nan')):>13.3f}" for k in names), flush=True)


if __name__ == "__main__":
    main()
